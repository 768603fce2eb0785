"""How the journal's file is opened: one writing connection, all others read only.

SQLite in WAL mode with `synchronous=FULL`, so that a commit that returned survives a power cut.
Versions before 3.51.3 can lose committed writes with two writing connections (CUSTODY.md 25);
a lock beside the file keeps a second writer out, in whatever process.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

BROKEN = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOTADB}
)
"""Primary result codes after which nothing may be said to be stored."""


class JournalError(Exception):
    """The journal cannot be trusted to store: nobody may be told that anything was stored."""


class StorageShort(Exception):
    """There is no room just now; what was not stored is not released."""


class JournalLock:
    """Held by the one process that may write a journal."""

    def __init__(self, path: Path) -> None:
        beside = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(
                f"{path}: a file we may write expected, {error.strerror} found"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 32, 0).decode() or "unknown"
            os.close(self._descriptor)
            raise JournalError(
                f"{path}: one writer expected, process {holder} already writes it"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let another process write."""
        os.close(self._descriptor)


def open_writer(path: Path) -> Engine:
    """An engine with a single connection, for the journal's one writing thread."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 10},
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 1000")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def open_reader(path: Path) -> Engine:
    """An engine whose one connection can only read; for one reading thread."""
    return create_engine(
        f"sqlite:///file:{path}?mode=ro&uri=true",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": 10},
    )


def what_failed(error: DBAPIError) -> Exception | None:
    """JournalError or StorageShort for errors of the file itself; None for any other."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is None:
        return None
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return StorageShort("room on the journal's disk expected, none found")
    if code & 0xFF in BROKEN:
        return JournalError(f"the journal's file cannot be used: {error.orig}")
    return None
