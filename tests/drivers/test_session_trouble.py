"""What a session does with what is cut, lost, garbled or not understood (G4, G5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from drivers import LinkLost, LinkState, ProtocolFault, Reading, Settlement
from drivers.links import MemoryInstrument, memory_pair
from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Event
from drivers.quirks import QUIRKS
from drivers.sessions import StreamSession
from drivers.sessions.spill import SAMPLE
from tests.drivers import virtual_time
from tests.drivers.bench import BODY, FSRA, MESSAGE, Bench, on_the_bench
from tests.vectors.astm import ACK, ENQ, EOT, MESSAGE_RECORDS


@pytest.mark.parametrize("how", ["end", "bid", "silence", "unplugged"])
def test_a_message_cut_before_its_l_record_is_kept_without_readings(how: str) -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(ENQ, *BODY)
        if how == "unplugged":
            stand.instrument.unplug()
        elif how != "silence":
            stand.instrument.say(EOT if how == "end" else ENQ)

        delivery = await coming

        assert (delivery.readings, delivery.raw) == ((), b"".join(MESSAGE_RECORDS[:-1]))
        assert str(delivery.fault).startswith("incomplete: ")

    on_the_bench(story)


def test_a_cable_that_is_pulled_is_told_after_what_came_before() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(ENQ, *BODY)
        stand.instrument.unplug()
        await (await coming).settle(Settlement.STORED)

        with pytest.raises(LinkLost, match="bench: unplugged"):
            await stand.delivery()

    on_the_bench(story)


def test_a_cable_that_is_pulled_while_a_message_is_held_is_seen_and_still_stored() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        stand.instrument.unplug()
        await asyncio.sleep(0.01)
        assert stand.states[-1] == (LinkState.LOST, "bench: unplugged")

        await delivery.settle(Settlement.STORED)

        with pytest.raises(LinkLost):
            await stand.delivery()

    on_the_bench(story)


def test_noise_is_kept_as_garbled_after_a_second() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(b"\xffabc", b"def")

        delivery = await coming

        assert (delivery.readings, delivery.raw) == ((), b"\xffabcdef")
        assert delivery.fault == "garbled: 7 bytes: no part of a frame"

    on_the_bench(story)


def test_a_flood_of_noise_ends_the_session_and_keeps_a_bounded_part() -> None:
    async def story(stand: Bench) -> None:
        kept: list[bytes] = []
        flood = asyncio.ensure_future(pour(stand.instrument))

        with pytest.raises(ProtocolFault, match=r"astm expected, \d+ bytes of something else"):
            await keep_all(stand, kept)

        flood.cancel()
        assert 0 < len(b"".join(kept)) <= 2 * SAMPLE
        assert stand.states[-1][0] is LinkState.GARBLED

    on_the_bench(story)


async def keep_all(stand: Bench, kept: list[bytes]) -> None:
    async for delivery in stand.deliveries:
        kept.append(delivery.raw)
        await delivery.settle(Settlement.REFUSED)


async def pour(instrument: MemoryInstrument) -> None:
    while True:
        instrument.say(b"\xfe" * 1000)
        await asyncio.sleep(0.01)


def test_what_is_garbled_and_could_not_be_stored_comes_again() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(b"noise")
        first = await coming
        await first.settle(Settlement.RETRY)

        again = await stand.delivery(within=5)

        assert (again.raw, again.fault) == (first.raw, first.fault)

    on_the_bench(story)


def test_a_bug_in_a_quirk_costs_the_meaning_and_not_the_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def buggy(readings: tuple[Reading, ...], record: bytes) -> tuple[Reading, ...]:
        return (readings[24],)

    monkeypatch.setitem(QUIRKS, "buggy", buggy)

    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        await delivery.settle(Settlement.REFUSED)

        assert (delivery.readings, delivery.raw) == ((), MESSAGE)
        assert str(delivery.fault).startswith("not understood: IndexError")
        assert stand.instrument.hear() == ACK

    on_the_bench(story, FSRA.model_copy(update={"quirk": "buggy"}))


class BuggyReceiver(AstmReceiver):
    """What a protocol must never do."""

    def feed(self, data: bytes) -> Sequence[Event]:
        raise IndexError("a bug")


def test_a_bug_in_a_protocol_reaches_whoever_reads_deliveries() -> None:
    async def told() -> None:
        link, instrument = memory_pair()
        session = StreamSession(link, BuggyReceiver(), FSRA)
        coming = asyncio.ensure_future(anext(session.deliveries()))
        instrument.say(ENQ)

        with pytest.raises(IndexError, match="a bug"):
            await coming

    virtual_time.run(told())


def test_what_is_told_of_a_link_can_be_shown() -> None:
    async def told() -> None:
        link, instrument = memory_pair("a\0b\ud800")
        whys: list[str | None] = []
        session = StreamSession(
            link, AstmReceiver(), FSRA, on_state=lambda _, why: whys.append(why)
        )
        coming = asyncio.ensure_future(anext(session.deliveries()))
        instrument.unplug()

        with pytest.raises(LinkLost) as lost:
            await coming
        assert str(lost.value) == whys[-1] == "a\ufffdb\ufffd: unplugged"

    virtual_time.run(told())
