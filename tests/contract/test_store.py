"""What every store promises, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import StatementError
from sqlmodel import Session, select

from lab_api.store.engine import writing_engine
from lab_api.store.migrate import check, downgrade, upgrade
from lab_api.store.rows import insert_new, upsert
from lab_api.store.store import Store
from lab_api.store.tables import Raw, Refused
from lab_api.store.trouble import StoreTrouble


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    yield made
    made.close()


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def refusal(topic: str, at: datetime) -> Refused:
    return Refused(topic=topic, payload=b"\x00\xff", reason="检", at=at)


def add(session: Session, row: Refused) -> None:
    session.add(row)


def refused(session: Session) -> list[tuple[str, bytes, str, datetime]]:
    return [
        (row.topic, row.payload, row.reason, row.at)
        for row in session.exec(select(Refused).order_by(Refused.topic))
    ]


def test_models_and_history_agree(database_url: str) -> None:
    engine = writing_engine(database_url)

    upgrade(engine)

    check(engine)
    engine.dispose()


def test_the_history_goes_down_and_up_again(database_url: str) -> None:
    engine = writing_engine(database_url)
    upgrade(engine)

    downgrade(engine, "base")

    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    upgrade(engine)
    check(engine)
    engine.dispose()


def test_a_store_that_is_there_is_opened_with_what_it_holds(database_url: str) -> None:
    first = Store(database_url)
    first.write_now(partial(add, row=refusal("a", datetime.now(UTC))))
    feed = first.feed
    first.close()

    again = Store(database_url)

    assert again.feed == feed
    assert [row[0] for row in again.read_now(refused)] == ["a"]
    again.close()


def test_what_was_written_reads_the_same(store: Store) -> None:
    at = datetime(2026, 11, 24, 6, 45, 12, 345678, tzinfo=timezone(timedelta(hours=8)))

    store.write_now(partial(add, row=refusal("t", at)))

    assert store.read_now(refused) == [("t", b"\x00\xff", "检", at)]


def test_an_instant_comes_back_in_utc(store: Store) -> None:
    store.write_now(partial(add, row=refusal("t", datetime.now(timezone(timedelta(hours=8))))))

    ((_, _, _, at),) = store.read_now(refused)

    assert at.utcoffset() == timedelta(0)


def test_an_instant_without_offset_is_refused(store: Store) -> None:
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(StatementError, match="an instant with an offset expected"):
        store.write_now(partial(add, row=refusal("t", naive)))


def test_a_failed_write_leaves_nothing(store: Store) -> None:
    def half(session: Session) -> None:
        add(session, refusal("t", datetime.now(UTC)))
        session.flush()
        raise ValueError("the second half")

    with pytest.raises(ValueError, match="the second half"):
        store.write_now(half)

    assert store.read_now(refused) == []


def test_a_reader_cannot_write(store: Store) -> None:
    def write(session: Session) -> None:
        session.execute(text("DELETE FROM refused"))

    with pytest.raises(StoreTrouble, match=r"(?i)read.?only"):
        store.read_now(write)


def test_a_reader_sees_one_state(store: Store) -> None:
    def read_around_a_write(session: Session) -> tuple[int, int]:
        before = len(refused(session))
        store.write_now(partial(add, row=refusal("t", datetime.now(UTC))))
        return before, len(refused(session))

    assert store.read_now(read_around_a_write) == (0, 0)
    assert len(store.read_now(refused)) == 1


async def test_writes_come_one_after_another(store: Store) -> None:
    running: list[int] = []
    most: list[int] = []

    def write(session: Session) -> None:
        running.append(1)
        most.append(len(running))
        add(session, refusal("t", datetime.now(UTC)))
        session.flush()
        running.pop()

    await asyncio.gather(*(store.write(write) for _ in range(20)))

    assert max(most) == 1
    assert len(store.read_now(refused)) == 20


def test_of_many_rows_those_that_are_new_are_named(store: Store) -> None:
    now = datetime.now(UTC)

    def row(name: str) -> dict[str, object]:
        return {"sha256": name, "content": b"", "at": now}

    def insert(session: Session, *names: str) -> list[str]:
        return sorted(
            each.sha256 for each in insert_new(session, Raw, [row(n) for n in names], "sha256")
        )

    assert store.write_now(lambda session: insert(session, "a", "b")) == ["a", "b"]
    assert store.write_now(lambda session: insert(session, "b", "c", "a")) == ["c"]


def test_more_rows_than_a_statement_takes_parameters(store: Store) -> None:
    now = datetime.now(UTC)
    rows = [{"sha256": f"{n:064}", "content": b"x", "at": now} for n in range(15_000)]

    new = store.write_now(lambda session: insert_new(session, Raw, rows, "sha256"))

    assert len(new) == 15_000


def test_an_upsert_replaces_what_stands_under_the_key(store: Store) -> None:
    at = datetime.now(UTC)

    for content in (b"one", b"two"):
        rows = [{"sha256": "a", "content": content, "at": at}]
        store.write_now(partial(upsert, model=Raw, rows=rows))

    read = store.read_now(lambda session: session.exec(select(Raw.content)).all())
    assert read == [b"two"]
