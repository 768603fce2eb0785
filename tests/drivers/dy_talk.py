"""Conversations with a Dayuan "03 FF" instrument, for the drivers' tests."""

from __future__ import annotations

from collections import Counter
from datetime import date

from drivers import profile_named, understand
from drivers.protocols.base import Arrived
from drivers.protocols.dy03ff import Dy03ff
from tests.drivers.asking import Conversations
from tests.drivers.dy_instrument import DyInstrument

PROFILE = profile_named("dayuan-dy03ff")
DAY = date(2026, 11, 23)


def protocol(days_back: int = 1, today: date = DAY) -> Dy03ff:
    return Dy03ff(interval=5, days_back=days_back, today=lambda: today)


def talk(instrument: DyInstrument, days_back: int = 1) -> Conversations:
    return Conversations(protocol(days_back), instrument.answer)


def values(records: list[Arrived]) -> list[str | None]:
    return [reading.value for record in records for reading in understand(PROFILE, record.record)]


def identities(records: list[Arrived]) -> Counter[tuple[bytes, int | None]]:
    return Counter(
        (reading.identity, record.occurrence)
        for record in records
        for reading in understand(PROFILE, record.record)
    )
