"""The frames of the Dayuan "03 FF" dialogue, and its packed times (domain reference 2.8c).

::

    03  FF|FE  cmd  00  parameter   length     X1  X2  contents …
        host|             u32 LE     u16 LE     |   XOR of the contents, 00 where there are none
        instrument                              XOR of the ten bytes before

Both sides number nothing: an answer belongs to the question with its command and parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import xor

HOST, INSTRUMENT = b"\x03\xff", b"\x03\xfe"
HEADER = 12
LONGEST = 4096
"""Bytes of contents beyond which a length is not believed."""
_CHECKED = 10
"""Bytes of the header that its own check covers."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, whole."""

    wire: bytes
    """As it stood on the line."""

    @property
    def is_answer(self) -> bool:
        """Whether the instrument said it."""
        return self.wire[:2] == INSTRUMENT

    @property
    def command(self) -> int:
        """What it is about."""
        return self.wire[2]

    @property
    def parameter(self) -> int:
        """A record's number, or a page's (in its second byte)."""
        return int.from_bytes(self.wire[4:8], "little")

    @property
    def contents(self) -> bytes:
        """What follows the header."""
        return self.wire[HEADER:]

    @property
    def is_sound(self) -> bool:
        """Whether its contents are as they were sent."""
        return self.wire[11] == _check(self.contents)


def question(command: int, parameter: int = 0, contents: bytes = b"") -> bytes:
    """A frame from the host.

    >>> question(0x45, 1).hex(" ")
    '03 ff 45 00 01 00 00 00 00 00 b8 00'
    """
    head = HOST + bytes((command, 0)) + parameter.to_bytes(4, "little")
    head += len(contents).to_bytes(2, "little")
    return head + bytes((_check(head), _check(contents))) + contents


def answer_end(heard: bytes) -> int | None:
    """Where the first answer in what was heard ends; None while it is not whole.

    The first sound header counts, however the bytes after it come in pieces.
    """
    at = heard.find(INSTRUMENT)
    while 0 <= at <= len(heard) - HEADER:
        if (end := _end(heard, at, (INSTRUMENT,))) is not None:
            return end if end <= len(heard) else None
        at = heard.find(INSTRUMENT, at + 1)
    return None


def last_answer(heard: bytes) -> tuple[bytes, Frame | None]:
    """The answer that these bytes end with, and what stands before it; no answer, and all."""
    at, found = 0, None
    while following := _next(heard, at, (INSTRUMENT,)):
        found, at = following, following[1]
    if found is None or at < len(heard):
        return heard, None
    return heard[: found[0]], Frame(heard[found[0] :])


def frames_in(octets: bytes) -> Iterator[Frame | bytes]:
    """Every frame of either side, and what stands between them, in order."""
    at = 0
    while found := _next(octets, at, (HOST, INSTRUMENT)):
        start, end = found
        if start > at:
            yield octets[at:start]
        yield Frame(octets[start:end])
        at = end
    if at < len(octets):
        yield octets[at:]


def _next(octets: bytes, after: int, openings: tuple[bytes, ...]) -> tuple[int, int] | None:
    """Start and end of the next frame whose header is sound and which is all there."""
    at = octets.find(b"\x03", after)
    while 0 <= at <= len(octets) - HEADER:
        end = _end(octets, at, openings)
        if end is not None and end <= len(octets):
            return at, end
        at = octets.find(b"\x03", at + 1)
    return None


def _end(octets: bytes, at: int, openings: tuple[bytes, ...]) -> int | None:
    """Where a frame that begins here ends; None where none does."""
    head = octets[at : at + HEADER]
    if head[:2] not in openings or _check(head[:_CHECKED]) != head[_CHECKED]:
        return None
    length = int.from_bytes(head[8:10], "little")
    return at + HEADER + length if length <= LONGEST else None


def _check(octets: bytes) -> int:
    return reduce(xor, octets, 0)


def packed_day(day: date) -> tuple[bytes, bytes]:
    """The first and the last packed time of a day.

    >>> [end.hex() for end in packed_day(date(2026, 11, 23))]
    ['00007735', 'ffff7735']
    """
    high = (day.year % 100) << 9 | day.month << 5 | day.day
    return (high << 16).to_bytes(4, "little"), (high << 16 | 0xFFFF).to_bytes(4, "little")


def unpacked(octets: bytes) -> datetime | None:
    """A packed time as the instrument's local time; None where it says no instant.

    >>> unpacked(bytes.fromhex("A6 35 77 35")).isoformat()
    '2026-11-23T06:45:12'
    """
    packed = int.from_bytes(octets, "little")
    day, clock = packed >> 16, packed & 0xFFFF
    try:
        return datetime(  # noqa: DTZ001 the instrument's clock knows no zone
            2000 + (day >> 9),
            day >> 5 & 0x0F,
            day & 0x1F,
            clock >> 11,
            clock >> 5 & 0x3F,
            (clock & 0x1F) * 2,
        )
    except ValueError:
        return None
