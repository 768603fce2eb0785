"""The journal: what was stored before any instrument was released.

async with opened(path, desk, now) as journal:
    await journal.record(handed)          # returns after the commit, or raises
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from gateway.clock import Clock
from gateway.journal import reading, stream
from gateway.journal.engine import JournalError, StorageShort, open_reader
from gateway.journal.migrate import migrate
from gateway.journal.recording import Desk, Handed, Recorded, record, record_unread
from gateway.journal.writer import Writer
from gateway.wire.receipt import Receipt

T = TypeVar("T")

ENOUGH = 8 * 1024 * 1024
"""Free bytes from which a disk that was full takes results again."""


class Journal:
    """Stores deliveries and answers what is in it; everything durable before it returns."""

    def __init__(self, path: Path, desk: Desk, now: Clock, writer: Writer) -> None:
        self.on_growth: list[Callable[[], None]] = []
        """Told after every commit that added entries, on the loop."""
        self.short: str | None = None
        """Why nothing can be stored just now."""
        self.desk = desk
        self._path = path
        self._now, self._writer = now, writer
        self._reader = open_reader(path)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="journal-read")

    async def record(self, handed: Handed) -> Recorded:
        """Store a delivery; returns when it survives a power cut.

        Raises StorageShort when there is no room (the delivery is not stored) and JournalError
        when the file fails. What cannot be understood for any other reason is stored as its
        bytes alone.
        """
        try:
            recorded = await self._writer.do(lambda c: record(c, handed, self.desk))
        except StorageShort as error:
            self.short = str(error)
            raise
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001  CUSTODY.md 10: poison costs its meaning only
            why = f"{type(error).__name__}: {error}"
            recorded = await self._writer.do(lambda c: record_unread(c, handed, why))
        self.short = None
        if recorded.new:
            self._tell()
        return recorded

    async def believe(self, receipt: Receipt) -> bool:
        """Take a receipt; True when the stream had to be numbered again."""
        if not await self._writer.do(lambda c: stream.believe(c, receipt, self._now())):
            return False
        await self._writer.do(lambda c: stream.number_again(c, self._now()))
        self._tell()
        return True

    async def change(self, job: Callable[[Connection], T]) -> T:
        """Do something in a transaction of its own, and tell that the stream may have grown."""
        done = await self._writer.do(job)
        self._tell()
        return done

    async def make_sure_of_room(self) -> None:
        """Look for room for some messages and commit; raises StorageShort while there is none."""
        room = await asyncio.to_thread(shutil.disk_usage, self._path.parent)
        if room.free < ENOUGH:
            raise StorageShort(f"{ENOUGH} bytes free expected, {room.free} found")
        await self._writer.do(stream.touch)
        self.short = None

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask something of what is committed."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._ask, question)

    async def standing(self) -> reading.Standing:
        """Epoch, newest seq and chain."""
        return await self.read(reading.standing)

    def close(self) -> None:
        """Finish what waits."""
        self._writer.close()
        self._reading.shutdown()
        self._reader.dispose()

    def _ask(self, question: Callable[[Connection], T]) -> T:
        with self._reader.connect() as connection:
            return question(connection)

    def _tell(self) -> None:
        for tell in self.on_growth:
            tell()


@asynccontextmanager
async def opened(path: Path, desk: Desk, now: Clock) -> AsyncIterator[Journal]:
    """Open, migrate and begin a journal; JournalError when it is another's or in use."""
    writer = Writer(path)
    try:
        await writer.do(migrate)
        began = await writer.do(lambda c: stream.begin(c, desk.place, now()))
    except BaseException:
        writer.close()
        raise
    journal = Journal(path, replace(desk, began=began), now, writer)
    try:
        yield journal
    finally:
        journal.close()
