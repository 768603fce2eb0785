"""The lab's tables: what came, what it means now, what was shown, and who did what.

stream ─┬─ arrival      every entry of a gateway, by its number: gaps and receipts
        └─ absence      numbers that will not come
result ─── current      every revision of every id; which one stands
publication, notice     the one state of an id; what the public was told, numbered
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel

from gateway.wire.notice import Deed
from gateway.wire.status import Presence
from gateway.wire.words import Outcome, Purpose, Source
from lab_api.publication import Reason, State
from lab_api.store.columns import Bytes, Document, Instant, Whole, words


class StoreMark(SQLModel, table=True):
    """One row: the feed id, drawn when the store is made or restored."""

    __tablename__ = "store_mark"

    id: int = Field(default=1, primary_key=True)
    feed: str
    made_at: datetime = Field(sa_type=Instant)


class Station(SQLModel, table=True):
    """A station of the settings, or one that was only heard."""

    __tablename__ = "station"

    region: str = Field(primary_key=True, max_length=6)
    id: str = Field(primary_key=True, max_length=64)
    known: bool
    from_file: bool
    """Known by `lab.toml`; false for `kj-lab station add` and for one only heard."""
    publish: bool
    card: dict[str, Any] | None = Field(default=None, sa_type=Document)
    """The newest status card, as sent."""
    first_at: datetime = Field(sa_type=Instant)


class GatewaySeen(SQLModel, table=True):
    """The newest status of a gateway."""

    __tablename__ = "gateway_seen"

    region: str = Field(primary_key=True, max_length=6)
    station: str = Field(primary_key=True, max_length=64)
    gateway: str = Field(primary_key=True, max_length=64)
    state: Presence = Field(sa_type=words(Presence))
    boot: str
    beat: int = Field(sa_type=Whole)
    epoch: int = Field(sa_type=Whole)
    offered: int = Field(sa_type=Whole)
    status: dict[str, Any] = Field(sa_type=Document)
    proved_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was last known to live: by our clock, or by its own for what a broker kept."""


class InstrumentSeen(SQLModel, table=True):
    """The newest status of an instrument's link."""

    __tablename__ = "instrument_seen"

    region: str = Field(primary_key=True, max_length=6)
    station: str = Field(primary_key=True, max_length=64)
    gateway: str = Field(primary_key=True, max_length=64)
    instrument: str = Field(primary_key=True, max_length=64)
    status: dict[str, Any] = Field(sa_type=Document)
    heard_at: datetime = Field(sa_type=Instant)


class Stream(SQLModel, table=True):
    """One epoch of one gateway, and how far everything of it is held."""

    __tablename__ = "stream"
    __table_args__ = (
        Index("ix_stream_place", "region", "station", "gateway", "epoch", unique=True),
    )

    id: int | None = Field(default=None, primary_key=True)
    region: str = Field(max_length=6)
    station: str = Field(max_length=64)
    gateway: str = Field(max_length=64)
    epoch: int = Field(sa_type=Whole)
    through: int = Field(default=0, sa_type=Whole)
    chain: str | None = None
    fork: bool = False
    advanced_at: datetime = Field(sa_type=Instant)


class Arrival(SQLModel, table=True):
    """An entry of a stream that reached us, whatever became of its result."""

    __tablename__ = "arrival"
    __table_args__ = (
        Index("ix_arrival_raw_sha256", "raw_sha256"),
        {"sqlite_with_rowid": False},
    )

    stream: int = Field(sa_column=Column(ForeignKey("stream.id"), primary_key=True))
    seq: int = Field(sa_column=Column(Whole, primary_key=True, autoincrement=False))
    chain: str
    id: str
    revision: int
    body_sha256: str
    raw_sha256: str | None
    at: datetime = Field(sa_type=Instant)


class Absence(SQLModel, table=True):
    """A run of numbers that will not come."""

    __tablename__ = "absence"

    stream: int = Field(sa_column=Column(ForeignKey("stream.id"), primary_key=True))
    first: int = Field(sa_column=Column(Whole, primary_key=True, autoincrement=False))
    last: int = Field(sa_type=Whole)
    chain: str | None
    reason: str
    at: datetime = Field(sa_type=Instant)


class MissedRecords(SQLModel, table=True):
    """Records that an instrument made and wrote over before anyone read them."""

    __tablename__ = "missed"
    __table_args__ = (Index("ix_missed_place", "region", "station", "received_at"),)

    id: UUID = Field(primary_key=True)
    region: str = Field(max_length=6)
    station: str = Field(max_length=64)
    gateway: str = Field(max_length=64)
    instrument: str
    count: int = Field(sa_type=Whole)
    received_at: datetime = Field(sa_type=Instant)


class Raw(SQLModel, table=True):
    """The bytes of one delivery."""

    __tablename__ = "raw"

    sha256: str = Field(primary_key=True, max_length=64)
    content: bytes = Field(sa_type=Bytes)
    at: datetime = Field(sa_type=Instant)


class StoredResult(SQLModel, table=True):
    """One revision of one result: the bytes as received, and what is asked for often."""

    __tablename__ = "result"
    __table_args__ = (
        Index("ix_result_place", "region", "station", "received_at", "id"),
        Index("ix_result_received_at", "received_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    payload: bytes = Field(sa_type=Bytes)
    body_sha256: str
    region: str = Field(max_length=6)
    station: str = Field(max_length=64)
    gateway: str = Field(max_length=64)
    instrument: str
    item: str | None
    sample: str | None
    outcome: Outcome = Field(sa_type=words(Outcome))
    purpose: Purpose = Field(sa_type=words(Purpose))
    source: Source = Field(sa_type=words(Source))
    effective_at: datetime | None = Field(sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    demo: bool
    at: datetime = Field(sa_type=Instant)


class Current(SQLModel, table=True):
    """Which revision of an id stands."""

    __tablename__ = "current"

    id: UUID = Field(primary_key=True)
    revision: int


class Conflict(SQLModel, table=True):
    """Another body that came as a revision already held."""

    __tablename__ = "conflict"

    id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    body_sha256: str = Field(primary_key=True, max_length=64)
    payload: bytes = Field(sa_type=Bytes)
    at: datetime = Field(sa_type=Instant)


class Refused(SQLModel, table=True):
    """A message that could not be taken, with its bytes and why."""

    __tablename__ = "refused"

    id: int | None = Field(default=None, primary_key=True)
    topic: str = Field(sa_type=Text)
    payload: bytes = Field(sa_type=Bytes)
    reason: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Instant)


class Publication(SQLModel, table=True):
    """The one state of a result towards the public."""

    __tablename__ = "publication"
    __table_args__ = (
        Index("ix_publication_board", "region", "station", "day", "state"),
        Index("ix_publication_code", "code", unique=True),
    )

    id: UUID = Field(primary_key=True)
    revision: int
    state: State = Field(sa_type=words(State))
    reason: Reason | None = Field(default=None, sa_type=words(Reason, 32))
    region: str = Field(max_length=6)
    station: str = Field(max_length=64)
    day: str = Field(max_length=10)
    effective_at: datetime | None = Field(sa_type=Instant)
    sample: str | None
    outcome: Outcome = Field(sa_type=words(Outcome))
    code: str = Field(max_length=16)
    """Names the result in public; never changes."""
    n: int | None = Field(default=None, sa_type=Whole)
    """The notice that says what is shown now."""
    row: dict[str, Any] | None = Field(default=None, sa_type=Document)
    """What is, or last was, shown."""
    decided_at: datetime = Field(sa_type=Instant)


class StoredNotice(SQLModel, table=True):
    """What the public was told, numbered without a gap per station; also the outbox."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_announced_at", "announced_at"),)

    region: str = Field(primary_key=True, max_length=6)
    station: str = Field(primary_key=True, max_length=64)
    n: int = Field(sa_column=Column(Whole, primary_key=True, autoincrement=False))
    code: str = Field(max_length=16)
    deed: Deed = Field(sa_type=words(Deed))
    result: UUID
    revision: int
    day: str = Field(max_length=10)
    payload: bytes = Field(sa_type=Bytes)
    at: datetime = Field(sa_type=Instant)
    announced_at: datetime | None = Field(default=None, sa_type=Instant)


class StoredCommand(SQLModel, table=True):
    """What was asked of a gateway, repeated until it replies."""

    __tablename__ = "command"
    __table_args__ = (Index("ix_command_open", "answer", "region", "station", "gateway"),)

    request: str = Field(primary_key=True)
    verb: str
    region: str = Field(max_length=6)
    station: str = Field(max_length=64)
    gateway: str = Field(max_length=64)
    payload: bytes = Field(sa_type=Bytes)
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    answer: str | None = None
    problem: str | None = Field(default=None, sa_type=Text)
    replied_at: datetime | None = Field(default=None, sa_type=Instant)


class ApiKey(SQLModel, table=True):
    """A key that programs show; its secret is kept as a hash alone."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True, max_length=16)
    sha256: str
    role: str
    scope: str
    name: str
    created_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class Audit(SQLModel, table=True):
    """Who did what; only ever added to."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Instant)
    who: str
    deed: str
    subject: str
    particulars: dict[str, Any] = Field(sa_type=Document)
