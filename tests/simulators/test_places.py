import asyncio
import os
from pathlib import Path

import pytest

from simulators.kit.places import CableOut, Pty, TcpDial, TcpListen
from tests.simulators.host import PtyHost


async def test_a_pty_is_found_under_its_path_while_it_is_plugged_in(tmp_path: Path) -> None:
    place = Pty(tmp_path / "ports" / "pest-1")
    seen = []
    for step in (place.plug, place.unplug, place.plug, place.unplug):
        await step()
        seen.append(place.path.exists())

    assert seen == [True, False, True, False]


async def test_a_pty_does_not_echo_the_analysers_words(tmp_path: Path) -> None:
    place = Pty(tmp_path / "pest-1")
    await place.plug()
    port = os.open(place.path, os.O_RDWR | os.O_NOCTTY)
    await place.write(b"\x05")
    heard = await place.read(0.1)
    os.close(port)
    await place.unplug()

    assert heard == b""


async def test_bytes_pass_through_a_pty_unchanged(tmp_path: Path) -> None:
    place = Pty(tmp_path / "pest-1")
    await place.plug()
    host = PtyHost(place.path)
    every_byte = bytes(range(256))
    await place.write(every_byte)
    heard = await host.hears(every_byte)
    host.says(every_byte)
    said = b""
    while len(said) < 256:
        said += await place.read(1)
    host.close()
    await place.unplug()

    assert (heard, said) == (every_byte, every_byte)


async def test_what_is_written_to_a_port_that_nobody_has_open_is_gone(tmp_path: Path) -> None:
    place = Pty(tmp_path / "pest-1")
    await place.plug()
    await place.write(b"\x05")
    host = PtyHost(place.path)
    nothing = await host.hears_nothing(0.1)
    host.close()
    await place.unplug()

    assert nothing


async def test_a_port_closed_and_opened_again_still_carries(tmp_path: Path) -> None:
    place = Pty(tmp_path / "pest-1")
    await place.plug()
    for _ in range(2):
        host = PtyHost(place.path)
        await place.write(b"\x05")
        assert await host.hears(b"\x05") == b"\x05"
        host.close()
    await place.unplug()


async def test_whoever_has_a_port_open_notices_that_it_is_pulled(tmp_path: Path) -> None:
    place = Pty(tmp_path / "pest-1")
    await place.plug()
    port = os.open(place.path, os.O_RDWR | os.O_NOCTTY)
    await place.unplug()
    try:
        assert os.read(port, 1) == b""
    finally:
        os.close(port)


async def test_an_analyser_that_is_reading_notices_at_once_that_its_cable_is_pulled(
    tmp_path: Path,
) -> None:
    place = Pty(tmp_path / "pest-1")
    await place.plug()
    host = PtyHost(place.path)
    reading = asyncio.create_task(place.read(30))
    await asyncio.sleep(0.05)
    await place.unplug()
    try:
        async with asyncio.timeout(1):
            with pytest.raises(CableOut, match="unplugged"):
                await reading
    finally:
        host.close()


async def test_an_unplugged_listener_refuses_and_is_back_at_the_same_port() -> None:
    place = TcpListen()
    await place.plug()
    url = place.url
    await place.unplug()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(place.host, place.port)
    await place.plug()
    _, writer = await asyncio.open_connection(place.host, place.port)
    writer.close()
    again = place.url
    await place.unplug()

    assert again == url


async def test_a_second_dialler_takes_the_place_of_the_first() -> None:
    place = TcpListen()
    await place.plug()
    first, first_out = await asyncio.open_connection(place.host, place.port)
    second, second_out = await asyncio.open_connection(place.host, place.port)
    await asyncio.sleep(0.05)
    await place.write(b"\x05")
    heard = await first.read(1), await second.read(1)
    first_out.close()
    second_out.close()
    await place.unplug()

    assert heard == (b"", b"\x05")


async def test_dialling_nobody_says_so() -> None:
    place = TcpDial("127.0.0.1", 1)
    await place.plug()

    with pytest.raises(CableOut, match=r"nobody at 127\.0\.0\.1:1"):
        await place.read(0.1)


async def test_the_url_is_what_the_gateways_settings_would_say(tmp_path: Path) -> None:
    places = Pty(tmp_path / "p"), TcpListen("127.0.0.1", 4101), TcpDial("127.0.0.1", 4102)

    assert [place.url for place in places] == [
        f"serial://{tmp_path}/p?baud=9600",
        "tcp://127.0.0.1:4101",
        "tcp+listen://127.0.0.1:4102",
    ]
