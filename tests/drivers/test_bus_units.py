"""Several instruments on one line: what a dead one costs the others, and the line's loss (G4)."""

from __future__ import annotations

import asyncio
from statistics import median

import pytest

from drivers import Bus, Delivery, LinkLost, LinkState, ProfileError, Settlement, profile_named
from drivers.links.modbus import Manners, ModbusLine
from drivers.links.modbus_frames import RtuFrames
from drivers.protocols.base import Read
from tests.drivers.bus_bench import Bench, Instrument, on_a_bus, profile_of, soon, values
from tests.drivers.played_line import PlayedLine


async def latencies(bench: Bench, unit: int, count: int) -> list[float]:
    """How long an answer of one unit takes to come, asked many times."""
    loop = asyncio.get_running_loop()
    found = []
    for _ in range(count):
        begun = loop.time()
        await bench.bus.line.ask(unit, Read(3, 5, 2), Manners(0.5, 2.0))
        found.append(loop.time() - begun)
        await asyncio.sleep(0.05)
    return found


def kept_alive(bench: Bench, *units: int) -> list[asyncio.Task[Delivery]]:
    return [asyncio.ensure_future(anext(bench.session(unit).deliveries())) for unit in units]


def test_a_dead_unit_degrades_alone_and_is_told_so() -> None:
    async def story(bench: Bench) -> None:
        dead, alive = bench.instruments
        dead.unit.is_dead = True
        waiting = kept_alive(bench, 1, 2)
        await asyncio.sleep(60)
        alive.measure(1, 126)

        async with asyncio.timeout(2):
            assert values(await waiting[1]) == ["12.6"]

        assert [state for state, _ in bench.states[1]] == [LinkState.SILENT, LinkState.LOST]
        assert [state for state, _ in bench.states[2]] == [LinkState.SILENT, LinkState.SPEAKING]
        waiting[0].cancel()

    on_a_bus(story, count=2)


def test_dead_units_take_at_most_a_twentieth_of_the_line_s_time_together() -> None:
    async def story(bench: Bench) -> None:
        for one in bench.instruments[:4]:
            one.unit.is_dead = True
        waiting = kept_alive(bench, 1, 2, 3, 4, 5)
        await asyncio.sleep(60)
        before = bench.bus.line.traffic.asked - bench.bus.line.traffic.answered

        await asyncio.sleep(3600)

        unanswered = bench.bus.line.traffic.asked - bench.bus.line.traffic.answered - before
        assert 20 < unanswered * 0.5 <= 3600 * 0.05
        for task in waiting:
            task.cancel()

    on_a_bus(story, count=5)


def test_the_others_answer_as_quickly_beside_a_dead_unit() -> None:
    async def story(bench: Bench) -> None:
        bench.instruments[0].unit.is_dead = True
        waiting = kept_alive(bench, 1)

        found = await latencies(bench, 2, 2000)

        assert sum(one > 3 * median(found) for one in found) < 0.05 * len(found)
        waiting[0].cancel()

    on_a_bus(story, count=2)


def test_a_unit_that_was_dead_is_back_when_it_answers() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        one.unit.is_dead = True
        waiting = kept_alive(bench, 1)
        await asyncio.sleep(600)
        one.measure(1, 126)
        one.unit.is_dead = False

        async with asyncio.timeout(70):
            assert values(await waiting[0]) == ["12.6"]
        assert bench.states[1][-1][0] is LinkState.SPEAKING

    on_a_bus(story)


def test_only_the_line_s_loss_ends_every_session_on_it() -> None:
    async def story(bench: Bench) -> None:
        bench.instruments[1].unit.is_dead = True
        waiting = kept_alive(bench, 1, 2, 3)
        await asyncio.sleep(30)
        bench.played.unplug()
        await asyncio.sleep(0.01)

        for task in waiting:
            with pytest.raises(LinkLost, match="unplugged"):
                task.result()
        assert {states[-1][0] for states in bench.states.values()} == {LinkState.LOST}

    on_a_bus(story, count=3)


def test_a_session_that_is_closed_leaves_the_others_their_line() -> None:
    async def story(bench: Bench) -> None:
        first = bench.session(1)
        ended = asyncio.ensure_future(anext(first.deliveries()))
        (other,) = kept_alive(bench, 2)
        await asyncio.sleep(3)
        await first.close()
        bench.instruments[1].measure(1, 126)

        with pytest.raises(LinkLost, match="unit 1: closed"):
            await ended
        assert values(await other) == ["12.6"]
        assert bench.states[1][-1][0] is LinkState.STOPPED

    on_a_bus(story, count=2)


def test_a_line_lost_before_a_release_is_told_by_the_next_look() -> None:
    async def story(bench: Bench) -> None:
        bench.instruments[0].measure(1, 126)
        release = {"at": "0x0013", "by": "counter"}
        deliveries = bench.session(1, profile_of(release=release)).deliveries()
        delivery = await soon(deliveries)
        bench.played.unplug()
        await asyncio.sleep(0.01)

        await delivery.settle(Settlement.STORED)

        with pytest.raises(LinkLost):
            await anext(deliveries)

    on_a_bus(story)


@pytest.mark.parametrize(
    ("unit", "said"), [(0, "1 to 247 expected, 0 found"), (248, "1 to 247"), (2, "twice found")]
)
def test_a_unit_that_cannot_be_on_a_line_is_refused(unit: int, said: str) -> None:
    async def story(bench: Bench) -> None:
        bench.session(2)
        with pytest.raises(ProfileError, match=said):
            bench.session(unit)

    on_a_bus(story, count=2)


def test_an_instrument_without_registers_is_refused() -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(ProfileError, match="fsra-24: protocol: modbus expected, astm found"):
            bench.bus.session(profile_named("fsra-24"), 1)

    on_a_bus(story)


def test_a_line_lost_and_opened_a_thousand_times_leaves_nothing_behind() -> None:
    async def story(bench: Bench) -> None:
        before = len(asyncio.all_tasks())
        for _ in range(1000):
            played = PlayedLine({1: Instrument().unit})
            line = ModbusLine(played.open, RtuFrames(), now=asyncio.get_running_loop().time)
            await line.open()
            bus = Bus(line, now=asyncio.get_running_loop().time)
            waiting = asyncio.ensure_future(anext(bus.session(profile_of(), 1).deliveries()))
            await asyncio.sleep(0.5)
            played.unplug()
            with pytest.raises(LinkLost):
                await waiting
            await bus.close()
            await played.close()

        assert len(asyncio.all_tasks()) == before

    on_a_bus(story)


def test_a_single_answer_that_is_lost_to_noise_costs_one_look() -> None:
    async def story(bench: Bench) -> None:
        (one,) = bench.instruments
        (waiting,) = kept_alive(bench, 1)
        await asyncio.sleep(3)
        one.unit.delays[:] = [0.6]
        await asyncio.sleep(1)
        one.measure(1, 126)

        async with asyncio.timeout(4):
            assert values(await waiting) == ["12.6"]
        assert LinkState.LOST not in {state for state, _ in bench.states[1]}

    on_a_bus(story)
