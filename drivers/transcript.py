"""What was said on a cable, as text that people read and tests run.

One line an utterance: seconds since the first, who spoke, and the bytes, as they are where they
can be shown and as `<hex>` elsewhere::

    0.000 instrument <05>
    0.012 host <06>
    0.020 instrument <02>1H|\\^&|||PR-96<0D><03>97<0D><0A>

A folder with such a `wire.txt`, the `readings.json` it must give and an `origin.md` is a test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

HEADING = "# seconds  who  what was said: text as it is, other bytes and < as <hex>"
_OTHER = re.compile(rb"[^\x20-\x3B\x3D-\x7E]")
_HEX = re.compile(r"<([0-9A-Fa-f]{2})>")


class Who(StrEnum):
    """The two ends of a cable."""

    INSTRUMENT = "instrument"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Utterance:
    """Bytes that one end sent, in one piece."""

    seconds: float
    who: Who
    octets: bytes

    def line(self) -> str:
        """As it stands in `wire.txt`.

        >>> Utterance(0.5, Who.HOST, b"OK<\\r").line()
        '0.500 host OK<3C><0D>'
        """
        return f"{self.seconds:.3f} {self.who} {shown(self.octets)}"


def shown(octets: bytes) -> str:
    """Bytes as text: `<` and whatever cannot be shown as two hex digits."""
    return _OTHER.sub(lambda found: b"<%02X>" % found[0][0], octets).decode("ascii")


def read_octets(text: str) -> bytes:
    """What `shown` gives, back as bytes. Raises ValueError.

    >>> read_octets("R|<3C>0.05<0D>")
    b'R|<0.05\\r'
    """
    parts = _HEX.split(text)
    said = b""
    for place, part in enumerate(parts):
        if place % 2:
            said += bytes.fromhex(part)
        elif "<" in part or not part.isascii():
            raise ValueError(f"ASCII, and < only as <3C>, expected, {part!r} found")
        else:
            said += part.encode("ascii")
    return said


def read_transcript(text: str) -> list[Utterance]:
    """Read a `wire.txt`. Raises ValueError naming the line, what was expected and found."""
    return [
        _utterance(number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line and not line.startswith("#")
    ]


def said_by(who: Who, utterances: Iterable[Utterance]) -> bytes:
    """Everything one end said, in order."""
    return b"".join(one.octets for one in utterances if one.who is who)


def _utterance(number: int, line: str) -> Utterance:
    seconds, _, rest = line.partition(" ")
    who, _, said = rest.partition(" ")
    try:
        return Utterance(float(seconds), Who(who), read_octets(said))
    except ValueError as fault:
        expected = "'seconds instrument|host bytes' expected"
        raise ValueError(f"line {number}: {expected}, {line!r} found ({fault})") from None
