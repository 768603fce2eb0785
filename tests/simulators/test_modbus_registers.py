from collections.abc import Sequence

import pytest

from simulators.modbus_registers import Refusal, Refused, answered
from tests.vectors import modbus


class Ten:
    """Ten registers from 10 and four coils from 0, all of them written and read as they are."""

    def __init__(self) -> None:
        self.words = dict.fromkeys(range(0x10, 0x1A), 0) | {0x10: 0x4149, 0x11: 0x999A}
        self.coils = dict.fromkeys(range(4), False)

    def read_registers(self, address: int, count: int) -> Sequence[int]:
        return [self._within(self.words, at) for at in range(address, address + count)]

    def read_coils(self, address: int, count: int) -> Sequence[bool]:
        return [bool(self._within(self.coils, at)) for at in range(address, address + count)]

    def write_registers(self, address: int, values: Sequence[int]) -> None:
        self._within(self.words, address)
        self.words |= dict(enumerate(values, start=address))

    def write_coils(self, address: int, values: Sequence[bool]) -> None:
        self._within(self.coils, address)
        self.coils |= dict(enumerate(values, start=address))

    @staticmethod
    def _within(held: dict[int, int] | dict[int, bool], at: int) -> int:
        if at not in held:
            raise Refused(Refusal.ADDRESS)
        return held[at]


def test_the_papers_float_is_read_as_on_the_paper() -> None:
    assert answered(modbus.RTU_READ_FLOAT[1:-2], Ten()) == modbus.RTU_FLOAT_ANSWER[1:-2]


def test_a_coil_that_is_switched_on_is_echoed_and_on() -> None:
    ten = Ten()

    assert answered(modbus.RTU_COIL_ON[1:-2], ten) == modbus.RTU_COIL_ON[1:-2]
    assert answered(bytes.fromhex("01 00 00 00 04"), ten) == bytes.fromhex("01 01 08")


def test_several_registers_and_coils_are_written_at_once() -> None:
    ten = Ten()
    words = answered(bytes.fromhex("10 00 12 00 02 04 00 0A 01 02"), ten)
    coils = answered(bytes.fromhex("0F 00 00 00 04 01 0A"), ten)

    assert (words.hex(" "), coils.hex(" ")) == ("10 00 12 00 02", "0f 00 00 00 04")
    assert (ten.words[0x12], ten.words[0x13]) == (0x0A, 0x0102)
    assert list(ten.coils.values()) == [False, True, False, True]


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("03 00 0F 00 02", "83 02"),  # half of it is not there
        ("03 00 19 00 02", "83 02"),
        ("03 00 10 00 00", "83 03"),
        ("03 00 10 00 7E", "83 03"),  # 126 registers: one more than the standard lets pass
        ("01 00 00 07 D1", "81 03"),
        ("05 00 00 12 34", "85 03"),  # neither on nor off
        ("10 00 10 00 02 02 00 0A", "90 03"),  # the count and the content differ
        ("2B 0E 01 00 00", "AB 01"),
        ("03 00", "83 03"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_with_the_standards_code(
    request_: str, answer: str
) -> None:
    assert answered(bytes.fromhex(request_), Ten()) == bytes.fromhex(answer)


def test_the_papers_refusal_is_an_address_that_is_not_there() -> None:
    assert answered(bytes.fromhex("03 00 90 00 02"), Ten()) == modbus.RTU_REFUSAL[1:-2]
