"""Who may act alone: a station's lock within a transaction, and the one leading replica.

On SQLite both are given: one process writes, one transaction after another.
"""

from __future__ import annotations

import hashlib
from types import TracebackType

from sqlalchemy import Connection, Engine, text
from sqlmodel import Session

from gateway.wire.topics import StationTopics
from lab_api.store.trouble import named_trouble


def _key(name: str) -> int:
    """A PostgreSQL advisory lock's 63 bits for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def lock_station(session: Session, station: StationTopics) -> None:
    """Wait until no other transaction numbers this station's notices, until this one ends."""
    if session.get_bind().dialect.name == "postgresql":
        key = _key(f"notices of {station.root}")
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


class Lead:
    """Being the one replica that does a thing; kept by a connection, lost with it."""

    def __init__(self, engine: Engine, thing: str) -> None:
        self._engine, self._key = engine, _key(thing)
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether this replica leads, taking the lead where nobody has it. Blocks shortly.

        Raises StoreTrouble, and then leads no more.
        """
        if self._engine.dialect.name != "postgresql":
            return True
        try:
            with named_trouble():
                return self._ask()
        except BaseException:
            self.leave()
            raise

    def _ask(self) -> bool:
        if self._connection is not None:
            self._connection.execute(text("SELECT 1"))
            return True
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        query = text("SELECT pg_try_advisory_lock(:key)")
        if connection.execute(query, {"key": self._key}).scalar():
            self._connection = connection
            return True
        connection.close()
        return False

    def leave(self) -> None:
        """Let another lead."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def __enter__(self) -> Lead:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.leave()
