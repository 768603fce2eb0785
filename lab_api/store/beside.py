"""Reading a store from a program that does not write it, also while a lab runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import inspect
from sqlmodel import Session

from lab_api.store.engine import is_sqlite, reading_engine, sqlite_file
from lab_api.store.trouble import named_trouble

T = TypeVar("T")


class NoStore(Exception):
    """There is nothing to read yet."""


def read_beside(url: str, work: Callable[[Session], T]) -> T:
    """Read once, without the right to write; raises NoStore and StoreTrouble."""
    missing = NoStore(f"{url}: a store made by kj-lab run or migrate expected, none found")
    if is_sqlite(url) and not sqlite_file(url).exists():
        raise missing
    engine = reading_engine(url)
    try:
        with named_trouble(), Session(engine) as session, session.begin():
            if not inspect(session.connection()).has_table("store_mark"):
                raise missing
            return work(session)
    finally:
        engine.dispose()
