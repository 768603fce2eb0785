"""Real ptys and sockets: what a cable does, and how its loss is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from drivers import LinkLost, ProfileError, open_link, read_link_url
from drivers.links import Link, tcp
from drivers.links.tcp import TcpListener
from drivers.links.url import SerialPlace, TcpPlace
from drivers.profile import SerialDefaults
from tests.services.virtual_port import VirtualPort

SOON = 2.0


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Link]:
    link = await open_link(url)
    try:
        yield link
    finally:
        await link.close()


async def read(link: Link, count: int) -> bytes:
    heard = b""
    async with asyncio.timeout(SOON):
        while len(heard) < count:
            heard += await link.read()
    return heard


# -- serial --------------------------------------------------------------------------------------


async def test_bytes_come_and_go_over_a_serial_port(virtual_port: VirtualPort) -> None:
    async with opened(virtual_port.url) as link:
        virtual_port.write(b"\x05")
        heard = await read(link, 1)
        await link.write(b"\x06")

        assert (heard, await asyncio.to_thread(virtual_port.read, 1)) == (b"\x05", b"\x06")


async def test_every_byte_value_passes_a_serial_port_unchanged(virtual_port: VirtualPort) -> None:
    said = bytes(range(256))
    async with opened(virtual_port.url) as link:
        virtual_port.write(said)
        heard = await read(link, len(said))
        await link.write(said)

        assert (heard, await asyncio.to_thread(virtual_port.read, 256)) == (said, said)


async def test_more_than_a_buffer_is_read_whole(virtual_port: VirtualPort) -> None:
    said = os.urandom(300_000)
    async with opened(virtual_port.url) as link:
        writing = asyncio.ensure_future(asyncio.to_thread(virtual_port.write, said))

        assert await read(link, len(said)) == said
        await writing


async def test_being_unplugged_is_seen_within_50_ms(virtual_port: VirtualPort) -> None:
    async with opened(virtual_port.url) as link:
        reading = asyncio.ensure_future(link.read())
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        virtual_port.unplug()

        with pytest.raises(LinkLost, match="unplugged"):
            await reading
        assert time.monotonic() - begun < 0.05


async def test_what_came_before_the_cable_was_pulled_is_read_first(
    virtual_port: VirtualPort,
) -> None:
    async with opened(virtual_port.url) as link:
        virtual_port.write(b"last words")
        await asyncio.sleep(0.05)
        virtual_port.unplug()
        await asyncio.sleep(0.05)

        assert await link.read() == b"last words"
        with pytest.raises(LinkLost):
            await link.read()


async def test_writing_to_an_unplugged_port_is_told(virtual_port: VirtualPort) -> None:
    async with opened(virtual_port.url) as link:
        virtual_port.unplug()
        await asyncio.sleep(0.05)

        with pytest.raises(LinkLost):
            await link.write(b"\x06")


async def test_a_peer_that_takes_nothing_is_lost_after_the_write_timeout(
    virtual_port: VirtualPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.links.serial.WRITE_WITHIN", 0.2)
    async with opened(virtual_port.url) as link:
        begun = time.process_time()

        with pytest.raises(LinkLost, match="a peer that reads expected"):
            await link.write(b"x" * 1_000_000)
        assert time.process_time() - begun < 0.15  # it waited, and did not spin


async def test_a_replugged_port_opens_again(virtual_port: VirtualPort) -> None:
    async with opened(virtual_port.url):
        virtual_port.unplug()
    virtual_port.plug()

    async with opened(virtual_port.url) as link:
        virtual_port.write(b"\x05")
        assert await read(link, 1) == b"\x05"


async def test_a_held_port_is_told(virtual_port: VirtualPort) -> None:
    async with opened(virtual_port.url):
        with pytest.raises(LinkLost, match="to be free expected, another program holds it"):
            await open_link(virtual_port.url)


async def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="a device expected, nothing is plugged in there"):
        await open_link(f"serial://{tmp_path}/gone")


async def test_what_is_no_port_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no port")

    with pytest.raises(LinkLost, match="a port that opens expected"):
        await open_link(f"serial://{tmp_path}/file")


async def test_a_link_that_only_listens_never_writes(virtual_port: VirtualPort) -> None:
    async with opened(f"{virtual_port.url}?mode=listen") as link:
        await link.write(b"\x06")

        assert await asyncio.to_thread(virtual_port.read, 1, 0.1) == b""


async def test_closing_wakes_whoever_reads(virtual_port: VirtualPort) -> None:
    link = await open_link(virtual_port.url)
    reading = asyncio.ensure_future(link.read())
    await asyncio.sleep(0.02)

    await link.close()

    with pytest.raises(LinkLost, match="closed"):
        await reading


async def test_opening_and_closing_leaks_no_descriptor(virtual_port: VirtualPort) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with opened(virtual_port.url):
        pass
    before = count()
    for _ in range(20):
        async with opened(virtual_port.url):
            pass

    assert count() == before


async def test_sixty_four_ports_live_on_one_loop(tmp_path: Path) -> None:
    ports = [VirtualPort(tmp_path / f"port-{number}") for number in range(64)]
    links = [await open_link(port.url) for port in ports]
    try:
        for number, port in enumerate(ports):
            port.write(b"%02d" % number)

        assert [await read(link, 2) for link in links] == [b"%02d" % n for n in range(64)]
    finally:
        for link in links:
            await link.close()
        for port in ports:
            port.unplug()


# -- TCP, we dial --------------------------------------------------------------------------------

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


# -- TCP, they dial ------------------------------------------------------------------------------


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
    monkeypatch.setattr(tcp, "QUIET", 0.1)
    async with listening() as link, dialled(link) as half_open:
        half_open.writer.write(b"one")
        await read(link, 3)
        async with dialled(link) as again:
            again.writer.write(b"two")

            assert (await link.read(), await read(link, 3)) == (b"", b"two")


async def test_an_instrument_that_is_speaking_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "QUIET", 0.3)
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


# -- URLs ----------------------------------------------------------------------------------------


def test_a_serial_url_sets_the_port() -> None:
    place = read_link_url("serial:///dev/ttyS1?baud=19200&parity=even&bits=7&stop=2&flow=rtscts")

    assert place == SerialPlace(
        Path("/dev/ttyS1"),
        SerialDefaults(baud=19200, parity="even", bits="7", stop="2", flow="rtscts"),
    )


def test_what_a_serial_url_does_not_say_is_as_in_the_profile() -> None:
    place = read_link_url("serial:///dev/ttyS1?parity=even", SerialDefaults(baud=115200))

    assert isinstance(place, SerialPlace)
    assert (place.settings.baud, place.settings.parity) == (115200, "even")


def test_a_path_may_hold_what_a_url_must_hide() -> None:
    place = read_link_url("serial:///dev/serial/by-path/pci-0000:00:14.0-usb-0%3A2%3A1.0-port0")

    assert isinstance(place, SerialPlace)
    assert place.path == Path("/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0")


def test_tcp_urls_say_who_dials() -> None:
    assert read_link_url("tcp://10.0.0.9:4001") == TcpPlace("10.0.0.9", 4001, waits=False)
    assert read_link_url("tcp+listen://0.0.0.0:4001") == TcpPlace("0.0.0.0", 4001, waits=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("usb:///dev/x", "scheme: one of serial, tcp, tcp+listen expected, 'usb' found"),
        ("serial://ttyS0", "path: serial:///dev/… with an absolute path expected, '' found"),
        ("serial:///dev/x?baud=fast", "baud: a whole number such as 9600 expected, 'fast' found"),
        ("serial:///dev/x?baud=", "baud: a whole number such as 9600 expected, '' found"),
        ("serial:///dev/x?parity=some", "parity: one of none, even, odd, mark, space expected"),
        ("serial:///dev/x?bauds=1", "bauds: one of baud, bits, parity"),
        ("serial:///dev/x?mode=loud", "mode: listen expected, 'loud' found"),
        ("tcp://10.0.0.9", "host:port: such as 192.168.1.20:4001 expected, '10.0.0.9' found"),
        ("tcp://10.0.0.9:99999", "host:port: such as"),
        ("tcp://:4001", "host:port: such as"),
        ("tcp://10.0.0.9:4001?baud=9600", "baud: no such key on a TCP link expected"),
    ],
)
def test_a_bad_url_is_told_with_what_was_expected_and_found(url: str, said: str) -> None:
    with pytest.raises(ProfileError) as fault:
        read_link_url(url)

    assert said in str(fault.value)
    assert url in str(fault.value)
