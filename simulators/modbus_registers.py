"""What a Modbus slave answers: registers and coils of sixteen bits and of one, and exceptions.

Functions 01 to 06, 0F and 10. Holding and input registers are the same registers here, coils and
discrete inputs the same coils. An address beyond what there is is answered with exception 02, a
count that the standard does not allow with 03, a function that is not there with 01.

Source: Modbus Application Protocol 1.1b3, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

READ_COILS, READ_INPUTS, READ_HOLDING, READ_INPUT = 0x01, 0x02, 0x03, 0x04
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 0x05, 0x06, 0x0F, 0x10
WRITES = frozenset({WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS})

_MOST_COILS, _MOST_REGISTERS = 2000, 125
_MOST_COILS_WRITTEN, _MOST_REGISTERS_WRITTEN = 1968, 123
_ON, _OFF = 0xFF00, 0x0000
_EXCEPTION = 0x80


class Refusal(IntEnum):
    """Exception codes."""

    FUNCTION = 0x01
    ADDRESS = 0x02
    VALUE = 0x03
    FAILURE = 0x04
    BUSY = 0x06


class Refused(Exception):
    """A request that is answered with an exception."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code.name)
        self.code = code


class Registers(Protocol):
    """What is read and written; every method may raise Refused."""

    def read_registers(self, address: int, count: int) -> Sequence[int]: ...

    def read_coils(self, address: int, count: int) -> Sequence[bool]: ...

    def write_registers(self, address: int, values: Sequence[int]) -> None: ...

    def write_coils(self, address: int, values: Sequence[bool]) -> None: ...


def answered(pdu: bytes, registers: Registers) -> bytes:
    """Return the answer to a request, which is an exception where it cannot be obeyed."""
    function = pdu[0]
    try:
        if function not in _OBEY:
            raise Refused(Refusal.FUNCTION)
        if len(pdu) < 5:
            raise Refused(Refusal.VALUE)
        return _OBEY[function](pdu, registers)
    except Refused as refused:
        return bytes((function | _EXCEPTION, refused.code))


def _read_bits(pdu: bytes, registers: Registers) -> bytes:
    address, count = _two(pdu)
    _need(1 <= count <= _MOST_COILS)
    bits = registers.read_coils(address, count)
    packed = sum(bit << place for place, bit in enumerate(bits))
    content = packed.to_bytes((count + 7) // 8, "little")
    return bytes((pdu[0], len(content))) + content


def _read_words(pdu: bytes, registers: Registers) -> bytes:
    address, count = _two(pdu)
    _need(1 <= count <= _MOST_REGISTERS)
    content = b"".join(word.to_bytes(2, "big") for word in registers.read_registers(address, count))
    return bytes((pdu[0], len(content))) + content


def _write_coil(pdu: bytes, registers: Registers) -> bytes:
    address, value = _two(pdu)
    _need(value in (_ON, _OFF))
    registers.write_coils(address, [value == _ON])
    return pdu


def _write_word(pdu: bytes, registers: Registers) -> bytes:
    address, value = _two(pdu)
    registers.write_registers(address, [value])
    return pdu


def _write_coils(pdu: bytes, registers: Registers) -> bytes:
    address, count = _two(pdu)
    content = _counted(pdu)
    _need(1 <= count <= _MOST_COILS_WRITTEN and len(content) == (count + 7) // 8)
    packed = int.from_bytes(content, "little")
    registers.write_coils(address, [bool(packed >> place & 1) for place in range(count)])
    return pdu[:5]


def _write_words(pdu: bytes, registers: Registers) -> bytes:
    address, count = _two(pdu)
    content = _counted(pdu)
    _need(1 <= count <= _MOST_REGISTERS_WRITTEN and len(content) == 2 * count)
    words = [int.from_bytes(content[at : at + 2], "big") for at in range(0, 2 * count, 2)]
    registers.write_registers(address, words)
    return pdu[:5]


_OBEY = {
    READ_COILS: _read_bits,
    READ_INPUTS: _read_bits,
    READ_HOLDING: _read_words,
    READ_INPUT: _read_words,
    WRITE_COIL: _write_coil,
    WRITE_REGISTER: _write_word,
    WRITE_COILS: _write_coils,
    WRITE_REGISTERS: _write_words,
}


def _two(pdu: bytes) -> tuple[int, int]:
    return int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")


def _counted(pdu: bytes) -> bytes:
    _need(len(pdu) > 5 and len(pdu) == 6 + pdu[5])
    return pdu[6:]


def _need(holds: bool) -> None:
    if not holds:
        raise Refused(Refusal.VALUE)
