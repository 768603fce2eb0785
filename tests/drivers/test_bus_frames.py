"""What is taken for an answer among whatever else is on a Modbus line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers.links.modbus_frames import (
    OutOfStep,
    Refused,
    RtuFrames,
    TcpFrames,
    answer_of,
    question,
)
from drivers.protocols.base import Read, Write
from tests.drivers.played_line import read_answer, rtu, tcp
from tests.vectors import modbus

FLOAT = question(5, Read(3, 0x0010, 2), 1)


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
