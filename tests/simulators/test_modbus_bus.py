"""Several units on one cable, asked by hand and by another maker's master."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from simulators.kit.places import Pty, TcpListen
from simulators.modbus_analyser import ACKNOWLEDGE, CHANNELS, SEQUENCE, ResidueReader
from simulators.modbus_bus import ModbusBus, Unit
from simulators.modbus_frames import Framing, crc
from simulators.modbus_peer import foreign_bus
from simulators.modbus_registers import Refusal
from tests.simulators.host import PtyHost, working

# It writes the last frames to the log whenever a request fails, as some here must.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


def framed(text: str) -> bytes:
    return bytes.fromhex(text) + crc(bytes.fromhex(text))


ASK_1, ASK_2 = framed("01 03 00 11 00 01"), framed("02 03 00 11 00 01")
SEVEN, NINE = framed("01 03 02 00 07"), framed("02 03 02 00 09")


def units() -> dict[int, Unit]:
    """Unit 1 has counted seven results, unit 2 nine."""
    loop = asyncio.get_running_loop()
    return {
        1: Unit(ResidueReader(loop.time, count=7)),
        2: Unit(ResidueReader(loop.time, count=9)),
    }


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Pty]:
    pty = Pty(tmp_path / "bus-2")
    await pty.plug()
    yield pty
    await pty.unplug()


@pytest.fixture
async def bus(place: Pty) -> AsyncIterator[ModbusBus]:
    made = ModbusBus(place, units(), Framing.RTU)
    async with working(asyncio.create_task(made.serve())):
        yield made


@pytest.fixture
def host(place: Pty) -> Iterator[PtyHost]:
    opened = PtyHost(place.path)
    yield opened
    opened.close()


async def test_every_unit_answers_for_itself(bus: ModbusBus, host: PtyHost) -> None:
    host.says(ASK_1)
    assert await host.hears(SEVEN) == SEVEN
    host.says(ASK_2)
    assert await host.hears(NINE) == NINE


async def test_a_dead_unit_is_silent_and_the_others_do_not_notice(
    bus: ModbusBus, host: PtyHost
) -> None:
    bus.units[1].silent = True
    host.says(ASK_1)
    assert await host.hears_nothing(0.1)
    host.says(ASK_2)

    assert await host.hears(NINE) == NINE
    assert bus.units[1].asked == 1


async def test_an_address_that_nobody_has_is_answered_by_nobody(
    bus: ModbusBus, host: PtyHost
) -> None:
    host.says(framed("03 03 00 11 00 01"))

    assert await host.hears_nothing(0.1)


async def test_a_slow_units_answer_comes_into_somebody_elses_exchange(
    bus: ModbusBus, host: PtyHost
) -> None:
    bus.units[1].answers_after = 0.2
    host.says(ASK_1)
    host.says(ASK_2)

    assert await host.hears(NINE) == NINE
    assert await host.hears(SEVEN) == SEVEN


async def test_a_slow_unit_answers_in_order_also_what_is_asked_when_it_is_quick_again(
    bus: ModbusBus, host: PtyHost
) -> None:
    bus.units[1].answers_after = 0.2
    host.says(ASK_1)
    await host.hears_nothing(0.05)
    bus.units[1].answers_after = 0
    host.says(framed("01 03 00 12 00 01"))
    eight = framed("01 03 02 00 08")

    assert await host.hears(eight) == SEVEN + eight


async def test_a_write_may_be_obeyed_at_once_and_answered_late(
    bus: ModbusBus, host: PtyHost
) -> None:
    bus.units[1].answers_writes_after = 0.2
    acknowledges = framed(f"01 05 00 {ACKNOWLEDGE:02X} FF 00")
    host.says(acknowledges)

    assert await host.hears_nothing(0.1)
    assert await host.hears(acknowledges) == acknowledges


async def test_a_unit_that_is_busy_refuses_everything(bus: ModbusBus, host: PtyHost) -> None:
    bus.units[1].refuses = Refusal.BUSY
    host.says(ASK_1)
    busy = framed("01 83 06")

    assert await host.hears(busy) == busy


async def test_half_a_request_is_forgotten_in_silence(bus: ModbusBus, host: PtyHost) -> None:
    host.says(framed("01 10 00 00 00 7B F6")[:7])
    await host.hears_nothing(0.2)
    host.says(ASK_1)

    assert await host.hears(SEVEN) == SEVEN


async def test_what_is_said_to_all_is_obeyed_by_all_and_answered_by_none(
    bus: ModbusBus, host: PtyHost
) -> None:
    host.says(framed(f"00 05 00 {ACKNOWLEDGE:02X} FF 00"))

    assert await host.hears_nothing(0.1)
    assert [unit.asked for unit in bus.units.values()] == [1, 1]


async def test_the_units_answer_again_when_the_cable_is_back(bus: ModbusBus, place: Pty) -> None:
    await place.unplug()
    await asyncio.sleep(0.1)
    await place.plug()
    host = PtyHost(place.path)
    try:
        host.says(ASK_1)
        assert await host.hears(SEVEN) == SEVEN
    finally:
        host.close()


def tcp_master(port: int, framer: FramerType = FramerType.SOCKET) -> AsyncModbusTcpClient:
    """Another maker's master, which asks once."""
    return AsyncModbusTcpClient(
        "127.0.0.1", port=port, framer=framer, timeout=2, retries=0, reconnect_delay=0
    )


async def counters(master: AsyncModbusTcpClient | AsyncModbusSerialClient) -> list[int]:
    """What another maker's master reads from both units."""
    assert await master.connect()
    try:
        return [
            (await master.read_holding_registers(SEQUENCE, count=1, device_id=unit)).registers[0]
            for unit in (1, 2)
        ]
    finally:
        master.close()


async def test_another_makers_master_reads_us_on_a_serial_line(bus: ModbusBus, place: Pty) -> None:
    master = AsyncModbusSerialClient(
        str(place.path), baudrate=19200, timeout=2, retries=0, reconnect_delay=0
    )

    assert await counters(master) == [7, 9]


@pytest.mark.parametrize(
    ("framing", "framer"), [(Framing.TCP, FramerType.SOCKET), (Framing.RTU, FramerType.RTU)]
)
async def test_another_makers_master_reads_us_over_tcp(
    framing: Framing, framer: FramerType
) -> None:
    listens = TcpListen()
    await listens.plug()
    made = ModbusBus(listens, units(), framing)
    async with working(asyncio.create_task(made.serve())):
        found = await counters(tcp_master(listens.port, framer))
    await listens.unplug()

    assert found == [7, 9]


@pytest.mark.parametrize(
    ("framing", "framer"), [(Framing.TCP, FramerType.SOCKET), (Framing.RTU, FramerType.RTU)]
)
async def test_another_makers_slave_holds_the_same_registers(
    framing: Framing, framer: FramerType
) -> None:
    readers = {address: unit.registers for address, unit in units().items()}
    async with foreign_bus(readers, framing) as port:
        found = await counters(tcp_master(port, framer))

    assert found == [7, 9]


async def test_another_makers_slave_obeys_and_refuses_as_the_registers_do() -> None:
    reader = ResidueReader(asyncio.get_running_loop().time, count=7)
    async with foreign_bus({1: reader}) as port:
        master = tcp_master(port)
        assert await master.connect()
        latched = await master.write_coil(0, True, device_id=1)
        coils = await master.read_coils(0, count=2, device_id=1)
        beyond = await master.read_holding_registers(0x13, count=1, device_id=1)
        written = await master.write_register(SEQUENCE, 0, device_id=1)
        master.close()

    assert (latched.isError(), coils.bits[:2]) == (False, [True, False])
    assert (beyond.exception_code, written.exception_code) == (2, 2)


async def test_another_makers_gateway_answers_for_a_unit_that_it_cannot_reach() -> None:
    reader = ResidueReader(asyncio.get_running_loop().time)
    async with foreign_bus({1: reader}) as port:
        master = tcp_master(port)
        assert await master.connect()
        answer = await master.read_holding_registers(SEQUENCE, count=1, device_id=9)
        master.close()

    assert answer.exception_code == 4


async def test_a_slow_unit_gives_another_makers_master_the_wrong_register(
    bus: ModbusBus, place: Pty
) -> None:
    """The hazard of a late answer on a serial line, as it really is."""
    bus.units[1].answers_after = 0.3
    master = AsyncModbusSerialClient(
        str(place.path), baudrate=19200, timeout=0.2, retries=0, reconnect_delay=0
    )
    assert await master.connect()
    with pytest.raises(ModbusException):
        await master.read_holding_registers(SEQUENCE, count=1, device_id=1)
    bus.units[1].answers_after = 0
    found = await master.read_holding_registers(CHANNELS, count=1, device_id=1)
    master.close()

    # There are eight channels; seven is what the first question would have been told.
    assert found.registers == [7]
