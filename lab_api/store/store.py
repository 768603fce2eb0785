"""The store as the rest of the lab sees it: writes one after another, reads beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TypeVar

from sqlmodel import Session, select

from lab_api.store.alone import process_lock
from lab_api.store.engine import (
    READERS,
    is_sqlite,
    leading_engine,
    reading_engine,
    sqlite_file,
    writing_engine,
)
from lab_api.store.leading import Lead
from lab_api.store.migrate import upgrade
from lab_api.store.names import random_name
from lab_api.store.rows import insert_new
from lab_api.store.tables import StoreMark
from lab_api.store.trouble import named_trouble

T = TypeVar("T")


class Store:
    """A migrated store. Every write of this process goes through its one writing thread.

    `write` and `read` raise StoreTrouble when the store does not answer.
    """

    def __init__(self, url: str) -> None:
        """Take the store for this process, and migrate it.

        Raises StoreTaken when another process writes this SQLite file.
        """
        self.url = url
        self._held = ExitStack()
        with ExitStack() as taking:
            if is_sqlite(url):
                taking.enter_context(process_lock(sqlite_file(url)))
            self.writing = writing_engine(url)
            taking.callback(self.writing.dispose)
            with named_trouble():
                upgrade(self.writing)
                with Session(self.writing) as session, session.begin():
                    self.feed = _made_feed(session)
            self.reading = reading_engine(url)
            taking.callback(self.reading.dispose)
            self._leading = leading_engine(url)
            taking.callback(self._leading.dispose)
            self._writer = ThreadPoolExecutor(1, "store-writer")
            taking.callback(self._writer.shutdown)
            self._readers = ThreadPoolExecutor(READERS, "store-reader")
            taking.callback(self._readers.shutdown)
            self._held = taking.pop_all()

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction on the writing thread; it is committed on return."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self.write_now, work)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a short transaction that sees one state and cannot change it."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def write_now(self, work: Callable[[Session], T]) -> T:
        """`write` for a program without a loop; never beside a running loop's writes."""
        with (
            named_trouble(),
            Session(self.writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            return work(session)

    def read_now(self, work: Callable[[Session], T]) -> T:
        """`read` for a program without a loop."""
        with (
            named_trouble(),
            Session(self.reading, expire_on_commit=False) as session,
            session.begin(),
        ):
            return work(session)

    def lead(self, thing: str) -> Lead:
        """A claim to be the one replica that does `thing`."""
        return Lead(self._leading, thing)

    async def leads(self, lead: Lead) -> bool:
        """Whether this replica leads now; asked beside the loop. Raises StoreTrouble."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, lead.held)

    def close(self) -> None:
        """Finish what is being written and let the store go."""
        self._held.close()


def _made_feed(session: Session) -> str:
    """The store's feed id; drawn now if it has none."""
    rows = [{"id": 1, "feed": random_name(8), "made_at": datetime.now(UTC)}]
    insert_new(session, StoreMark, rows)
    return feed_of(session)


def feed_of(session: Session) -> str:
    """The store's feed id."""
    return session.exec(select(StoreMark.feed)).one()


def draw_feed(session: Session) -> str:
    """Draw a new feed id, so that every open screen loads its board again (CUSTODY.md 13)."""
    mark = session.exec(select(StoreMark)).one()
    mark.feed = random_name(8)
    session.add(mark)
    return mark.feed
