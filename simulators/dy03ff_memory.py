"""What a Dayuan DY analyser remembers: its lists of items, and one record per test.

There are three memories: wet chemistry (commands 42, 43, 45), gold strips (62, 63, 65) and dry
chemistry (72, 73, 75). In each, records are numbered from 1 in the order of the tests. Deleting a
record on the analyser leaves it in its place, marked. Nothing a host asks makes a record go,
except the command 46.

Source: the domain reference, sections 1.2, 1.3 and 2.8c. Of dry chemistry it says only that the
same questions exist; here its records are those of wet chemistry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum

from simulators.dy03ff_frames import fixed, packed_time

_ENTRY_LENGTH = 128
_ENTRIES_A_PAGE = 2
_VALID, _SUSPICIOUS = 0x80, 0x40


class Bank(Enum):
    """A memory, by the first half of the commands that ask about it."""

    WET = 0x40
    STRIP = 0x60
    DRY = 0x70


class Method(IntEnum):
    """The method byte of an item; 0 is the only one whose meaning is known."""

    INHIBITION = 0
    CURVE = 1


class Absent(StrEnum):
    """What the display shows in place of a value."""

    NOT_MEASURED = "NA"
    """No cuvette, or the control failed."""
    NOT_COMPUTED = "-----"
    """The second code for a value that does not exist, in long fields only."""
    OVERFLOW = "---.-"
    OVERFLOW_SHORT = "-.---"
    """Overflow of a long field, written as in a short one."""
    OVERFLOW_999 = "*****"
    """Overflow of a long field, written as 999.980."""


_SHORT = {Absent.NOT_MEASURED: 0x7FFE, Absent.OVERFLOW: 0x7FFF}
_LONG = {
    Absent.NOT_MEASURED: 0x7FFFFFFE,
    Absent.NOT_COMPUTED: 0x7FFFFFFD,
    Absent.OVERFLOW: 0x7FFFFFFF,
    Absent.OVERFLOW_SHORT: 0x7FFF,
    Absent.OVERFLOW_999: 999_980,
}


class Strip(IntEnum):
    """The two lowest bits of a strip's result."""

    POSITIVE = 1
    NEGATIVE = 2
    INVALID = 3


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an analyser's list of items; records name it by its place, from 0."""

    name: str
    unit: str
    method: Method = Method.INHIBITION

    def entry(self) -> bytes:
        head = fixed(self.name, 16) + fixed(self.unit, 8) + bytes((self.method,))
        return head.ljust(_ENTRY_LENGTH, b"\0")


@dataclass(frozen=True, slots=True)
class Hole:
    """One channel of a record."""

    channel: int
    """0 is the control."""
    value: str
    """A number as the display shows it, or one of `Absent`."""
    valid: bool = True
    suspicious: bool = False

    def packed(self, method: Method) -> bytes:
        flag = (_VALID if self.valid else 0) | (_SUSPICIOUS if self.suspicious else 0)
        code = _tenths(self.value) if method is Method.INHIBITION else _thousandths(self.value)
        return bytes((self.channel, flag, 0, 0)) + code.to_bytes(4, "little")


@dataclass(frozen=True, slots=True)
class Photometric:
    """A test of up to all channels at once."""

    item: int
    at: datetime
    holes: tuple[Hole, ...]
    deleted: bool = False

    def packed(self, items: Sequence[Item]) -> bytes:
        method = items[self.item].method
        head = bytes((not self.deleted, self.item, 0, 0))
        return head + _time(self.at) + b"".join(hole.packed(method) for hole in self.holes)


@dataclass(frozen=True, slots=True)
class GoldStrip:
    """A strip that was read."""

    item: int
    at: datetime
    number: int
    outcome: Strip
    method: int = 0
    """0 and 1 are qualitative."""
    deleted: bool = False

    def packed(self, items: Sequence[Item]) -> bytes:
        head = bytes((not self.deleted, self.item)) + _time(self.at)
        result = self.method << 6 | self.outcome
        return head + self.number.to_bytes(2, "little") + bytes((result, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Report:
    """A test as a DY-7200 tells it: lines of text, one heading each."""

    item: str
    at: datetime
    result: str
    """`值 单位 结论`; a single word when there is no value."""
    title: str = "检测报告"
    sender: str = ""
    tester: str = ""
    kind: str = ""
    batch: str = ""
    number: str = ""
    standard: str = ""
    deleted: bool = False

    def packed(self, items: Sequence[Item]) -> bytes:
        lines = (
            self.title,
            f"送检单位：{self.sender}",
            f"检测单位：{self.tester}",
            f"样品类型：{self.kind}",
            f"批号：{self.batch}",
            f"样品编号：{self.number}",
            f"检测项目：{self.item}",
            f"检测结果：{self.result}",
            f"检测标准：{self.standard}",
            f"检测时间：{self.at:%Y-%m-%d %H:%M:%S}",
        )
        text = "".join(f"{line}\r" for line in lines).encode("gb2312")
        return bytes((not self.deleted, 0, 0)) + text


Record = Photometric | GoldStrip | Report


@dataclass
class Memory:
    """Everything an analyser holds; only its own keys and command 46 make it less."""

    items: dict[Bank, list[Item]] = field(default_factory=lambda: {bank: [] for bank in Bank})
    records: dict[Bank, list[Record]] = field(default_factory=lambda: {bank: [] for bank in Bank})

    def remember(self, record: Record, bank: Bank = Bank.WET) -> int:
        """Keep a record; return its number."""
        self.records[bank].append(record)
        return len(self.records[bank])

    def delete(self, number: int, bank: Bank = Bank.WET) -> None:
        """Delete a record with the analyser's own keys: it stays in its place, marked."""
        self.records[bank][number - 1] = replace(self.records[bank][number - 1], deleted=True)

    def clear(self) -> None:
        for records in self.records.values():
            records.clear()

    def page(self, number: int, bank: Bank) -> bytes:
        """Return two entries of the list of items, the second empty where the list is odd."""
        first = number * _ENTRIES_A_PAGE
        entries = [item.entry() for item in self.items[bank][first : first + _ENTRIES_A_PAGE]]
        if not entries:
            return b""
        return b"".join(entries).ljust(_ENTRIES_A_PAGE * _ENTRY_LENGTH, b"\0")

    def between(self, start: int, end: int, bank: Bank) -> tuple[int, int]:
        """Return the first and last number of the records in a span of packed times.

        0 and 0 where there are none. What lies between them may be of another time, when the
        clock was set meanwhile.
        """
        found = [
            number
            for number, record in enumerate(self.records[bank], start=1)
            if start <= packed_time(record.at) <= end
        ]
        return (found[0], found[-1]) if found else (0, 0)

    def packed(self, number: int, bank: Bank) -> bytes | None:
        """Return a record's contents; None for a number that was never given."""
        if not 1 <= number <= len(self.records[bank]):
            return None
        return self.records[bank][number - 1].packed(self.items[bank])


def _tenths(value: str) -> int:
    """The two bytes of an inhibition, zeros above them."""
    return _code(value, _SHORT, lambda number: _whole(number * 10, 0x7FFD))


def _thousandths(value: str) -> int:
    """Sign and magnitude of a concentration: the highest bit is the sign."""

    def code(number: Decimal) -> int:
        return _whole(abs(number) * 1000, 0x7FFFFFFC) | (0x80000000 if number < 0 else 0)

    return _code(value, _LONG, code)


def _code(value: str, absent: dict[Absent, int], code: Callable[[Decimal], int]) -> int:
    shown = next((one for one in Absent if one.value == value), None)
    if shown is None:
        return code(Decimal(value))
    if shown not in absent:
        raise ValueError(f"one of {[one.value for one in absent]} expected, {value} found")
    return absent[shown]


def _whole(scaled: Decimal, most: int) -> int:
    if scaled != int(scaled) or not 0 <= scaled <= most:
        raise ValueError(f"a whole number from 0 to {most} expected, {scaled} found")
    return int(scaled)


def _time(at: datetime) -> bytes:
    return packed_time(at).to_bytes(4, "little")
