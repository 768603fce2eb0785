"""Sessions on one line: what arrives, what a dead unit costs the others, the line's loss (G4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median

import pytest

from drivers import (
    Bus,
    Delivery,
    LinkLost,
    LinkState,
    PollSession,
    ProfileError,
    Settlement,
    profile_named,
)
from drivers.links.modbus import Manners, ModbusLine
from drivers.links.modbus_frames import RtuFrames
from drivers.profile import ModbusProfile
from drivers.protocols.base import Read, Write
from tests.drivers import virtual_time
from tests.drivers.played_line import PlayedLine, PlayedUnitOnLine
from tests.drivers.register_unit import PlayedUnit, register_map

COUNTER, RECORD = 0x0011, 0x0100


def profile_of(**parts: object) -> ModbusProfile:
    """A profile of one value behind a counter, or what `parts` say of its registers."""
    return ModbusProfile.model_validate(
        {
            "profile": "played",
            "version": "1",
            "quality": "paper",
            "describes": {"en": "a played unit", "zh-CN": "模拟仪器"},
            "protocol": "modbus",
            "custody": "kept",
            "answer_within": "5",
            "registers": register_map(**parts).model_dump(mode="json"),
            "readings": [{"item": "nitrite", "value": {"at": "+0", "scale": "0.1"}}],
            "identity": {"counter": "in"},
        }
    )


@dataclass
class Instrument:
    """Registers, and the unit on the line that answers from them."""

    registers: PlayedUnit = field(default_factory=PlayedUnit)
    unit: PlayedUnitOnLine = field(default_factory=PlayedUnitOnLine)

    def __post_init__(self) -> None:
        self.unit.answer = self._answer

    def measure(self, number: int, value: int) -> None:
        self.registers.put(RECORD, value, 0, 0, 0)
        self.registers.put(COUNTER, number)

    def _answer(self, pdu: bytes) -> bytes:
        function, address = pdu[0], int.from_bytes(pdu[1:3], "big")
        if function in (5, 16):
            values = pdu[6:] if function == 16 else pdu[3:]
            words = [int.from_bytes(values[at : at + 2], "big") for at in range(0, len(values), 2)]
            self.registers.do(Write(address, tuple(words), function))
            return pdu[:5]
        answer = self.registers.do(Read(function, address, int.from_bytes(pdu[3:5], "big")))
        assert isinstance(answer, tuple)
        words = list(answer)
        return bytes((function, 2 * len(words))) + b"".join(w.to_bytes(2, "big") for w in words)


class Bench:
    """A line with instruments at 1, 2, 3 …, and a bus on it."""

    def __init__(self, played: PlayedLine, bus: Bus, instruments: list[Instrument]) -> None:
        self.played, self.bus, self.instruments = played, bus, instruments
        self.states: dict[int, list[tuple[LinkState, str | None]]] = {}

    def session(
        self, unit: int, profile: ModbusProfile | None = None, last: bytes | None = None
    ) -> PollSession:
        states = self.states.setdefault(unit, [])
        return self.bus.session(
            profile or profile_of(),
            unit,
            on_state=lambda state, why: states.append((state, why)),
            last=last,
        )


Story = Callable[[Bench], Awaitable[None]]


def on_a_bus(story: Story, count: int = 1) -> None:
    """Tell a story on a line with so many instruments, in virtual time."""

    async def told() -> None:
        instruments = [Instrument() for _ in range(count)]
        units = {number: one.unit for number, one in enumerate(instruments, start=1)}
        loop = asyncio.get_running_loop()
        played = PlayedLine(units)
        line = ModbusLine(played.open, RtuFrames(), character=11 / 19200, now=loop.time)
        await line.open()
        bus = Bus(line, now=loop.time)
        try:
            await story(Bench(played, bus, instruments))
        finally:
            await bus.close()
            await played.close()

    virtual_time.run(told())


async def soon(deliveries: AsyncIterator[Delivery], within: float = 10.0) -> Delivery:
    async with asyncio.timeout(within):
        return await anext(deliveries)


def values(delivery: Delivery) -> list[str | None]:
    return [reading.value for reading in delivery.readings]


# -- one instrument ------------------------------------------------------------------------------


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


# -- several -------------------------------------------------------------------------------------


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
