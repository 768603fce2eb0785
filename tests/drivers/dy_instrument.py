"""A Dayuan "03 FF" instrument as the drivers' tests play it: lists of records, and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import xor

PHOTOMETRIC, GOLD_STRIP, DRY_CHEMISTRY = 0x40, 0x60, 0x70
NOON = datetime.fromisoformat("2026-11-23T12:00:00")
"""On the instrument's own clock, which knows no zone."""


def frame(command: int, parameter: int, contents: bytes) -> bytes:
    head = b"\x03\xfe" + bytes((command, 0)) + parameter.to_bytes(4, "little")
    head += len(contents).to_bytes(2, "little")
    return head + bytes((reduce(xor, head), reduce(xor, contents, 0))) + contents


def packed(at: datetime) -> bytes:
    day = (at.year - 2000) << 9 | at.month << 5 | at.day
    clock = at.hour << 11 | at.minute << 5 | at.second // 2
    return (day << 16 | clock).to_bytes(4, "little")


def item(name: str, unit: str = "", method: int = 0) -> bytes:
    texts = name.encode("gbk").ljust(16, b"\0") + unit.encode("gbk").ljust(8, b"\0")
    return (texts + bytes((method,))).ljust(128, b"\0")


def channel(number: int, value: int, flag: int = 0x80) -> bytes:
    return bytes((number, flag, 0, 0)) + value.to_bytes(4, "little")


def photometric(*channels: bytes, at: datetime = NOON, number: int = 0, mark: int = 1) -> bytes:
    """The contents of a record of item `number`."""
    return bytes((mark, number, 0, 0)) + packed(at) + b"".join(channels)


def strip(grade: int, *, at: datetime = NOON, number: int = 0, running: int = 17) -> bytes:
    head = bytes((1, number)) + packed(at) + running.to_bytes(2, "little")
    return head + bytes((grade, 0, 0, 0))


def report(*lines: str, mark: int = 1) -> bytes:
    return bytes((mark, 0, 0)) + "".join(f"{line}\r" for line in lines).encode("gbk")


@dataclass
class DyInstrument:
    """Answers from its memory; records are numbered from 1."""

    clock: datetime | None = NOON
    model: str = "DY-3000"
    serial: str = "SN24A0117"
    items: dict[int, list[bytes]] = field(default_factory=dict)
    records: dict[int, list[tuple[datetime, bytes]]] = field(default_factory=dict)
    deaf_to: set[int] = field(default_factory=set)
    """Commands that are never answered."""
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.items.setdefault(PHOTOMETRIC, [item("农药残留", "%"), item("甲醛", "mg/kg", 1)])

    def remember(self, *values: int, at: datetime = NOON, kind: int = PHOTOMETRIC) -> None:
        """Keep a record of one channel for each value."""
        for value in values:
            self.keep(photometric(channel(1, value), at=at), at, kind)

    def keep(self, contents: bytes, at: datetime = NOON, kind: int = PHOTOMETRIC) -> None:
        self.records.setdefault(kind, []).append((at, contents))

    def delete(self, number: int, kind: int = PHOTOMETRIC) -> None:
        """Take a record away; those after it move up."""
        del self.records[kind][number - 1]

    def answer(self, question: bytes) -> bytes:
        self.asked.append(question)
        command, contents = question[2], question[12:]
        parameter = int.from_bytes(question[4:8], "little")
        if command in self.deaf_to:
            return b""
        said = self._who() if command == 0x20 else self._of_list(command, parameter, contents)
        return b"" if said is None else frame(command, parameter, said)

    @property
    def numbers_asked(self) -> list[int]:
        """Numbers of the photometric records that were asked for, in order."""
        return [int.from_bytes(one[4:8], "little") for one in self.asked if one[2] == 0x45]

    def _who(self) -> bytes:
        texts = [text.encode("gbk") for text in ("DAYUAN", self.model, self.serial)]
        named = b"".join(bytes((len(text),)) + text for text in texts)
        return named + (packed(self.clock) if self.clock else b"")

    def _of_list(self, command: int, parameter: int, contents: bytes) -> bytes | None:
        kind, asked = command & 0xF0, command & 0x0F
        records = self.records.get(kind, [])
        if asked == 2:
            first = (parameter >> 8) * 2
            return b"".join(self.items.get(kind, [])[first : first + 2])
        if asked == 3:
            return contents + self._span(contents, records)
        return records[parameter - 1][1] if 1 <= parameter <= len(records) else None

    @staticmethod
    def _span(contents: bytes, records: list[tuple[datetime, bytes]]) -> bytes:
        start, end = (int.from_bytes(part, "little") for part in (contents[:4], contents[4:]))
        numbers = [
            number
            for number, (at, _) in enumerate(records, 1)
            if start <= int.from_bytes(packed(at), "little") <= end
        ]
        first, last = (numbers[0], numbers[-1]) if numbers else (0, 0)
        return first.to_bytes(2, "little") + last.to_bytes(2, "little")


def days_before(count: int) -> datetime:
    return NOON - timedelta(days=count)
