"""A line of played instruments with a bus on it, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from drivers import (
    Bus,
    Delivery,
    LinkState,
    PollSession,
)
from drivers.links.modbus import ModbusLine
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
