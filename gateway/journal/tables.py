"""The journal's tables: the gateway's durable memory. The capitals at the end are for statements.

Times are RFC 3339 text with offset, as on the wire; hashes are 64 hex digits.
"""

from __future__ import annotations

from sqlalchemy import Index, MetaData
from sqlmodel import Field, SQLModel


class Table(SQLModel):
    """Keeps the journal's tables apart from any other program's in the same process."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class HeadRow(Table, table=True):
    """One row: whose journal this is, and where its stream stands."""

    __tablename__ = "head"
    id: int = Field(default=1, primary_key=True)
    region: str
    station: str
    gateway: str
    epoch: int
    """Random, 53 bits; without order."""
    seq: int
    """The newest entry's number; 0 before the first."""
    chain: str
    """The chain value at `seq`; the epoch itself before the first."""
    made_at: str
    forked_at: str | None = None
    """When the stream was last numbered again because a receipt did not agree."""


class RawRow(Table, table=True):
    """The bytes of deliveries, once each."""

    __tablename__ = "raw"
    sha256: str = Field(primary_key=True)
    octets: bytes


class DeliveryRow(Table, table=True):
    """What an instrument handed over, understood or not."""

    __tablename__ = "delivery"
    n: int | None = Field(default=None, primary_key=True)
    instrument: str = Field(index=True)
    received_at: str
    synchronised: bool
    raw_sha256: str
    fault: str | None
    """Why it was not understood, incomplete or garbled; null when it was."""
    readings: int
    profile: str
    profile_version: int
    device_serial: str | None
    custody: str


class ResultRow(Table, table=True):
    """One result id: what it came from, and its newest revision."""

    __tablename__ = "result"
    __table_args__ = (
        Index("ix_result_day_instrument", "day", "instrument"),
        Index("ix_result_run", "run", "channel"),
    )
    id: str = Field(primary_key=True)
    instrument: str
    delivery: int
    place: int
    """Which reading of the delivery, from 0."""
    said: str
    """The reading as JSON."""
    sightings: int = 1
    """How often it was said; above 1 it was sent again."""
    revision: int
    day: str
    """The station's day of revision 1's received_at; it never moves (CUSTODY.md 21)."""
    item: str | None
    channel: str | None
    run: str | None
    """The run whose sheet it was paired with."""


class EntryRow(Table, table=True):
    """One numbered row of the stream. The payload is sent, repeated and exported as it is."""

    __tablename__ = "entry"
    epoch: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    id: str = Field(index=True)
    revision: int
    instrument: str
    raw_sha256: str | None
    body_sha256: str
    chain: str
    payload: bytes
    carries_raw: bool
    """Whether its raw goes out before it: the first entry of a delivery."""


class ReceiptRow(Table, table=True):
    """What a lab said it holds of this journal's epoch."""

    __tablename__ = "receipt"
    lab: str = Field(primary_key=True)
    epoch: int
    through: int
    chain: str | None
    at: str


class SheetRow(Table, table=True):
    """The newest version of each run sheet."""

    __tablename__ = "sheet"
    run: str = Field(primary_key=True)
    version: int
    instrument: str = Field(index=True)
    covers_to: str
    """In UTC, so that text compares as time."""
    payload: bytes


class RequestRow(Table, table=True):
    """Commands carried out: a repeat is answered with the same reply (CUSTODY.md 16)."""

    __tablename__ = "request"
    request: str = Field(primary_key=True)
    verb: str
    reply: bytes
    at: str


HEAD = Table.metadata.tables["head"]
RAW = Table.metadata.tables["raw"]
DELIVERY = Table.metadata.tables["delivery"]
RESULT = Table.metadata.tables["result"]
ENTRY = Table.metadata.tables["entry"]
RECEIPT = Table.metadata.tables["receipt"]
SHEET = Table.metadata.tables["sheet"]
REQUEST = Table.metadata.tables["request"]
