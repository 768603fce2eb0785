"""Modbus on real serial ports (ptys): pulled, flooded, and beyond what select() can watch."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from drivers import LinkLost, open_bus
from drivers.links.modbus import Manners, NoAnswer
from drivers.protocols.base import Read
from tests.drivers.played_line import read_answer, rtu
from tests.services.virtual_port import VirtualPort

MANNERS = Manners(timeout=1.0, slowest_answer=1.0)


class AnsweringPort(VirtualPort):
    """A port with one unit behind it; every register holds its own address."""

    @property
    def url(self) -> str:
        return f"modbus+serial://{self.path}?baud=115200"

    @property
    def descriptor(self) -> int:
        """The unit's end."""
        return self._plugged()

    def answer(self) -> None:
        """Answer the question that has come."""
        with contextlib.suppress(OSError):
            sent = os.read(self.descriptor, 256)
            unit, function, address, count = struct.unpack(">BBHH", sent[:6])
            os.write(self.descriptor, rtu(unit, read_answer(function, address, count)))


@asynccontextmanager
async def answering(path: Path) -> AsyncIterator[AnsweringPort]:
    port = AnsweringPort(path)
    loop = asyncio.get_running_loop()
    loop.add_reader(port.descriptor, port.answer)
    try:
        yield port
    finally:
        with contextlib.suppress(RuntimeError):
            loop.remove_reader(port.descriptor)
        port.unplug()


@contextmanager
def many_descriptors(count: int) -> Iterator[None]:
    """So many files open that the next one's number is beyond what select() takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 500), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(count)]
    try:
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_line_works_beyond_the_descriptors_that_select_can_watch(tmp_path: Path) -> None:
    async with answering(tmp_path / "bus") as port:
        with many_descriptors(1100):
            bus = await open_bus(port.url)
            found = await bus.line.ask(1, Read(3, 5, 2), MANNERS)
            await bus.close()

    assert found == (5, 6)


async def test_a_pulled_cable_ends_the_line_at_once_and_plugged_in_again_it_works(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bus"
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        async with answering(path) as port:
            bus = await open_bus(port.url)
            assert await bus.line.ask(1, Read(3, 5, 2), MANNERS) == (5, 6)
            asyncio.get_running_loop().remove_reader(port.descriptor)
            asking = asyncio.create_task(bus.line.ask(1, Read(3, 5, 2), MANNERS))
            await asyncio.sleep(0.005)
            port.unplug()

            async with asyncio.timeout(0.5):
                with pytest.raises(LinkLost, match="unplugged"):
                    await asking
            await bus.close()

    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_line_with_parity_can_be_opened_again_and_again(tmp_path: Path) -> None:
    async with answering(tmp_path / "bus") as port:
        for _ in range(3):
            bus = await open_bus(f"{port.url}&parity=even")
            assert await bus.line.ask(1, Read(3, 5, 2), MANNERS) == (5, 6)
            await bus.close()


async def test_a_unit_that_is_silent_once_does_not_take_the_line_with_it(tmp_path: Path) -> None:
    async with answering(tmp_path / "bus") as port:
        bus = await open_bus(f"{port.url}&parity=even&bits=7")
        asyncio.get_running_loop().remove_reader(port.descriptor)
        with pytest.raises(NoAnswer):
            await bus.line.ask(1, Read(3, 5, 2), Manners(0.05, 0.1))
        os.read(port.descriptor, 256)
        asyncio.get_running_loop().add_reader(port.descriptor, port.answer)

        assert await bus.line.ask(1, Read(3, 7, 2), MANNERS) == (7, 8)
        await bus.close()


async def test_a_line_that_is_flooded_with_garbage_is_no_other_line_s_trouble(
    tmp_path: Path,
) -> None:
    async with answering(tmp_path / "good") as good, answering(tmp_path / "bad") as bad:
        asyncio.get_running_loop().remove_reader(bad.descriptor)
        bus, flooded = await open_bus(good.url), await open_bus(bad.url)

        async def flood() -> None:
            while True:
                with contextlib.suppress(BlockingIOError):
                    os.write(bad.descriptor, b"\x01\x03\x02\xff" * 1024)
                await asyncio.sleep(0.004)

        async def ask_in_vain() -> None:
            while True:
                with contextlib.suppress(NoAnswer):
                    await flooded.line.ask(1, Read(3, 5, 1), Manners(0.1, 0.1))

        troubles = [asyncio.create_task(flood()), asyncio.create_task(ask_in_vain())]
        loop = asyncio.get_running_loop()
        slowest = 0.0
        for address in range(100):
            begun = loop.time()
            assert await bus.line.ask(1, Read(3, address, 1), MANNERS) == (address,)
            slowest = max(slowest, loop.time() - begun)
            await asyncio.sleep(0.005)
        for task in troubles:
            task.cancel()
        await asyncio.gather(*troubles, return_exceptions=True)
        await bus.close()
        await flooded.close()

    assert flooded.line.traffic.octets > 100_000
    assert slowest < 0.25
