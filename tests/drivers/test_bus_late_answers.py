"""Decision 18: a late answer is never taken for the answer to another question.

First the hazard, with pymodbus's own client, so that it is known to be there; then that it cannot
happen on our line: not after a silence, not after a question that was given up, whatever the
units' delays.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient

from drivers import LinkLost
from drivers.links.modbus import Manners, ModbusLine, NoAnswer, open_modbus
from drivers.links.modbus_frames import RtuFrames, TcpFrames
from drivers.links.url import read_link_url
from drivers.protocols.base import Read
from tests.drivers import virtual_time
from tests.drivers.played_line import PlayedLine, PlayedUnitOnLine, read_answer, rtu

TIMEOUT, SLOW = 0.2, 0.35
MANNERS = Manners(timeout=TIMEOUT, slowest_answer=0.6)
ALL_ONE_BY_ONE = (7, 8, 9)


def read(address: int, count: int = 1) -> Read:
    return Read(3, address, count)


@asynccontextmanager
async def slow_unit() -> AsyncIterator[int]:
    """A unit behind a serial server whose first answer is late; each register holds its address."""
    tasks: list[asyncio.Task[None]] = []
    is_first = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal is_first
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        try:
            while True:
                sent = await reader.readexactly(8)
                unit, function, address, count = struct.unpack(">BBHH", sent[:6])
                if is_first:
                    is_first = False
                    await asyncio.sleep(SLOW)
                writer.write(rtu(unit, read_answer(function, address, count)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def asked_by_pymodbus(port: int, *, gives_up: bool) -> list[list[int]]:
    """What registers 7, 8 and 9 hold, in pymodbus's own eyes, after a question for 5."""
    client = AsyncModbusTcpClient(
        "127.0.0.1", port=port, framer=FramerType.RTU, timeout=TIMEOUT, retries=0
    )
    await client.connect()
    found: list[list[int]] = []
    with contextlib.suppress(ModbusException, TimeoutError):
        async with asyncio.timeout(TIMEOUT / 2 if gives_up else 5):
            await client.read_holding_registers(5, count=1)
    for address in ALL_ONE_BY_ONE:
        with contextlib.suppress(ModbusException):
            found.append(list((await client.read_holding_registers(address, count=1)).registers))
    client.close()
    return found


async def asked_by_us(port: int, *, gives_up: bool) -> list[list[int]]:
    """The same questions on our line."""
    line = await open_modbus(read_link_url(f"modbus+rtu+tcp://127.0.0.1:{port}"))
    try:
        with contextlib.suppress(NoAnswer, TimeoutError):
            async with asyncio.timeout(TIMEOUT / 2 if gives_up else 5):
                await line.ask(1, read(5), MANNERS)
        return [list(await line.ask(1, read(address), MANNERS)) for address in ALL_ONE_BY_ONE]
    finally:
        await line.close()


@pytest.mark.parametrize("gives_up", [False, True], ids=["after a silence", "given up"])
async def test_a_plain_client_takes_the_late_answer_for_the_next_question_s(
    gives_up: bool,
) -> None:
    async with slow_unit() as port:
        found = await asked_by_pymodbus(port, gives_up=gives_up)

    assert [5] in found  # nobody asked for register 5 any more


@pytest.mark.parametrize("gives_up", [False, True], ids=["after a silence", "given up"])
async def test_our_line_never_does(gives_up: bool) -> None:
    async with slow_unit() as port:
        found = await asked_by_us(port, gives_up=gives_up)

    assert found == [[address] for address in ALL_ONE_BY_ONE]


Story = Coroutine[Any, Any, None]


def play(
    units: dict[int, PlayedUnitOnLine], *, is_tcp: bool = False
) -> tuple[PlayedLine, ModbusLine]:
    loop = asyncio.get_running_loop()
    played = PlayedLine(units, is_tcp=is_tcp)
    frames = TcpFrames() if is_tcp else RtuFrames()
    return played, ModbusLine(played.open, frames, now=loop.time)


QUESTIONS = some.lists(
    some.tuples(
        some.sampled_from([1, 2]),
        some.integers(0, 40),
        some.integers(1, 3),
        some.sampled_from(["waits", "gives up at once", "gives up late"]),
    ),
    min_size=1,
    max_size=12,
)
DELAYS = some.lists(some.sampled_from([0.0, 0.01, 0.19, 0.21, 0.3, 0.59]), max_size=12)


@pytest.mark.parametrize("is_tcp", [False, True], ids=["rtu", "tcp"])
@given(questions=QUESTIONS, delays=DELAYS, others=DELAYS)
def test_however_late_units_are_no_answer_is_for_another_question(
    is_tcp: bool,
    questions: list[tuple[int, int, int, str]],
    delays: list[float],
    others: list[float],
) -> None:
    patience = {"waits": 9.0, "gives up at once": 0.0, "gives up late": 0.1}

    async def story() -> None:
        units = {1: PlayedUnitOnLine(list(delays)), 2: PlayedUnitOnLine(list(others))}
        played, line = play(units, is_tcp=is_tcp)
        await line.open()
        try:
            for unit, address, count, how in questions:
                with contextlib.suppress(NoAnswer, TimeoutError):
                    async with asyncio.timeout(patience[how]):
                        found = await line.ask(unit, read(address, count), MANNERS)
                        assert found == tuple(range(address, address + count))
        finally:
            await line.close()
            await played.close()

    virtual_time.run(story())


def test_a_unit_is_left_alone_until_its_slowest_answer_has_had_its_time() -> None:
    async def story() -> None:
        unit = PlayedUnitOnLine([0.5])
        played, line = play({1: unit})
        await line.open()
        with pytest.raises(NoAnswer):
            await line.ask(1, read(5), MANNERS)

        assert await line.ask(1, read(7), MANNERS) == (7,)

        assert unit.asked_at[1] - unit.asked_at[0] >= MANNERS.slowest_answer
        assert played.opened == 2
        await line.close()
        await played.close()

    virtual_time.run(story())


def test_other_units_do_not_wait_for_a_late_answer() -> None:
    async def story() -> None:
        units = {1: PlayedUnitOnLine([0.5]), 2: PlayedUnitOnLine()}
        played, line = play(units)
        await line.open()
        with pytest.raises(NoAnswer):
            await line.ask(1, read(5), MANNERS)
        begun = asyncio.get_running_loop().time()

        assert await line.ask(2, read(7), MANNERS) == (7,)

        assert asyncio.get_running_loop().time() - begun < 0.01
        await line.close()
        await played.close()

    virtual_time.run(story())


def test_on_tcp_a_late_answer_is_known_by_its_transaction_and_nothing_is_closed() -> None:
    async def story() -> None:
        played, line = play({1: PlayedUnitOnLine([0.3, 0.0])}, is_tcp=True)
        await line.open()
        with pytest.raises(NoAnswer):
            await line.ask(1, read(5), MANNERS)

        assert await line.ask(1, read(7), MANNERS) == (7,)

        assert played.opened == 1
        await line.close()
        await played.close()

    virtual_time.run(story())


def test_a_line_that_cannot_be_opened_again_is_lost_for_everybody() -> None:
    async def story() -> None:
        played, line = play({1: PlayedUnitOnLine(is_dead=True), 2: PlayedUnitOnLine()})
        await line.open()
        with pytest.raises(NoAnswer):
            await line.ask(1, read(5), MANNERS)
        played.is_unplugged = True

        for unit in (2, 1):
            with pytest.raises(LinkLost, match="nothing is plugged in"):
                await line.ask(unit, read(7), MANNERS)
        await line.close()
        await played.close()

    virtual_time.run(story())
