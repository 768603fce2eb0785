"""Frames of ASTM E1381 / CLSI LIS1-A: how text is wrapped for the wire, checked and cut::

    <STX> FN text <ETB|ETX> C1 C2 <CR> <LF>
          |                 |
          0..7, wraps       every byte from FN to ETB or ETX, added up, modulo 256, in hex

<ETB> says that the text goes on in the next frame, <ETX> that it ends here (LIS1-A 6.3.1).
A text holds none of these control bytes, so the first <ETB> or <ETX> ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

STX, ETX, EOT, ENQ, ACK, LF, CR, NAK, ETB = (
    bytes([code]) for code in (0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0D, 0x15, 0x17)
)
NUMBERS = 8
"""Frame numbers count 1, 2 … 7, 0, 1 …"""
LONGEST_TEXT = 240
"""Bytes of text we put into one frame: what E1381-91 allows, and so every instrument takes."""

_ENDING = re.compile(rb"[\x02\x03\x04\x17]|\r[^\r\n\x02-\x05\x17]?[0-9A-Fa-f]{2}\r\n")
"""What ends a frame, well or badly; the last is a checksum whose <ETX> was lost on the way."""
_LONGEST_ENDING = 6
_CHECKSUM = re.compile(rb"[0-9A-Fa-f]{2}")
_LOST_STX = re.compile(rb"[\x03\x17][0-9A-Fa-f]{2}\r?\n\Z")
_TAIL = 4
"""C1 C2 CR LF."""


class FrameFault(ValueError):
    """A frame that must not be believed; says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that has passed its checks."""

    number: int
    text: bytes
    is_last: bool
    """Ended by <ETX>."""


def checksum(counted: bytes) -> bytes:
    """Return the two upper-case hex digits over FN, text and ending.

    >>> checksum(b"5L|1|N" + CR + ETX)
    b'08'
    """
    return b"%02X" % (sum(counted) % 256)


def frame_length(buffer: bytearray, seen: int) -> tuple[int, int]:
    """Length of the frame that `buffer` begins with, 0 while it is unfinished; and the new `seen`.

    `seen` bytes were looked at before and need not be again. A frame broken off by another <STX>
    or by <EOT> ends before it.
    """
    ending = _ENDING.search(buffer, max(1, seen))
    if ending is None:
        return 0, max(0, len(buffer) - _LONGEST_ENDING)
    if len(ending[0]) > 1:
        return ending.end(), ending.start()
    if ending[0] in (STX, EOT):
        return ending.start(), ending.start()
    tail = buffer[ending.end() : ending.end() + _TAIL]
    if LF in tail:
        return ending.end() + tail.index(LF) + 1, ending.start()
    return (ending.end() + _TAIL if len(tail) == _TAIL else 0), ending.start()


def lacks_only_its_line_end(buffer: bytearray, seen: int) -> bool:
    """Whether a frame is unfinished in its <CR> <LF> alone; `seen` as `frame_length` left it."""
    ending = _ENDING.search(buffer, max(1, seen))
    if ending is None or ending[0] not in (ETX, ETB):
        return False
    return len(buffer) - ending.end() >= len(b"C1")


def ends_a_frame_without_start(heard: bytes) -> bool:
    """Whether these stray bytes end as a frame does: its <STX> was lost, its sender waits."""
    return _LOST_STX.search(heard) is not None


def is_broken_off(wire: bytes) -> bool:
    """Whether a frame has neither <ETX> nor <ETB>."""
    return ETX not in wire and ETB not in wire


def read_frame(wire: bytes) -> Frame:
    """Check a frame and open it. Raises FrameFault."""
    ending = _ENDING.search(wire, 1)
    if ending is None or ending[0] not in (ETX, ETB):
        raise FrameFault("<ETX> or <ETB> expected, a frame without ending found")
    counted, found = wire[1 : ending.end()], wire[ending.end() :].strip(CR + LF)
    wanted = checksum(counted)
    if not _CHECKSUM.fullmatch(found) or found.upper() != wanted:
        raise FrameFault(f"checksum {wanted.decode()} expected, {found!r} found")
    if counted[:1] not in b"01234567" or len(counted) < len(b"1") + len(ETX):
        raise FrameFault(f"frame number 0 to 7 expected, {counted[:1]!r} found")
    return Frame(int(counted[:1]), counted[1:-1], ending[0] == ETX)


def frames_of(records: Sequence[bytes]) -> list[bytes]:
    """Return records as frames numbered from 1, each record ending with its own <ETX>."""
    pieces = [piece for record in records for piece in _pieces(record)]
    return [
        STX + counted + checksum(counted) + CR + LF
        for number, (text, ending) in enumerate(pieces, start=1)
        for counted in [b"%d" % (number % NUMBERS) + text + ending]
    ]


def _pieces(record: bytes) -> Iterator[tuple[bytes, bytes]]:
    text = record.rstrip(CR + LF) + CR
    for start in range(0, len(text), LONGEST_TEXT):
        piece = text[start : start + LONGEST_TEXT]
        yield piece, ETX if start + LONGEST_TEXT >= len(text) else ETB
