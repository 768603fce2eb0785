"""CUSTODY.md 9, 10, 18: what becomes of a delivery while there is no room for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers import load_profiles
from drivers.links import memory_pair
from drivers.reading import Custody
from drivers.sessions import StreamSession, stream_protocol
from gateway.health import Health
from gateway.intake import take_in
from gateway.journal import Journal
from gateway.journal.reading import standing
from tests.gateway.stations import READER, journal_at, noon
from tests.journeys.analyser import ACK, ENQ, NAK, frames

RECORDS = [
    rb"H|\^&",
    b"O|1|N1||^^^OPC-INH",
    b"C|1|I|" + b"x" * 150_000,
    b"R|1|^^^OPC-INH|12.6|%",
    b"L|1",
]
PROFILES = load_profiles()


async def leave_room(journal: Journal, pages: int) -> None:
    """Let the journal's file grow by so many pages and no further."""
    await journal.change(
        lambda c: c.exec_driver_sql(
            f"pragma max_page_count={c.exec_driver_sql('pragma page_count').scalar_one() + pages}"
        )
    )


async def until_short(journal: Journal) -> None:
    async with asyncio.timeout(10):
        while journal.short is None:  # noqa: ASYNC110  a journal has no event for it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("profile", ["fsra-24", "astm-bare"])
async def test_what_is_said_once_waits_for_room_and_what_is_held_is_never_acknowledged(
    tmp_path: Path, profile: str
) -> None:
    known = PROFILES[profile]
    link, analyser = memory_pair()
    session = StreamSession(link, stream_protocol(known), known)
    health = Health(noon)
    health.enter(READER, "bench-1")
    is_bare = profile == "astm-bare"
    async with journal_at(tmp_path / "j.db") as journal:
        await leave_room(journal, 5)
        taking = asyncio.create_task(
            take_in(session, READER, Custody(known.custody), journal, health, noon)
        )
        said = [b"\r".join(RECORDS) + b"\r"] if is_bare else [ENQ, *frames(RECORDS)]
        for one in said:
            analyser.say(one)
            await asyncio.sleep(0)
        await until_short(journal)
        heard = await analyser.listen(0.3)
        assert session.accepting is False
        await leave_room(journal, 10_000)
        await asyncio.sleep(1.5)
        where = await journal.read(standing)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)

    assert where.seq == int(is_bare)
    if not is_bare:
        assert heard.count(ACK) == len(said) - 1


async def test_a_bid_is_refused_while_storage_is_short() -> None:
    known = PROFILES["fsra-24"]
    link, analyser = memory_pair()
    session = StreamSession(link, stream_protocol(known), known)
    session.accepting = False
    reading = asyncio.ensure_future(anext(session.deliveries()))
    analyser.say(ENQ)

    heard = await analyser.listen(2)

    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await session.close()
    assert heard == NAK
