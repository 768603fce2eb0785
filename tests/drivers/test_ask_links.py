"""Asking over cables that exist: a serial port that is pulled, an instrument that dials in (G4)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from drivers import AskSession, Delivery, LinkLost, ProfileError, Settlement
from drivers import open_session as opening
from tests.drivers.asking_bench import DAYUAN
from tests.drivers.dy_instrument import DyInstrument
from tests.services.ports import LOOPBACK, free_port
from tests.services.virtual_port import VirtualPort

SOON = 10.0


def holding(count: int) -> DyInstrument:
    instrument = DyInstrument()
    instrument.remember(*range(1, count + 1))
    return instrument


def questions(heard: bytearray) -> list[bytes]:
    """Take every whole question out of what was heard."""
    taken = []
    while len(heard) >= 12 and len(heard) >= 12 + heard[8]:
        end = 12 + heard[8]
        taken.append(bytes(heard[:end]))
        del heard[:end]
    return taken


def answer_at(port: VirtualPort, instrument: DyInstrument, is_over: Callable[[], bool]) -> None:
    heard = bytearray()
    while not is_over():
        heard += port.read(1, seconds=0.02)
        for question in questions(heard):
            port.write(instrument.answer(question))


async def stored(session: AskSession, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(SOON):
        async for delivery in session.deliveries():
            found.append(delivery)
            await delivery.settle(Settlement.STORED)
            if len(found) == count:
                break
    return found


async def test_an_instrument_at_a_serial_port_is_read(tmp_path: Path) -> None:
    port, over = VirtualPort(tmp_path / "dy"), asyncio.Event()
    answering = asyncio.create_task(asyncio.to_thread(answer_at, port, holding(3), over.is_set))
    session = await opening(port.url, DAYUAN)
    assert isinstance(session, AskSession)
    try:
        found = await stored(session, 3)
    finally:
        over.set()
        await session.close()
        await answering
        port.unplug()

    assert [one.readings[0].value for one in found] == ["0.1", "0.2", "0.3"]


async def test_a_port_that_is_pulled_and_plugged_in_again_doubles_and_loses_nothing(
    tmp_path: Path,
) -> None:
    port, instrument = VirtualPort(tmp_path / "dy"), holding(12)
    identities: set[tuple[bytes, int | None]] = set()
    for taken in range(1, 5):
        over = asyncio.Event()
        answering = asyncio.create_task(asyncio.to_thread(answer_at, port, instrument, over.is_set))
        session = await opening(port.url, DAYUAN)
        assert isinstance(session, AskSession)
        try:
            for one in await stored(session, 3 * taken):
                identities |= {(each.identity, each.occurrence) for each in one.readings}
        finally:
            over.set()
            await answering
            port.unplug()
            await session.close()
        port.plug()
    port.unplug()

    assert len(identities) == 12


async def test_a_serial_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LinkLost):
        await opening(f"serial://{tmp_path}/nothing", DAYUAN)


async def test_a_link_that_may_only_listen_cannot_ask() -> None:
    with pytest.raises(ProfileError, match=r"mode: both expected.*, 'listen' found"):
        await opening(f"tcp://{LOOPBACK}:4001?mode=listen", DAYUAN)


class Dialler:
    """An instrument that dials in and answers."""

    def __init__(self, instrument: DyInstrument) -> None:
        self._instrument = instrument
        self.hang_up = asyncio.Event()

    async def answer(self, port: int) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        ending = asyncio.create_task(self.hang_up.wait())
        try:
            while not ending.done():
                reading = asyncio.create_task(reader.readexactly(12))
                await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                    return
                head = await reading
                writer.write(self._instrument.answer(head + await reader.readexactly(head[8])))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            ending.cancel()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def dialled(instrument: DyInstrument, port: int) -> AsyncIterator[Dialler]:
    dialler = Dialler(instrument)
    task = asyncio.create_task(dialler.answer(port))
    try:
        yield dialler
    finally:
        dialler.hang_up.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_next_instrument_that_dials_in_is_asked_from_the_beginning() -> None:
    port = free_port()
    session = await opening(f"tcp+listen://{LOOPBACK}:{port}", DAYUAN)
    deliveries = session.deliveries()
    other = DyInstrument(serial="SN2")
    other.remember(503)
    try:
        async with asyncio.timeout(SOON):
            async with dialled(holding(1), port):
                first = await anext(deliveries)
                await first.settle(Settlement.STORED)
                coming = asyncio.ensure_future(anext(deliveries))
                await asyncio.sleep(0.2)
            async with dialled(other, port):
                second = await coming
    finally:
        await session.close()

    assert [one.readings[0].value for one in (first, second)] == ["0.1", "50.3"]
    assert (first.device_serial, second.device_serial) == ("SN24A0117", "SN2")
