"""Serial links on real ptys: what a cable does, and how its loss is told (G4)."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from drivers import LinkLost, open_link
from tests.drivers.reading_links import opened, read
from tests.services.virtual_port import VirtualPort


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
