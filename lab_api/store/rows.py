"""Many rows in one statement, where some may be there already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

T = TypeVar("T")

Values = Mapping[str, Any]
AT_ONCE = 500
"""Values in one `in (…)`: far below the most parameters that either database takes."""


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements of many rows."""
    table = getattr(model, "__table__", None)  # SQLModel sets it and does not type it
    assert isinstance(table, Table)
    return table


def insert_into(session: Session, model: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    """The database's own `insert`, which knows `on conflict`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table_of(model))
    return sqlite.insert(table_of(model))


def insert_all(session: Session, model: type[SQLModel], rows: Sequence[Values]) -> None:
    """Insert rows of which none is there."""
    if rows:
        session.execute(insert_into(session, model), list(rows))


def insert_new(
    session: Session, model: type[SQLModel], rows: Sequence[Values], *returning: str
) -> list[Row[Any]]:
    """Insert the rows that are not there yet, and return those columns of them."""
    if not rows:
        return []
    columns = [table_of(model).c[name] for name in returning]
    statement = insert_into(session, model).on_conflict_do_nothing()
    if not columns:
        session.execute(statement, list(rows))
        return []
    return list(session.execute(statement.returning(*columns), list(rows)))


def upsert(session: Session, model: type[SQLModel], rows: Sequence[Values]) -> None:
    """Insert rows, or replace what stands under their primary keys."""
    if not rows:
        return
    table = table_of(model)
    statement = insert_into(session, model)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), list(rows))


def chunks(values: Iterable[T], most: int = AT_ONCE) -> Iterator[list[T]]:
    """The values in lists of at most `most`."""
    chunk: list[T] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == most:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
