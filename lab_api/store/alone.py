"""One process writes a SQLite file; the lock beside it says which."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreTaken(Exception):
    """Another process writes this store."""


def lock_file(store: Path) -> Path:
    """The file that the writing process of a store holds locked; it says its process id."""
    return store.with_name(store.name + ".lock")


@contextmanager
def process_lock(store: Path) -> Iterator[None]:
    """Be the one process that writes `store`; raises StoreTaken naming the other."""
    path = lock_file(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(held, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise StoreTaken(
                f"{store}: no other writing process expected, process {holder} found"
            ) from None
        os.truncate(held, 0)
        os.pwrite(held, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(held)
