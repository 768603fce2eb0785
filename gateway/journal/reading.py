"""What others read of a journal: short reads on a connection that cannot write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from gateway.journal.tables import DELIVERY, ENTRY, HEAD, RAW, RECEIPT, RESULT


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the stream stands."""

    epoch: int
    seq: int
    chain: str
    forked_at: str | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An entry as it goes out."""

    seq: int
    id: str
    revision: int
    instrument: str
    payload: bytes
    raw_sha256: str | None
    carries_raw: bool


def standing(connection: Connection) -> Standing:
    """Epoch, newest seq and chain."""
    row = connection.execute(select(HEAD.c.epoch, HEAD.c.seq, HEAD.c.chain, HEAD.c.forked_at)).one()
    return Standing(*row)


def outgoing(
    connection: Connection, epoch: int, first: int, last: int, most: int
) -> list[Outgoing]:
    """Entries of `first..last`, in order, at most `most`."""
    rows = connection.execute(
        select(
            ENTRY.c.seq,
            ENTRY.c.id,
            ENTRY.c.revision,
            ENTRY.c.instrument,
            ENTRY.c.payload,
            ENTRY.c.raw_sha256,
            ENTRY.c.carries_raw,
        )
        .where(ENTRY.c.epoch == epoch, ENTRY.c.seq.between(first, last))
        .order_by(ENTRY.c.seq)
        .limit(most)
    )
    return [Outgoing(*row) for row in rows]


def raw_of(connection: Connection, digest: str) -> bytes | None:
    """A delivery's bytes."""
    found: bytes | None = connection.execute(
        select(RAW.c.octets).where(RAW.c.sha256 == digest)
    ).scalar()
    return found


def last_raw(connection: Connection, instrument: str) -> bytes | None:
    """The bytes of the newest delivery of an instrument that was understood."""
    found: bytes | None = connection.execute(
        select(RAW.c.octets)
        .join(DELIVERY, DELIVERY.c.raw_sha256 == RAW.c.sha256)
        .where(DELIVERY.c.instrument == instrument, DELIVERY.c.fault.is_(None))
        .order_by(DELIVERY.c.n.desc())
        .limit(1)
    ).scalar()
    return found


def chain_at(connection: Connection, epoch: int, seq: int) -> str | None:
    """The chain value at a seq; the epoch itself at 0; None where this journal has none."""
    if seq == 0:
        return str(epoch)
    found: str | None = connection.execute(
        select(ENTRY.c.chain).where(ENTRY.c.epoch == epoch, ENTRY.c.seq == seq)
    ).scalar()
    return found


def receipts(connection: Connection, epoch: int) -> dict[str, int]:
    """Per lab, the seq up to which it confirmed."""
    rows = connection.execute(
        select(RECEIPT.c.lab, RECEIPT.c.through).where(RECEIPT.c.epoch == epoch)
    )
    return dict(tuple(row) for row in rows)


def captured(connection: Connection, days: Sequence[str]) -> dict[str, dict[str, int]]:
    """Per instrument and day, how many results it gave."""
    rows = connection.execute(
        select(RESULT.c.instrument, RESULT.c.day, func.count())
        .where(RESULT.c.day.in_(days))
        .group_by(RESULT.c.instrument, RESULT.c.day)
    )
    counts: dict[str, dict[str, int]] = {}
    for instrument, day, count in rows:
        counts.setdefault(instrument, {})[day] = count
    return counts


def not_understood(connection: Connection) -> dict[str, int]:
    """Per instrument, deliveries whose bytes are kept and whose meaning is not known."""
    rows = connection.execute(
        select(DELIVERY.c.instrument, func.count())
        .where(DELIVERY.c.fault.is_not(None))
        .group_by(DELIVERY.c.instrument)
    )
    return dict(tuple(row) for row in rows)


@dataclass(frozen=True, slots=True)
class Unread:
    """A delivery that was not understood."""

    n: int
    instrument: str
    received_at: str
    fault: str
    raw_sha256: str
    profile: str
    synchronised: bool
    custody: str


def unread(connection: Connection, most: int = 50) -> list[Unread]:
    """The newest deliveries that were not understood, newest first."""
    rows = connection.execute(
        select(
            DELIVERY.c.n,
            DELIVERY.c.instrument,
            DELIVERY.c.received_at,
            DELIVERY.c.fault,
            DELIVERY.c.raw_sha256,
            DELIVERY.c.profile,
            DELIVERY.c.synchronised,
            DELIVERY.c.custody,
        )
        .where(DELIVERY.c.fault.is_not(None))
        .order_by(DELIVERY.c.n.desc())
        .limit(most)
    )
    return [Unread(*row) for row in rows]
