"""Records of ASTM E1394 / CLSI LIS2-A2: messages, fields, repeats, components and escapes. Pure.

The header declares the delimiters (H.2)::

    H|\\^&|||FSRA-24^SN24A0117
     | || |
     | || escape
     | |component
     | repeat
     field

Fields are counted from 1, the record's own letter being the first, as the standard does.
Delimiters are bytes: a text is cut first and decoded afterwards, so that what identifies a
record never depends on its encoding. (No character of GB 2312 contains a delimiter.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from drivers.protocols.astm_text import begins_message

KINDS = b"HPORCQMSL"
_LINE_END = re.compile(rb"[\r\n]+")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+")
_FIXED = {b"H": b"", b"N": b""}
"""Highlighting on and off: dropped."""


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What divides a record; one byte each."""

    field: bytes = b"|"
    repeat: bytes = b"\\"
    component: bytes = b"^"
    escape: bytes = b"&"

    @classmethod
    def declared_by(cls, header: bytes) -> Delimiters:
        """Read them from an H record; what it does not declare is as usual."""
        field = header[1:2] or b"|"
        second = header[2:].partition(field)[0]
        usual = cls()
        return cls(
            field,
            second[0:1] or usual.repeat,
            second[1:2] or usual.component,
            second[2:3] or usual.escape,
        )


@dataclass(frozen=True)
class Record:
    """One record as it was sent, without its line end."""

    wire: bytes
    delimiters: Delimiters

    @property
    def kind(self) -> str:
        """H, P, O, R, C, Q, M, S or L; "?" for what is no record."""
        letter = self.fields[0].strip(b"\0 ")
        return letter.decode("ascii") if len(letter) == 1 and letter in KINDS else "?"

    @cached_property
    def fields(self) -> tuple[bytes, ...]:
        """The fields as sent, the record's letter first."""
        return tuple(self.wire.split(self.delimiters.field))

    def field(self, number: int) -> bytes:
        """Field `number`, counted from 1; empty where the record is shorter."""
        return self.fields[number - 1] if number <= len(self.fields) else b""

    def repeats(self, number: int) -> tuple[tuple[bytes, ...], ...]:
        """A field's repeats, each as its components."""
        return tuple(
            tuple(repeat.split(self.delimiters.component))
            for repeat in self.field(number).split(self.delimiters.repeat)
        )


@dataclass(frozen=True, slots=True)
class Message:
    """The records from an H record to the next."""

    records: tuple[Record, ...]

    def has(self, kind: str) -> bool:
        """Whether any record is of this kind."""
        return any(record.kind == kind for record in self.records)


def messages_of(text: bytes) -> list[Message]:
    """Cut a text into messages; records end with <CR>, <LF> or both."""
    return [Message(tuple(records)) for records in _by_header(text)]


def _by_header(text: bytes) -> Iterator[list[Record]]:
    records: list[Record] = []
    delimiters = Delimiters()
    for line in _LINE_END.split(text):
        wire = _without_frame_number(line)
        if not wire.strip(b"\0 "):
            continue
        if wire[:1] == b"H" and begins_message(wire):
            if records:
                yield records
            records, delimiters = [], Delimiters.declared_by(wire)
        records.append(Record(wire, delimiters))
    if records:
        yield records


def _without_frame_number(line: bytes) -> bytes:
    """Drop a frame number that a sloppy sender left before a record's letter."""
    is_numbered = line[:1] in b"01234567" and line[1:2].isalpha() and not line[2:3].isalnum()
    return line[1:] if is_numbered and line[1:2] in KINDS else line


def unescaped(text: bytes, delimiters: Delimiters) -> tuple[bytes, bool]:
    """Resolve the escapes of a field (LIS2-A2 5.4.6); and say whether one was unknown.

    An unknown escape stays as it is.

    >>> unescaped(b"5 &F& 6", Delimiters())
    (b'5 | 6', False)
    """
    if delimiters.escape not in text:
        return text, False
    mark = re.escape(delimiters.escape)
    is_unknown = False

    def resolve(escape: re.Match[bytes]) -> bytes:
        nonlocal is_unknown
        resolved = _resolved(escape[1], delimiters)
        is_unknown = is_unknown or resolved is None
        return escape[0] if resolved is None else resolved

    return re.sub(mark + rb"([A-Za-z][0-9A-Za-z]*)" + mark, resolve, text), is_unknown


def _resolved(body: bytes, delimiters: Delimiters) -> bytes | None:
    """What an escape's body stands for; None where nobody has said."""
    if body[:1] in b"Xx" and _HEX.fullmatch(body[1:]):
        return bytes.fromhex(body[1:].decode("ascii"))
    standing = {
        b"F": delimiters.field,
        b"S": delimiters.component,
        b"R": delimiters.repeat,
        b"E": delimiters.escape,
        **_FIXED,
    }
    return standing.get(body)
