"""Engines: one connection that writes, and others that can only read.

SQLite's WAL may lose committed writes when two connections write or checkpoint (CUSTODY.md 25):
so one connection of one process does, and every other opens the file read-only.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

BUSY_MS = 5000
READERS = 4
"""Threads, and connections, that read at the same time."""


def is_sqlite(url: str) -> bool:
    """Whether the store is a file on this machine."""
    return make_url(url).get_backend_name() == "sqlite"


def sqlite_file(url: str) -> Path:
    """The file of a SQLite store."""
    return Path(str(make_url(url).database)).absolute()


def writing_engine(url: str) -> Engine:
    """The engine with the one connection that writes; durable at each commit."""
    if not is_sqlite(url):
        engine = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
        event.listen(engine, "connect", _durable)
        return engine
    sqlite_file(url).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _sqlite_writer)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reading_engine(url: str) -> Engine:
    """An engine that cannot write; each transaction sees one state of the store."""
    if not is_sqlite(url):
        engine = create_engine(
            url,
            pool_size=READERS,
            max_overflow=0,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
        )
        event.listen(engine, "connect", _only_reading)
        return engine
    uri = f"file:{quote(str(sqlite_file(url)))}?mode=ro"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
        ),
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=0,
    )
    event.listen(engine, "begin", _begin)
    return engine


def leading_engine(url: str) -> Engine:
    """An engine whose connections are each made for one lead, and lost with it."""
    return create_engine(url, poolclass=NullPool)


def _sqlite_writer(connection: Any, _entry: ConnectionPoolEntry) -> None:
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _durable(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.execute("SET synchronous_commit TO on")
    connection.commit()


def _only_reading(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    connection.commit()
