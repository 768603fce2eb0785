"""Putting a backup of a SQLite store in place of the store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from lab_api.store.alone import process_lock
from lab_api.store.engine import is_sqlite, sqlite_file


def restore_sqlite(url: str, backup: Path) -> Path | None:
    """Replace the store by `backup`, keeping the present one beside it; return where it went.

    Raises StoreTaken while a lab runs, and ValueError where the backup is not a lab's store.
    """
    if not is_sqlite(url):
        raise ValueError("--from for a SQLite store expected, PostgreSQL found")
    store = sqlite_file(url)
    with process_lock(store):
        _must_be_a_store(backup)
        kept = None
        if store.exists():
            kept = store.with_name(f"{store.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            _copy(store, kept)
        for rest in (store, *(store.with_name(store.name + end) for end in ("-wal", "-shm"))):
            rest.unlink(missing_ok=True)
        _copy(backup, store)
        return kept


def _must_be_a_store(backup: Path) -> None:
    expected = f"{backup}: a copy of a lab's store expected"
    if not backup.is_file():
        raise ValueError(f"{expected}, no file found")
    try:
        with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as found:
            if found.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise ValueError(f"{expected}, a damaged file found")
            tables = found.execute("SELECT name FROM sqlite_master WHERE name = 'store_mark'")
            if tables.fetchone() is None:
                raise ValueError(f"{expected}, another database found")
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{expected}, {error} found") from error


def _copy(source: Path, target: Path) -> None:
    """A consistent copy, whatever stands in the write-ahead log."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
