"""A session with one instrument on a line: what arrives, and what it is told."""

from __future__ import annotations

import asyncio

import pytest

from drivers import LinkState, Settlement
from drivers.profile import ModbusProfile
from drivers.protocols.base import Read
from tests.drivers.bus_bench import Bench, on_a_bus, profile_of, soon, values


def test_a_record_becomes_a_delivery_and_the_next_comes_once_it_is_settled() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(1, 126)
        deliveries = bench.session(1).deliveries()
        first = await soon(deliveries)
        one.measure(2, 130)
        await first.settle(Settlement.STORED)

        second = await soon(deliveries)

        assert (values(first), values(second)) == (["12.6"], ["13.0"])
        assert first.readings[0].identity != second.readings[0].identity
        assert [state for state, _ in bench.states[1]] == [LinkState.SILENT, LinkState.SPEAKING]

    on_a_bus(story)


def test_what_was_not_stored_is_not_released_and_comes_again_as_the_same() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(7, 126)
        release = {"at": "0x0013", "by": "counter"}
        deliveries = bench.session(1, profile_of(release=release)).deliveries()
        first = await soon(deliveries)
        await first.settle(Settlement.RETRY)
        assert one.registers.writes == []

        again = await soon(deliveries)
        await again.settle(Settlement.STORED)

        assert again.readings == first.readings
        assert one.registers.writes == [(0x0013, (7,))]

    on_a_bus(story)


def test_a_delivery_that_was_stored_too_late_is_not_released() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(7, 126)
        release = {"at": "0x0013", "by": "counter"}
        delivery = await soon(bench.session(1, profile_of(release=release)).deliveries())
        await asyncio.sleep(6)

        await delivery.settle(Settlement.STORED)

        assert one.registers.writes == []

    on_a_bus(story)


def test_a_delivery_is_settled_exactly_once() -> None:
    async def story(bench: Bench) -> None:
        bench.instruments[0].measure(1, 126)
        delivery = await soon(bench.session(1).deliveries())
        await delivery.settle(Settlement.STORED)

        with pytest.raises(RuntimeError, match="settled exactly once"):
            await delivery.settle(Settlement.STORED)

    on_a_bus(story)


def test_nothing_is_asked_while_there_is_no_room_for_it() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(1, 126)
        session = bench.session(1)
        session.accepting = False
        waiting = asyncio.ensure_future(anext(session.deliveries()))
        await asyncio.sleep(30)
        assert one.unit.asked_at == []
        session.accepting = True

        async with asyncio.timeout(5):
            assert values(await waiting) == ["12.6"]

    on_a_bus(story)


def test_records_that_were_missed_are_told_with_the_one_that_came() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(1, 126)
        session = bench.session(1)
        deliveries = session.deliveries()
        first = await soon(deliveries)
        await first.settle(Settlement.STORED)
        one.measure(5, 130)

        second = await soon(deliveries)

        assert (first.missed, second.missed, values(second)) == (0, 3, ["13.0"])

    on_a_bus(story)


def test_what_was_missed_between_two_sessions_is_known_from_the_last_raw() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(1, 126)
        session = bench.session(1)
        first = await soon(session.deliveries())
        await first.settle(Settlement.STORED)
        await session.close()
        one.measure(5, 130)

        second = await soon(bench.session(1, last=first.raw).deliveries())

        assert second.missed == 3

    on_a_bus(story)


def test_where_nothing_identifies_a_record_each_event_is_one_of_its_own() -> None:
    event = {"at": "0x0010", "bit": "0"}
    told = profile_of(counter=None, event=event).model_dump(mode="json")
    profile = ModbusProfile.model_validate({**told, "identity": {}})

    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(0, 126)
        deliveries = bench.session(1, profile).deliveries()
        found = []
        for _ in range(2):
            waiting = asyncio.ensure_future(anext(deliveries))
            one.registers.put(0x0010, 0)
            await asyncio.sleep(3)
            one.registers.put(0x0010, 1)
            async with asyncio.timeout(10):
                found.append(await waiting)
            await found[-1].settle(Settlement.STORED)

        assert [values(one) for one in found] == [["12.6"], ["12.6"]]
        assert len({one.readings[0].identity for one in found}) == 2

    on_a_bus(story)


def test_a_refusal_is_the_instrument_s_state_in_plain_words_until_it_is_over() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(1, 126)
        obeys, one.unit.answer = one.unit.answer, lambda _: b"\x83\x06"
        waiting = asyncio.ensure_future(anext(bench.session(1).deliveries()))
        await asyncio.sleep(5)
        one.unit.answer = obeys

        async with asyncio.timeout(5):
            assert values(await waiting) == ["12.6"]
        assert bench.states[1][1:] == [
            (
                LinkState.FAULTED,
                "unit 1 refuses to read 1 from 0x0011 (function 3): it is busy (exception 6)",
            ),
            (LinkState.SPEAKING, None),
        ]

    on_a_bus(story)


def test_an_instrument_that_is_not_the_one_meant_is_told_and_nothing_is_taken_from_it() -> None:
    profile = profile_of(identify={"at": "0", "count": "2", "begins": ["SC-1"]})

    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(1, 126)
        one.registers.put(0, 0x5859, 0x2D39)
        waiting = asyncio.ensure_future(anext(bench.session(1, profile).deliveries()))
        await asyncio.sleep(30)

        assert bench.states[1][-1] == (
            LinkState.FAULTED,
            "played line, unit 1: 'SC-1' expected, 'XY-9' found",
        )
        assert not waiting.done()
        assert one.registers.reads[-1] == Read(3, 0, 2)
        waiting.cancel()

    on_a_bus(story)


def test_a_unit_that_leaves_every_write_unanswered_is_not_lost() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.measure(1, 126)
        obeys = one.unit.answer
        one.unit.answer = lambda pdu: b"" if pdu[0] == 5 else obeys(pdu)
        profile = profile_of(latch={"at": "0"}, release={"at": "1", "by": "coil"})
        deliveries = bench.session(1, profile).deliveries()
        delivery = await soon(deliveries, within=30)
        await delivery.settle(Settlement.STORED)

        assert values(delivery) == ["12.6"]
        assert [state for state, _ in bench.states[1]] == [LinkState.SILENT, LinkState.SPEAKING]

    on_a_bus(story)
