"""The frames of the Dayuan DY "03 FF" family, as the analyser hears and sends them.

A header of twelve bytes, then the contents, everything little-endian::

    03  FF|FE  command  00  parameter u32  length u16  check  check
        host|analyser                                  |      XOR of the contents, 00 for none
                                                       XOR of bytes 0 to 9

Source: the family's serial protocol as the domain reference gives it (section 2.8c).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import xor

START, HOST, ANALYSER = 0x03, 0xFF, 0xFE
HEADER_LENGTH = 12
LONGEST_QUESTION = 256
"""Contents longer than this were asked by nobody: the header is noise."""


@dataclass(frozen=True, slots=True)
class Question:
    """A whole and sound frame of the host's."""

    command: int
    parameter: int
    contents: bytes


def check(counted: bytes | bytearray) -> int:
    """Return the XOR of all bytes.

    >>> f"{check(bytes.fromhex('03 FF 20 00 00 00 00 00 08 00')):02X}"
    'D4'
    """
    return reduce(xor, counted, 0)


def answer(command: int, parameter: int, contents: bytes) -> bytes:
    """Return an analyser's frame; `parameter` repeats the question's."""
    head = (
        bytes((START, ANALYSER, command, 0))
        + parameter.to_bytes(4, "little")
        + len(contents).to_bytes(2, "little")
    )
    return head + bytes((check(head), check(contents))) + contents


def take_question(heard: bytearray) -> Question | None:
    """Take the first sound question out of `heard` with all that stands before it.

    None when more bytes are needed. What is no question is passed over a byte at a time.
    """
    while len(heard) >= HEADER_LENGTH:
        length = int.from_bytes(heard[8:10], "little")
        whole = HEADER_LENGTH + length
        if not _begins_well(heard) or length > LONGEST_QUESTION:
            del heard[:1]
        elif len(heard) < whole:
            return None
        elif check(heard[HEADER_LENGTH:whole]) != heard[11]:
            del heard[:1]
        else:
            question = Question(
                command=heard[2],
                parameter=int.from_bytes(heard[4:8], "little"),
                contents=bytes(heard[HEADER_LENGTH:whole]),
            )
            del heard[:whole]
            return question
    return None


def _begins_well(heard: bytearray) -> bool:
    return heard[0] == START and heard[1] == HOST and check(heard[:10]) == heard[10]


def packed_time(at: datetime) -> int:
    """Return a packed DOS time; its years count from 2000, its seconds are halved.

    >>> packed_time(datetime.fromisoformat("2026-11-23T06:45:12+08:00")).to_bytes(4, "little").hex()
    'a6357735'
    """
    day = (at.year - 2000) << 9 | at.month << 5 | at.day
    return day << 16 | at.hour << 11 | at.minute << 5 | at.second // 2


def fixed(text: str, width: int) -> bytes:
    """Return GB2312 text in a field of `width` bytes, padded with NUL; cut where it is too long.

    The cut counts bytes, so that it may go through the middle of a character.
    """
    return text.encode("gb2312")[:width].ljust(width, b"\0")
