"""TCP links on real sockets: we dial, or they dial."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from drivers import LinkLost, open_link
from drivers.links import tcp
from drivers.links.tcp import TcpListener
from drivers.protocols import astm_bare, astm_link
from tests.drivers.reading_links import SOON, opened, read

Speech = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def instrument_that(speech: Speech) -> AsyncIterator[str]:
    server = await asyncio.start_server(speech, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def test_bytes_come_and_go_over_tcp() -> None:
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x05")
        answered.set_result(await reader.readexactly(1))
        writer.close()

    async with instrument_that(speech) as url, opened(url) as link:
        heard = await read(link, 1)
        await link.write(b"\x06")

        assert (heard, await answered) == (b"\x05", b"\x06")


async def test_an_instrument_that_hangs_up_is_told() -> None:
    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with instrument_that(speech) as url, opened(url) as link:
        with pytest.raises(LinkLost, match="the other side hung up"):
            await link.read()


async def test_an_instrument_that_does_not_listen_is_told(unused_tcp_port: int) -> None:
    with pytest.raises(LinkLost, match="someone who listens expected"):
        await open_link(f"tcp://127.0.0.1:{unused_tcp_port}")


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[TcpListener]:
    link = await open_link("tcp+listen://127.0.0.1:0")
    assert isinstance(link, TcpListener)
    try:
        yield link
    finally:
        await link.close()


class Dialler:
    """An instrument that dials us."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def hear(self) -> bytes:
        async with asyncio.timeout(SOON):
            return await self.reader.read(100)

    async def hang_up(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def dialled(link: TcpListener) -> AsyncIterator[Dialler]:
    dialler = Dialler(*await asyncio.open_connection("127.0.0.1", link.port))
    try:
        yield dialler
    finally:
        await dialler.hang_up()


async def test_an_instrument_may_dial_us() -> None:
    async with listening() as link, dialled(link) as instrument:
        instrument.writer.write(b"\x05")
        heard = await read(link, 1)
        await link.write(b"\x06")

        assert (heard, await instrument.hear()) == (b"\x05", b"\x06")


async def test_instruments_that_dial_one_after_the_other_are_told_apart() -> None:
    async with listening() as link:
        said = []
        for word in (b"one", b"two"):
            async with dialled(link) as instrument:
                instrument.writer.write(word)
                said.append(await read(link, 3))
            said.append(await link.read())

        assert said == [b"one", b"", b"two", b""]


async def test_an_answer_for_one_instrument_never_goes_to_the_next() -> None:
    async with listening() as link, dialled(link) as first:
        first.writer.write(b"one")
        await read(link, 3)
        await first.hang_up()
        async with dialled(link) as second:
            await asyncio.sleep(0.05)
            with contextlib.suppress(LinkLost):
                await link.write(b"\x06")  # the session has not yet read that the first is gone
            assert await link.read() == b""
            second.writer.write(b"two")
            await read(link, 3)
            await link.write(b"\x15")

            assert await second.hear() == b"\x15"


async def test_an_instrument_that_dials_again_replaces_one_that_has_gone_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "IDLE", 0.1)
    async with listening() as link, dialled(link) as half_open:
        half_open.writer.write(b"one")
        await read(link, 3)
        async with dialled(link) as again:
            again.writer.write(b"two")

            assert (await link.read(), await read(link, 3)) == (b"", b"two")


async def test_an_instrument_that_is_speaking_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "IDLE", 0.3)
    async with listening() as link, dialled(link) as first:
        first.writer.write(b"1")
        await read(link, 1)
        async with dialled(link) as second:
            second.writer.write(b"2")
            heard = b""
            for _ in range(4):
                await asyncio.sleep(0.1)
                first.writer.write(b"1")
                heard += await read(link, 1)

            assert heard == b"1111"


async def test_an_instrument_in_the_middle_of_a_session_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "IDLE", 0.1)
    async with listening() as link, dialled(link) as first:
        first.writer.write(b"1")
        await read(link, 1)
        link.engaged = True
        async with dialled(link) as second:
            second.writer.write(b"2")
            await asyncio.sleep(0.4)
            first.writer.write(b"1")

            assert await read(link, 1) == b"1"


def test_a_sender_may_pause_as_long_as_its_protocol_allows_while_another_one_waits() -> None:
    assert max(astm_link.FRAME_SILENCE, astm_bare.RECORD_SILENCE) <= tcp.QUIET


async def test_a_port_that_is_held_is_told() -> None:
    async with listening() as link:
        with pytest.raises(LinkLost, match="a free port expected"):
            await open_link(f"tcp+listen://127.0.0.1:{link.port}")


async def test_closing_a_listener_wakes_whoever_reads() -> None:
    async with listening() as link:
        reading = asyncio.ensure_future(link.read())
        await asyncio.sleep(0.02)

        await link.close()

        with pytest.raises(LinkLost, match="closed"):
            await reading
