"""The one thread that writes a journal, and the transactions that gather what waits.

Each job runs in a savepoint of its own, so that one that fails takes no other with it; all
that waited share one commit, because a commit waits for the disk.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.journal.engine import JournalError, JournalLock, open_writer, what_failed

T = TypeVar("T")
Job = Callable[[Connection], Any]

TOGETHER = 200
"""Jobs that share a commit at most."""


class Writer:
    """Runs jobs, in order, on the only connection that may write."""

    def __init__(self, path: Path) -> None:
        self._lock = JournalLock(path)
        self._engine: Engine = open_writer(path)
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any]] | None] = queue.SimpleQueue()
        self._broken: JournalError | None = None
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[Connection], T]) -> Future[T]:
        """Have a job done; its future ends after the commit that makes it durable.

        It fails with StorageShort or JournalError for the file's own troubles, and with the
        job's own exception otherwise.
        """
        ended: Future[T] = Future()
        self._jobs.put((job, ended))
        return ended

    async def do(self, job: Callable[[Connection], T]) -> T:
        """`run`, awaited."""
        return await asyncio.wrap_future(self.run(job))

    def close(self) -> None:
        """Finish what waits and let go of the file."""
        self._jobs.put(None)
        self._thread.join()
        self._engine.dispose()
        self._lock.release()

    def _work(self) -> None:
        while True:
            waiting = [self._jobs.get()]
            while len(waiting) < TOGETHER and not self._jobs.empty():
                waiting.append(self._jobs.get())
            batch = [one for one in waiting if one is not None]
            if batch:
                self._commit(batch)
            if None in waiting:
                return

    def _commit(self, batch: list[tuple[Job, Future[Any]]]) -> None:
        if self._broken:
            for _, ended in batch:
                ended.set_exception(self._broken)
            return
        try:
            with self._engine.begin() as connection:
                outcomes = [self._attempt(connection, job) for job, _ in batch]
        except DBAPIError as error:
            reason = what_failed(error) or JournalError(f"the journal could not commit: {error}")
            if isinstance(reason, JournalError):
                self._broken = reason
            for _, ended in batch:
                ended.set_exception(reason)
            return
        for (_, ended), (value, failure) in zip(batch, outcomes, strict=True):
            if failure:
                ended.set_exception(failure)
            else:
                ended.set_result(value)

    def _attempt(self, connection: Connection, job: Job) -> tuple[Any, Exception | None]:
        savepoint = connection.begin_nested()
        try:
            value = job(connection)
        except DBAPIError as error:
            if what_failed(error):
                raise
            savepoint.rollback()
            return None, error
        except Exception as error:  # noqa: BLE001  carried to whoever asked, never swallowed
            savepoint.rollback()
            return None, error
        savepoint.commit()
        return value, None
