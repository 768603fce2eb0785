"""How an analyser cuts records into frames: ASTM E1381 / CLSI LIS1-A, the sending half only.

A frame carries at most 240 characters of text (E1381-91 and -95)::

    <STX> FN text <ETB|ETX> C1 C2 <CR> <LF>
          |                 |
          1..7, then 0      every byte from FN to ETB or ETX, added up, modulo 256, in hex

<ETB> says that the text goes on in the next frame, <ETX> that it ends here. The first frame
after <ENQ> is number 1; every new frame counts on by one, modulo 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

STX, ETX, ETB = b"\x02", b"\x03", b"\x17"
ENQ, ACK, NAK, EOT = b"\x05", b"\x06", b"\x15", b"\x04"
CR, LF = b"\r", b"\n"

LONGEST_TEXT = 240
"""Characters of text in one frame; LIS1-A would allow 64,000, food readers do not use it."""


class Packing(StrEnum):
    """Where an analyser lets a text end with <ETX>."""

    RECORD = "record"
    """After every record: most analysers."""
    MESSAGE = "message"
    """After the whole message, which is cut blindly every 240 characters."""


def checksum(counted: bytes) -> bytes:
    """Return the two upper-case hex digits over FN, text and ending.

    >>> checksum(b"5L|1|N" + CR + ETX)
    b'08'
    """
    return b"%02X" % (sum(counted) % 256)


def frame(number: int, text: bytes, ending: bytes = ETX) -> bytes:
    """Return one frame; `number` counts from 1 and is sent modulo 8."""
    counted = b"%d" % (number % 8) + text + ending
    return STX + counted + checksum(counted) + CR + LF


def frames(
    records: Sequence[bytes],
    *,
    packing: Packing = Packing.RECORD,
    longest: int = LONGEST_TEXT,
    first: int = 1,
) -> list[bytes]:
    """Return the frames of one message, numbered from `first`; records end with their <CR>."""
    texts = records if packing is Packing.RECORD else [b"".join(records)]
    pieces = [piece for text in texts for piece in _pieces(text, longest)]
    return [frame(number, *piece) for number, piece in enumerate(pieces, start=first)]


def _pieces(text: bytes, longest: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield what fits into a frame, each with its ending."""
    for start in range(0, len(text), longest):
        is_last = start + longest >= len(text)
        yield text[start : start + longest], ETX if is_last else ETB
