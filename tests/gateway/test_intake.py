"""CUSTODY.md 9, 10, 18: what becomes of a delivery while the disk is full, on a real small disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.reading import Custody, Delivery, Settlement
from drivers.sessions import Answers, Counts
from drivers.sessions.stream import no_answer
from gateway.health import Health
from gateway.intake import take_in
from gateway.journal.reading import standing
from tests.gateway.stations import READER, journal_at, noon, reading


@dataclass
class Said:
    """A session whose instrument has said these deliveries."""

    deliveries_said: Sequence[Delivery]
    accepting: bool = True
    counts: Counts = field(default_factory=Counts)
    answers: Answers = field(default_factory=lambda: no_answer)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        for one in self.deliveries_said:
            yield one

    async def close(self) -> None:
        """Nothing to let go of."""


@pytest.mark.parametrize(
    ("custody", "told"),
    [(Custody.HELD, [Settlement.RETRY]), (Custody.SPOKEN_ONCE, [Settlement.STORED])],
)
async def test_what_is_said_once_waits_for_room_and_what_is_held_is_asked_for_again(
    tmp_path: Path, custody: Custody, told: list[Settlement]
) -> None:
    settled: list[Settlement] = []

    async def settle(outcome: Settlement) -> None:
        settled.append(outcome)

    said = Said([Delivery((reading(sample="N" * 5_000_000),), None, b"raw", settle)])
    health = Health(noon)
    health.enter(READER, "bench-1")
    async with journal_at(tmp_path / "j.db") as journal:
        pages = await journal.change(lambda c: c.exec_driver_sql("pragma page_count").scalar_one())
        await journal.change(lambda c: c.exec_driver_sql(f"pragma max_page_count={pages + 20}"))
        taking = asyncio.create_task(take_in(said, READER, custody, journal, health, noon))
        await asyncio.sleep(0.5)
        assert (said.accepting, journal.short is not None) == (False, True)
        await journal.change(lambda c: c.exec_driver_sql("pragma max_page_count=1000000"))
        await asyncio.wait_for(taking, 10)
        where = await journal.read(standing)

    assert (settled, where.seq) == (told, int(custody is Custody.SPOKEN_ONCE))
