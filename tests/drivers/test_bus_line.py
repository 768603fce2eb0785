"""What a Modbus line takes for an answer, what it passes over, and how it keeps its manners."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers import LinkLost, ProfileError, read_link_url
from drivers.links.modbus import Manners, ModbusLine, NoAnswer, character_time
from drivers.links.modbus_frames import (
    OutOfStep,
    Refused,
    RtuFrames,
    TcpFrames,
    answer_of,
    question,
)
from drivers.links.url import Framing, SerialPlace, TcpPlace
from drivers.protocols.base import Read, Write
from tests.drivers import virtual_time
from tests.drivers.played_line import PlayedLine, PlayedUnitOnLine, read_answer, rtu, tcp
from tests.vectors import modbus

MANNERS = Manners(timeout=0.2, slowest_answer=0.6)
FLOAT = question(5, Read(3, 0x0010, 2), 1)


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


# -- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "crc"), modbus.CHECKSUMS)
def test_a_frame_ends_with_its_crc_low_byte_first(body: bytes, crc: bytes) -> None:
    assert rtu(body[0], body[1:])[-2:] == crc


def test_a_question_in_rtu_is_the_manual_s() -> None:
    assert RtuFrames().frame(FLOAT) == modbus.RTU_READ_FLOAT
    assert RtuFrames().frame(question(1, Read(3, 0, 10), 1)) == modbus.RTU_READ_TEN
    assert RtuFrames().frame(question(1, Write(3, (1,), 5), 1)) == modbus.RTU_COIL_ON


def test_a_question_in_tcp_is_the_manual_s() -> None:
    assert TcpFrames().frame(FLOAT) == modbus.TCP_READ_FLOAT


@pytest.mark.parametrize(
    ("frames", "heard"),
    [(RtuFrames(), modbus.RTU_FLOAT_ANSWER), (TcpFrames(), modbus.TCP_FLOAT_ANSWER)],
    ids=["rtu", "tcp"],
)
def test_an_answer_is_found_when_its_last_byte_is_there(
    frames: RtuFrames | TcpFrames, heard: bytes
) -> None:
    buffer = bytearray()
    for byte in heard[:-1]:
        buffer.append(byte)
        assert frames.find(buffer, FLOAT) is None
    buffer.append(heard[-1])

    pdu = frames.find(buffer, FLOAT)

    assert pdu is not None
    assert answer_of(FLOAT, pdu) == (0x4149, 0x999A)


def test_a_refusal_is_told_in_plain_words() -> None:
    pdu = RtuFrames().find(bytearray(modbus.RTU_REFUSAL), FLOAT)

    assert pdu is not None
    with pytest.raises(Refused) as refused:
        answer_of(FLOAT, pdu)
    assert str(refused.value) == (
        "unit 5 refuses to read 2 from 0x0010 (function 3): it has no such address (exception 2)"
    )


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8, 10, 11, 99])
def test_every_exception_has_words(code: int) -> None:
    with pytest.raises(Refused, match=rf"\(exception {code}\)$"):
        answer_of(FLOAT, bytes((0x83, code)))


@pytest.mark.parametrize(
    "other",
    [
        rtu(6, modbus.RTU_FLOAT_ANSWER[1:-2]),
        rtu(5, b"\x04" + modbus.RTU_FLOAT_ANSWER[2:-2]),
        rtu(5, read_answer(3, 0, 1)),
        rtu(5, read_answer(3, 0, 3)),
        rtu(6, b"\x83\x02"),
        rtu(5, b"\x84\x02"),
        modbus.RTU_FLOAT_ANSWER[:-1] + b"\x00",
        modbus.RTU_READ_FLOAT,
        rtu(0, b"\x06\x00\x01\x00\x02"),
    ],
    ids=[
        "another unit's",
        "another function's",
        "a shorter one",
        "a longer one",
        "another unit's refusal",
        "another function's refusal",
        "a wrong CRC",
        "our own question, heard back",
        "another master's broadcast",
    ],
)
def test_what_is_not_the_answer_is_passed_over_and_the_answer_found_behind_it(
    other: bytes,
) -> None:
    heard = bytearray(other)

    assert RtuFrames().find(heard, FLOAT) is None
    heard += modbus.RTU_FLOAT_ANSWER
    assert RtuFrames().find(heard, FLOAT) == modbus.RTU_FLOAT_ANSWER[1:-2]


@given(noise=some.lists(some.binary(max_size=30), max_size=5), pieces=some.integers(1, 9))
def test_noise_on_the_line_never_hides_an_answer(noise: list[bytes], pieces: int) -> None:
    frames, heard, found = RtuFrames(), bytearray(), None
    said = b"".join(noise) + modbus.RTU_FLOAT_ANSWER
    for at in range(0, len(said), pieces):
        heard += said[at : at + pieces]
        found = found or frames.find(heard, FLOAT)
        assert len(heard) <= len(said)

    assert found == modbus.RTU_FLOAT_ANSWER[1:-2]


@given(some.binary(max_size=600))
def test_of_noise_no_more_is_kept_than_an_answer_is_long(noise: bytes) -> None:
    heard = bytearray(noise)

    RtuFrames().find(heard, FLOAT)

    assert len(heard) <= 9


def test_a_line_that_hears_itself_does_not_take_its_own_words_for_the_answer_to_a_write() -> None:
    frames = RtuFrames()
    frames.find(bytearray(modbus.RTU_READ_FLOAT), FLOAT)
    write = question(1, Write(3, (1,), 5), 2)

    assert frames.find(bytearray(modbus.RTU_COIL_ON), write) is None
    assert frames.find(bytearray(2 * modbus.RTU_COIL_ON), write) is not None


@pytest.mark.parametrize(
    "other",
    [
        tcp(9, 5, modbus.TCP_FLOAT_ANSWER[7:]),
        tcp(1, 6, modbus.TCP_FLOAT_ANSWER[7:]),
        tcp(1, 5, read_answer(3, 0, 1)),
    ],
    ids=["another transaction's", "another unit's", "a shorter one"],
)
def test_on_tcp_what_is_not_the_answer_is_passed_over(other: bytes) -> None:
    heard = bytearray(other + modbus.TCP_FLOAT_ANSWER)

    assert TcpFrames().find(heard, FLOAT) == modbus.TCP_FLOAT_ANSWER[7:]


@pytest.mark.parametrize("noise", [b"HTTP/1.1 400 Bad", bytes(8), b"\0\x01\0\0\xff\xff\x05\x03"])
def test_on_tcp_noise_cannot_be_passed_over(noise: bytes) -> None:
    with pytest.raises(OutOfStep, match="a Modbus TCP header expected"):
        TcpFrames().find(bytearray(noise), FLOAT)


@pytest.mark.parametrize(
    ("step", "pdu", "registers"),
    [
        (Read(1, 0, 10), b"\x01\x02\x05\x02", (1, 0, 1, 0, 0, 0, 0, 0, 0, 1)),
        (Read(2, 0, 1), b"\x02\x01\x01", (1,)),
        (Read(4, 0, 1), b"\x04\x02\x00\x07", (7,)),
        (Write(3, (1, 2)), b"\x10\x00\x03\x00\x02", ()),
        (Write(3, (7,), 6), b"\x06\x00\x03\x00\x07", ()),
        # A coil that goes off by itself, told as it is when it is told.
        (Write(3, (1,), 5), b"\x05\x00\x03\x00\x00", ()),
    ],
)
def test_every_step_has_its_answer(
    step: Read | Write, pdu: bytes, registers: tuple[int, ...]
) -> None:
    asked = question(1, step, 1)

    assert asked.is_answered_by(pdu)
    assert answer_of(asked, pdu) == registers


# -- the line ------------------------------------------------------------------------------------


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
