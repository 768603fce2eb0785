"""What the frames of a Dayuan "03 FF" instrument hold: items, spans and records.

It keeps three lists: photometric tests (commands 42, 43, 45), gold strips (62, 63, 65) and dry
chemistry (72, 73, 75). A photometric record has eight bytes a channel; a strip is one result; a
DY-7200 writes its records as lines of text. Source: domain reference 2.8c; that dry chemistry is
written as strips are was seen in one firmware only, so its records are told by their shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TypeAlias

from drivers.protocols.dy03ff_frames import Frame, unpacked

_ENTRY = 128
"""Bytes of one item in a page of items."""
ITEMS_A_PAGE = 2
_HEAD, _CHANNEL, _STRIP = 8, 8, 9
_REPORT_HEAD = 3
_RESULT_LABEL = "检测结果".encode("gbk")
_VALID, _SUSPICIOUS = 0x80, 0x40


class List(IntEnum):
    """One of the instrument's lists of records, by the first digit of its commands."""

    PHOTOMETRIC = 0x40
    GOLD_STRIP = 0x60
    DRY_CHEMISTRY = 0x70

    @property
    def page(self) -> int:
        """The command that reads two of its items."""
        return self + 2

    @property
    def span(self) -> int:
        """The command that says which records were made in a span of time."""
        return self + 3

    @property
    def record(self) -> int:
        """The command that reads one record."""
        return self + 5


PAGES = {one.page: one for one in List}
SPANS = frozenset(one.span for one in List)
RECORDS = {one.record: one for one in List}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an instrument's table of items, as it was sent."""

    name: bytes
    unit: bytes
    method: int
    """0 is inhibition; the others are not."""


def items_of(page: Frame) -> Mapping[int, Item]:
    """The items of a page by their number; an entry without a name is none."""
    first = (page.parameter >> 8 & 0xFF) * ITEMS_A_PAGE
    found = {}
    for place in range(ITEMS_A_PAGE):
        entry = page.contents[place * _ENTRY : (place + 1) * _ENTRY]
        name = entry[:16].strip(b"\0\b ")
        if len(entry) > 24 and name:
            found[first + place] = Item(name, entry[16:24].strip(b"\0\b "), entry[24])
    return found


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a photometric record."""

    number: int
    """0 is the control."""
    is_valid: bool
    is_suspicious: bool
    value: bytes
    """Four bytes; what they mean is the method's."""


@dataclass(frozen=True, slots=True)
class Photometric:
    """One test of up to all channels at once."""

    is_deleted: bool
    item: int
    clock: bytes
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """One strip."""

    is_deleted: bool
    item: int
    clock: bytes
    number: int
    method: int
    """0 and 1 are qualitative, 2 and 3 quantitative."""
    grade: int
    """1 positive, 2 negative, 3 none."""
    rest: bytes
    """What follows; where a quantitative value stands in it is not known."""


@dataclass(frozen=True, slots=True)
class Report:
    """A record written as text."""

    is_deleted: bool
    lines: tuple[bytes, ...]


Record: TypeAlias = Photometric | Strip | Report


def record_of(frame: Frame) -> Record:
    """Read a record's answer. Raises ValueError where it is none that is known."""
    contents = frame.contents
    if _is_report(contents):
        lines = contents[_REPORT_HEAD:].split(b"\r")
        return Report(contents[0] == 0, tuple(line for line in lines if line))
    if frame.command == List.PHOTOMETRIC.record or _looks_photometric(frame):
        return _photometric(contents)
    if len(contents) < _STRIP:
        raise ValueError(f"a strip of at least {_STRIP} bytes expected, {_found(contents)}")
    return Strip(
        is_deleted=contents[0] == 0,
        item=contents[1],
        clock=contents[2:6],
        number=int.from_bytes(contents[6:8], "little"),
        method=contents[8] >> 6,
        grade=contents[8] & 0x03,
        rest=contents[9:],
    )


def item_of(frame: Frame) -> int | None:
    """The number of the item that a record belongs to; None for text and for no record at all."""
    contents = frame.contents
    return None if len(contents) < 2 or _is_report(contents) else contents[1]


def identity_of(frame: Frame) -> bytes:
    """The record's own bytes: neither its number in the list nor the mark that it was deleted."""
    begin = _REPORT_HEAD if _is_report(frame.contents) else 1
    return bytes((frame.command,)) + frame.contents[begin:]


def span_of(frame: Frame) -> tuple[int, int]:
    """The first and the last record's number in an answer of 12 bytes; 0 and 0 for none."""
    first, last = frame.contents[8:10], frame.contents[10:12]
    return int.from_bytes(first, "little"), int.from_bytes(last, "little")


@dataclass(frozen=True, slots=True)
class Identity:
    """What an instrument says of itself."""

    device: bytes
    model: bytes
    serial: bytes
    clock: datetime | None
    """Its local time; None where it does not say, or not so that it can be read."""


def identity_card(frame: Frame) -> Identity:
    """Three texts, each after its length, and then the time; what is not there stays unknown."""
    texts, rest = [], frame.contents
    for _ in range(3):
        length = rest[0] if rest else 0
        texts.append(rest[1 : length + 1].strip(b"\0\b "))
        rest = rest[length + 1 :]
    if len(rest) == 5 and rest[0] == 4:
        rest = rest[1:]
    device, model, serial = texts
    return Identity(device, model, serial, unpacked(rest) if len(rest) == 4 else None)


def _photometric(contents: bytes) -> Photometric:
    if len(contents) < _HEAD or (len(contents) - _HEAD) % _CHANNEL:
        raise ValueError(f"8 bytes and 8 a channel expected, {_found(contents)}")
    entries = [
        contents[start : start + _CHANNEL] for start in range(_HEAD, len(contents), _CHANNEL)
    ]
    return Photometric(
        is_deleted=contents[0] == 0,
        item=contents[1],
        clock=contents[4:8],
        channels=tuple(
            Channel(
                number=entry[0],
                is_valid=bool(entry[1] & _VALID),
                is_suspicious=bool(entry[1] & _SUSPICIOUS),
                value=entry[4:],
            )
            for entry in entries
        ),
    )


def _is_report(contents: bytes) -> bool:
    return _RESULT_LABEL in contents[_REPORT_HEAD:]


def _looks_photometric(frame: Frame) -> bool:
    """Dry chemistry in a photometric record's shape: whole channels, and no time where a strip
    has one."""
    contents = frame.contents
    return (
        frame.command == List.DRY_CHEMISTRY.record
        and len(contents) >= _HEAD
        and (len(contents) - _HEAD) % _CHANNEL == 0
        and contents[2:4] == b"\0\0"
        and unpacked(contents[4:8]) is not None
    )


def _found(octets: bytes) -> str:
    return f"{len(octets)} found: {octets[:16].hex(' ')}"
