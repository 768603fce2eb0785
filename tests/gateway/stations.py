"""A station for tests: a journal on disk and deliveries of ASTM-like readings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from drivers.reading import Custody, Delivery, Reading
from gateway.clock import StationDay
from gateway.fold import Instrument, Place
from gateway.journal import Desk, Handed, Journal, opened
from gateway.judging import load_rules

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=ZONE)
READER = Instrument("pest-1", "fsra-24", 1, "Example", "FSRA-24")
PLACE = Place("210112", "s0007", "gw1", ZONE, True, load_rules())
DESK = Desk(PLACE, StationDay(ZONE, timedelta(0)))


def reading(
    value: str | None = "12.6",
    *,
    sample: str | None = "N1",
    item: str | None = "opc-inhibition",
    identity: bytes | None = None,
    channel: str | None = None,
    measured_at: str | None = "2026-11-24T11:58:00",
) -> Reading:
    """One reading; its identity is what it says unless told otherwise."""
    said = f"{sample}|{item}|{value}|{channel}|{measured_at}".encode()
    return Reading(
        item=item,
        value=value,
        unit="%",
        reported=None,
        sample=sample,
        channel=channel,
        measured_at=measured_at,
        identity=said if identity is None else identity,
    )


def delivery(*readings: Reading, raw: bytes = b"H..L", fault: str | None = None) -> Delivery:
    """What an instrument hands over."""
    return Delivery(readings, fault, raw)


def handed(what: Delivery, at: datetime = NOON, instrument: Instrument = READER) -> Handed:
    """A delivery as it reaches the gateway."""
    return Handed(what, instrument, Custody.HELD, at, True)


def noon() -> datetime:
    """A clock that stands still."""
    return NOON.astimezone(UTC)


@asynccontextmanager
async def journal_at(path: Path, desk: Desk = DESK) -> AsyncIterator[Journal]:
    """An open journal."""
    async with opened(path, desk, noon) as journal:
        yield journal
