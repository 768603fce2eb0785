"""How Modbus travels: as RTU over a serial line or a serial server, and as TCP.

::

    RTU   unit  PDU  CRC-16, low byte first
    TCP   transaction u16  0000  length u16  unit  PDU          (length counts unit and PDU)

The first byte of a PDU is its function. A slave on a serial line cannot time the silence between
frames better than its adapter lets it, so that here the function says how long a request is.

Source: Modbus over Serial Line 1.02, Modbus Messaging on TCP/IP 1.0b.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

_POLYNOMIAL = 0xA001
_SHORTEST = 4
_HEADER = 7
_LONGEST_BODY = 254
_SIX = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06)
"""Functions whose request is six bytes and a CRC."""
_COUNTED = (0x0F, 0x10)
"""Functions whose seventh byte says how many follow."""


class Framing(StrEnum):
    RTU = "rtu"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request: for which unit, and how its answer is put into a frame."""

    unit: int
    pdu: bytes
    wrapped: Callable[[bytes], bytes]


def crc(counted: bytes | bytearray) -> bytes:
    """Return the CRC-16 as it is sent.

    >>> crc(bytes.fromhex("01 03 00 00 00 0A")).hex()
    'c5cd'
    """
    register = 0xFFFF
    for byte in counted:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register.to_bytes(2, "little")


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    body = bytes((unit,)) + pdu
    return body + crc(body)


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    head = transaction.to_bytes(2, "big") + bytes(2) + (len(pdu) + 1).to_bytes(2, "big")
    return head + bytes((unit,)) + pdu


def take_request(heard: bytearray, framing: Framing) -> Request | None:
    """Take the first sound request out of `heard` with all that stands before it.

    None when more bytes are needed. What is no request is passed over a byte at a time.
    """
    return _take_rtu(heard) if framing is Framing.RTU else _take_tcp(heard)


def _take_rtu(heard: bytearray) -> Request | None:
    while len(heard) >= _SHORTEST:
        whole = _rtu_length(heard)
        if whole > len(heard):
            return None
        if whole and crc(heard[: whole - 2]) == heard[whole - 2 : whole]:
            unit, pdu = heard[0], bytes(heard[1 : whole - 2])
            del heard[:whole]
            return Request(unit, pdu, partial(rtu_frame, unit))
        del heard[:1]
    return None


def _rtu_length(heard: bytearray) -> int:
    """How long the request at the beginning is with its CRC; 0 for a function nobody knows."""
    if heard[1] in _SIX:
        return 8
    if heard[1] in _COUNTED:
        return 9 + heard[6] if len(heard) > 6 else 9
    return 0


def _take_tcp(heard: bytearray) -> Request | None:
    while len(heard) >= _HEADER:
        length = int.from_bytes(heard[4:6], "big")
        if heard[2:4] != b"\0\0" or not 2 <= length <= _LONGEST_BODY:
            del heard[:1]
            continue
        whole = 6 + length
        if whole > len(heard):
            return None
        transaction, unit = int.from_bytes(heard[:2], "big"), heard[6]
        pdu = bytes(heard[7:whole])
        del heard[:whole]
        return Request(unit, pdu, partial(tcp_frame, transaction, unit))
    return None
