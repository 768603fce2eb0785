import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulators.modbus_frames import Framing, crc, rtu_frame, take_request, tcp_frame
from tests.vectors import modbus


@pytest.mark.parametrize(("counted", "check"), modbus.CHECKSUMS)
def test_the_crc_is_the_papers(counted: bytes, check: bytes) -> None:
    assert crc(counted) == check


@pytest.mark.parametrize(
    ("wire", "unit", "pdu"),
    [
        (modbus.RTU_READ_TEN, 1, "03 00 00 00 0A"),
        (modbus.RTU_READ_FLOAT, 5, "03 00 10 00 02"),
        (modbus.RTU_COIL_ON, 1, "05 00 03 FF 00"),
    ],
)
def test_a_request_on_a_line_is_understood(wire: bytes, unit: int, pdu: str) -> None:
    request = take_request(bytearray(wire), Framing.RTU)

    assert request is not None
    assert (request.unit, request.pdu) == (unit, bytes.fromhex(pdu))


def test_an_answer_on_a_line_has_the_units_address_and_a_crc() -> None:
    request = take_request(bytearray(modbus.RTU_READ_FLOAT), Framing.RTU)

    assert request is not None
    assert request.wrapped(modbus.RTU_FLOAT_ANSWER[1:-2]) == modbus.RTU_FLOAT_ANSWER


def test_an_answer_on_tcp_has_the_requests_transaction() -> None:
    request = take_request(bytearray(modbus.TCP_READ_FLOAT), Framing.TCP)

    assert request is not None
    assert (request.unit, request.pdu) == (5, modbus.RTU_READ_FLOAT[1:-2])
    assert request.wrapped(modbus.RTU_FLOAT_ANSWER[1:-2]) == modbus.TCP_FLOAT_ANSWER


def test_a_request_to_write_several_registers_is_as_long_as_it_says() -> None:
    wire = rtu_frame(1, bytes.fromhex("10 00 01 00 02 04 00 0A 01 02"))
    request = take_request(bytearray(wire), Framing.RTU)

    assert request is not None
    assert len(request.pdu) == 10


@given(noise=some.binary(max_size=30), framing=some.sampled_from(Framing))
def test_a_request_is_found_behind_anything_that_is_none(noise: bytes, framing: Framing) -> None:
    pdu = bytes.fromhex("03 00 10 00 02")
    sound = rtu_frame(5, pdu) if framing is Framing.RTU else tcp_frame(0x0102, 5, pdu)
    # Noise may claim that a long request has begun: enough sound ones end it.
    heard = bytearray(noise + 40 * sound)
    found = []
    while (request := take_request(heard, framing)) is not None:
        found.append((request.unit, request.pdu))

    assert (5, pdu) in found


@pytest.mark.parametrize("cut", range(8))
def test_a_request_in_pieces_is_waited_for(cut: int) -> None:
    heard = bytearray(modbus.RTU_READ_TEN[:cut])
    before = take_request(heard, Framing.RTU)
    heard += modbus.RTU_READ_TEN[cut:]

    assert before is None
    assert take_request(heard, Framing.RTU) is not None
