"""One question at a time, with manners, on a line that may be disturbed or lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from drivers import LinkLost, ProfileError, open_bus, open_link, read_link_url
from drivers.links.modbus import Manners, ModbusLine, NoAnswer, character_time
from drivers.links.modbus_frames import (
    RtuFrames,
    TcpFrames,
)
from drivers.links.url import Framing, SerialPlace, TcpPlace
from drivers.protocols.base import Read
from tests.drivers import virtual_time
from tests.drivers.played_line import PlayedLine, PlayedUnitOnLine, read_answer, rtu

MANNERS = Manners(timeout=0.2, slowest_answer=0.6)


def on_a_line(
    story: Callable[[PlayedLine, ModbusLine], Awaitable[None]],
    units: dict[int, PlayedUnitOnLine] | None = None,
    *,
    is_tcp: bool = False,
    character: float = 0.0,
) -> None:
    """Tell a story on a line of played units, in virtual time."""

    async def told() -> None:
        played = PlayedLine(units or {1: PlayedUnitOnLine()}, is_tcp=is_tcp)
        frames = TcpFrames() if is_tcp else RtuFrames()
        loop = asyncio.get_running_loop()
        line = ModbusLine(played.open, frames, character=character, now=loop.time)
        await line.open()
        try:
            await story(played, line)
        finally:
            await line.close()
            await played.close()

    virtual_time.run(told())


@pytest.mark.parametrize("is_tcp", [False, True], ids=["rtu", "tcp"])
def test_one_question_at_a_time_whoever_asks(is_tcp: bool) -> None:
    units = {unit: PlayedUnitOnLine([0.05] * 5) for unit in (1, 2, 3)}

    async def story(played: PlayedLine, line: ModbusLine) -> None:
        await asyncio.gather(
            *(line.ask(unit, Read(3, unit, 1), MANNERS) for unit in (1, 2, 3) for _ in range(2))
        )

        pairs = zip(played.heard_at[1:], played.said_at, strict=False)
        assert all(heard >= said for heard, said in pairs)

    on_a_line(story, units, is_tcp=is_tcp)


def test_an_answer_with_the_wrong_number_of_registers_is_no_answer() -> None:
    unit = PlayedUnitOnLine(answer=lambda _: read_answer(3, 5, 1))

    async def story(_: PlayedLine, line: ModbusLine) -> None:
        with pytest.raises(NoAnswer, match=r"unit 1: an answer within 0.2 s expected, none came"):
            await line.ask(1, Read(3, 5, 2), MANNERS)

    on_a_line(story, {1: unit})


def test_noise_between_two_frames_is_no_loss_of_the_line() -> None:
    async def story(played: PlayedLine, line: ModbusLine) -> None:
        played.before = rtu(0, b"\x06\x00\x01\x00\x02")
        for _ in range(3):
            played.say(b"\xff\x00" * 40)
            await asyncio.sleep(0.01)
            assert await line.ask(1, Read(3, 5, 2), MANNERS) == (5, 6)

        assert line.traffic.stray_octets == 240
        assert played.opened == 1

    on_a_line(story)


def test_a_tcp_line_that_is_out_of_step_is_opened_again() -> None:
    async def story(played: PlayedLine, line: ModbusLine) -> None:
        played.before = b"no Modbus at all"
        with pytest.raises(NoAnswer, match="a Modbus TCP header expected"):
            await line.ask(1, Read(3, 5, 2), MANNERS)
        played.before = b""

        assert await line.ask(1, Read(3, 5, 2), MANNERS) == (5, 6)
        assert played.opened == 2

    on_a_line(story, is_tcp=True)


def test_a_tcp_line_on_which_nobody_answers_any_more_is_opened_again() -> None:
    async def story(played: PlayedLine, line: ModbusLine) -> None:
        for _ in range(5):
            with pytest.raises(NoAnswer):
                await line.ask(1, Read(3, 5, 2), MANNERS)

        assert played.opened == 2

    on_a_line(story, {1: PlayedUnitOnLine(is_dead=True)}, is_tcp=True)


def test_a_serial_server_s_word_for_a_dead_unit_is_no_answer_either() -> None:
    async def story(_: PlayedLine, line: ModbusLine) -> None:
        with pytest.raises(NoAnswer, match="its serial server got no answer from it"):
            await line.ask(1, Read(3, 5, 2), MANNERS)

    on_a_line(story, {1: PlayedUnitOnLine(answer=lambda _: b"\x83\x0b")}, is_tcp=True)


def test_a_pulled_cable_is_told_at_once_to_whoever_waits() -> None:
    async def story(played: PlayedLine, line: ModbusLine) -> None:
        asking = asyncio.create_task(line.ask(1, Read(3, 5, 2), MANNERS))
        await asyncio.sleep(0.05)
        begun = asyncio.get_running_loop().time()
        played.unplug()

        with pytest.raises(LinkLost, match="unplugged"):
            await asking
        assert asyncio.get_running_loop().time() - begun < 0.01

    on_a_line(story, {1: PlayedUnitOnLine([0.15])})


def test_a_pulled_cable_is_noticed_when_nobody_asks() -> None:
    async def story(played: PlayedLine, line: ModbusLine) -> None:
        await asyncio.sleep(1)
        played.unplug()
        await asyncio.sleep(0.01)

        assert line.lost.is_set()

    on_a_line(story)


# -- manners -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("baud", "milliseconds"),
    [(2400, 16.042), (4800, 8.021), (9600, 4.010), (19200, 2.005), (38400, 1.750), (115200, 1.750)],
)
@pytest.mark.parametrize("turnaround", [0.0, 0.05])
def test_the_line_is_silent_for_3_5_characters_before_every_question(
    baud: int, milliseconds: float, turnaround: float
) -> None:
    place = read_link_url(f"modbus+serial:///dev/ttyS0?baud={baud}&parity=even")
    assert isinstance(place, SerialPlace)
    wanted = max(milliseconds / 1000, turnaround)
    manners = Manners(0.2, 0.6, turnaround)

    async def story(played: PlayedLine, line: ModbusLine) -> None:
        for unit in (1, 2, 1, 2):
            await line.ask(unit, Read(3, 5, 2), manners)

        gaps = [
            heard - said for said, heard in zip(played.said_at, played.heard_at[1:], strict=False)
        ]
        assert all(wanted - 1e-5 <= gap < wanted + 0.001 for gap in gaps)

    units = {1: PlayedUnitOnLine(), 2: PlayedUnitOnLine()}
    on_a_line(story, units, character=character_time(place))


def test_a_line_that_is_never_silent_is_spoken_on_all_the_same() -> None:
    async def story(played: PlayedLine, line: ModbusLine) -> None:
        async def chatter() -> None:
            while True:
                played.say(b"\xaa" * 20)
                await asyncio.sleep(0.002)

        talking = asyncio.create_task(chatter())
        assert await line.ask(1, Read(3, 5, 2), MANNERS) == (5, 6)
        talking.cancel()

    on_a_line(story, character=11 / 9600)


def test_slow_lines_have_their_time_for_the_answer_s_own_characters() -> None:
    character = 11 / 1200
    unit = PlayedUnitOnLine([0.2 + 200 * character])

    async def story(_: PlayedLine, line: ModbusLine) -> None:
        assert len(await line.ask(1, Read(3, 0, 120), Manners(0.3, 3))) == 120

    on_a_line(story, {1: unit}, character=character)


# -- URLs ----------------------------------------------------------------------------------------


def test_the_url_of_a_line_says_how_modbus_travels() -> None:
    tcp_line = read_link_url("modbus+tcp://192.168.1.20:502")
    server = read_link_url("modbus+rtu+tcp://192.168.1.20:4001")
    serial = read_link_url("modbus+serial:///dev/ttyS1?baud=19200&parity=even")

    assert tcp_line == TcpPlace("192.168.1.20", 502, False, framing=Framing.TCP)
    assert server == TcpPlace("192.168.1.20", 4001, False, framing=Framing.RTU)
    assert isinstance(serial, SerialPlace)
    assert (serial.framing, serial.settings.baud, serial.settings.parity) == (
        Framing.RTU,
        19200,
        "even",
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("modbus+tcp://192.168.1.20", "host:port"),
        ("modbus+serial://ttyS1", "modbus+serial:///dev/… with an absolute path"),
        ("modbus+tcp://h:502?baud=9600", "no such key on a TCP link"),
        ("modbus+tcp://h:502?mode=listen", "a line on which we ask"),
        ("modbus+udp://h:502", "scheme"),
    ],
)
def test_a_line_s_url_that_cannot_be_meant_is_told(url: str, said: str) -> None:
    with pytest.raises(ProfileError) as fault:
        read_link_url(url)

    assert said in str(fault.value)


async def test_a_line_s_url_is_no_link_of_bytes() -> None:
    with pytest.raises(ProfileError, match="a link of bytes expected, a Modbus line found"):
        await open_link("modbus+tcp://127.0.0.1:1")


async def test_a_link_of_bytes_is_no_line() -> None:
    with pytest.raises(ProfileError, match=r"modbus\+… expected, a line of bytes found"):
        await open_bus("tcp://127.0.0.1:1")
