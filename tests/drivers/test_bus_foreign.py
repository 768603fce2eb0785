"""Our bus and another maker's Modbus: pymodbus's servers on TCP, behind a serial server, on a line.

They hold the registers of the domain's map (2.3), latched and acknowledged through coils.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pytest
from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers import Delivery, LinkState, Settlement, open_bus, profile_named
from tests.drivers.null_modem import null_modem
from tests.vectors import modbus

PROFILE = profile_named("spectrophotometer-modbus")
STATE, SEQUENCE, CHANNELS, PAGE = 0x10, 0x11, 0x12, 0x100
LATCH, ACKNOWLEDGE = 0, 1


@pytest.fixture(autouse=True)
def _quiet_pymodbus() -> Iterator[None]:
    logger = logging.getLogger("pymodbus")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@dataclass
class Reader:
    """The registers and coils of one unit, held by pymodbus."""

    number: int
    channels: int = 2
    written: list[tuple[int, bool]] = field(default_factory=list)
    refuses: ExcCodes | None = None
    words: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = f"RR-2 SN{self.number:04d}".encode().ljust(32, b"\0")
        self.words.update(enumerate(struct.unpack(">16H", name)))
        self.words |= {SEQUENCE: 0, CHANNELS: self.channels, STATE: 1}

    def measure(self, sequence: int, channel: int, value: bytes) -> None:
        """Put a result on the page and count it."""
        words = struct.unpack(">2H", value)
        at = PAGE + 16 * (channel - 1)
        record = (sequence, 2, 1, 0, *words, 0, 0, 0x2611, 0x2306, 0x4500 + sequence, 10, 0, 0)
        self.words.update(enumerate(record, start=at))
        self.words[SEQUENCE] = sequence

    def device(self) -> SimDevice:
        """As pymodbus serves it."""
        coils = SimData(0, values=[False] * 16, datatype=DataType.BITS)
        words = SimData(0, count=0x200, values=0, datatype=DataType.REGISTERS)
        return SimDevice(
            self.number, simdata=([coils], [coils], [words], [words]), action=self._act
        )

    async def _act(
        self,
        function: int,
        _start: int,
        address: int,
        _count: int,
        current: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if self.refuses is not None:
            return self.refuses
        if written is not None and function == 5:
            self.written.append((address, bool(written[0])))
        elif function == 3:
            current[:] = [self.words.get(at, 0) for at in range(len(current))]
        return None


async def _stopped(server: Any) -> None:  # its shutdown has no types
    await server.shutdown()


def _noted(states: list[LinkState], state: LinkState, _: str | None) -> None:
    states.append(state)


@asynccontextmanager
async def on_tcp(readers: list[Reader], framer: FramerType) -> AsyncIterator[str]:
    server = ModbusTcpServer(
        [reader.device() for reader in readers],
        framer=framer,
        address=("127.0.0.1", 0),
        ignore_missing_devices=True,
    )
    await server.serve_forever(background=True)
    scheme = "modbus+tcp" if framer is FramerType.SOCKET else "modbus+rtu+tcp"
    try:
        port = cast(asyncio.Server, server.transport).sockets[0].getsockname()[1]
        yield f"{scheme}://127.0.0.1:{port}"
    finally:
        await _stopped(server)


@asynccontextmanager
async def on_a_serial_line(readers: list[Reader]) -> AsyncIterator[str]:
    async with null_modem() as (theirs, ours):
        server = ModbusSerialServer(
            [reader.device() for reader in readers],
            framer=FramerType.RTU,
            port=theirs,
            baudrate=19200,
            ignore_missing_devices=True,
        )
        await server.serve_forever(background=True)
        try:
            yield f"modbus+serial://{ours}?baud=19200&parity=even"
        finally:
            await _stopped(server)


@asynccontextmanager
async def served(readers: list[Reader], how: str) -> AsyncIterator[str]:
    match how:
        case "tcp":
            async with on_tcp(readers, FramerType.SOCKET) as url:
                yield url
        case "rtu over tcp":
            async with on_tcp(readers, FramerType.RTU) as url:
                yield url
        case _:
            async with on_a_serial_line(readers) as url:
                yield url


each_line = pytest.mark.parametrize("how", ["tcp", "rtu over tcp", "rtu"])


@each_line
async def test_a_record_of_another_maker_s_unit_arrives_and_is_acknowledged(how: str) -> None:
    reader = Reader(5)
    async with served([reader], how) as url:
        bus = await open_bus(url)
        deliveries = bus.session(PROFILE, 5).deliveries()
        waiting = asyncio.ensure_future(anext(deliveries))
        await asyncio.sleep(0.3)
        reader.measure(1, 2, modbus.FLOAT_12_6["ABCD"])

        delivery = await waiting
        await delivery.settle(Settlement.STORED)
        await bus.close()

    (reading,) = delivery.readings
    told = (reading.item, reading.value, reading.unit, reading.channel, reading.measured_at)
    assert told == ("opc-inhibition", "12.6", "%", "2", "2026-11-23T06:45:01")
    assert (delivery.fault, delivery.device_serial) == (None, "RR-2 SN0005")
    assert reader.written[-2:] == [(ACKNOWLEDGE, True), (LATCH, False)]


@each_line
async def test_several_units_share_a_line_and_one_that_is_not_there_is_told_alone(
    how: str,
) -> None:
    readers = [Reader(1), Reader(2), Reader(3)]
    states: dict[int, list[LinkState]] = {unit: [] for unit in (1, 2, 3, 4)}
    async with served(readers, how) as url:
        bus = await open_bus(url)
        sessions = {
            unit: bus.session(PROFILE, unit, on_state=partial(_noted, states[unit]))
            for unit in states
        }
        waiting = {
            unit: asyncio.ensure_future(anext(session.deliveries()))
            for unit, session in sessions.items()
        }
        for reader in readers:
            reader.measure(reader.number, 1, struct.pack(">f", reader.number + 0.5))

        found = {unit: await waiting[unit] for unit in (1, 2, 3)}
        await bus.close()
        await asyncio.gather(*waiting.values(), return_exceptions=True)

    said = {unit: delivery.readings[0].value for unit, delivery in found.items()}
    assert said == {1: "1.5", 2: "2.5", 3: "3.5"}
    assert LinkState.SPEAKING in states[1]
    assert LinkState.SPEAKING not in states[4]


async def test_what_a_unit_refuses_is_told_and_the_line_lives_on() -> None:
    reader = Reader(1)
    reader.refuses = ExcCodes.DEVICE_BUSY
    words: list[str | None] = []
    async with served([reader], "rtu over tcp") as url:
        bus = await open_bus(url)
        session = bus.session(PROFILE, 1, on_state=lambda _, why: words.append(why))
        waiting: asyncio.Future[Delivery] = asyncio.ensure_future(anext(session.deliveries()))
        await asyncio.sleep(0.3)
        reader.refuses = None
        reader.measure(1, 1, modbus.FLOAT_12_6["ABCD"])

        delivery = await waiting
        await bus.close()

    assert "unit 1 refuses to read 16 from 0x0000 (function 3): it is busy (exception 6)" in words
    assert delivery.readings[0].value == "12.6"
