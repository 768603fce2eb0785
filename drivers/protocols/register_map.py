"""Where an instrument keeps what in its registers, as a profile says it.

An address is the wire's, counted from 0, in decimal or hexadecimal; `+4` is the fifth register
of a record. Manuals count from 1, or write 40001 for the first holding register: a profile does
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from drivers.protocols.register_blocks import Span, Table
from drivers.protocols.registers import Clock, Encoding, Kind, Order

_ADDRESS = re.compile(r"(\+)?(0x[0-9A-Fa-f]{1,4}|[0-9]{1,5})")
_LAST_ADDRESS = 0xFFFF


@dataclass(frozen=True, slots=True)
class Address:
    """Where something stands: an address of the wire, or a place in a record."""

    number: int
    is_in_record: bool = False

    @classmethod
    def read(cls, text: object) -> Address:
        """Read it as a profile writes it. Raises ValueError."""
        found = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
        if found is None or (number := int(found[2], 0)) > _LAST_ADDRESS:
            raise ValueError(f"an address such as 0x0010, 16 or +4 expected, {text!r} found")
        return cls(number, found[1] is not None)

    def __str__(self) -> str:
        return f"+{self.number}" if self.is_in_record else f"0x{self.number:04X}"


AddressField = Annotated[Address, BeforeValidator(Address.read), PlainSerializer(str)]
Hex = Annotated[str, StringConstraints(pattern=r"^(?:[0-9A-F]{4}){1,4}$")]
"""Registers as hexadecimal digits, from the highest byte."""
BitNumber = Annotated[int, Field(ge=0, le=63)]


class MapPart(BaseModel):
    """A part of a map: unknown keys are refused, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Spot(MapPart):
    """Where one thing stands and how it is written."""

    at: AddressField
    table: Table | None = None
    """The map's own where nothing is said."""
    type: Kind | Literal["text", "bcd", "time"] = Kind.U16
    order: Order | None = None
    """The map's own where nothing is said."""
    count: int | None = Field(default=None, ge=1, le=125)
    """Registers of a text, of BCD digits or of a time; a number knows its own."""
    scale: Decimal = Decimal(1)
    places: AddressField | None = None
    """A register that says how many decimal places a whole number has."""
    decimals: int | None = Field(default=None, ge=0, le=12)
    """Places to which the instrument's own display rounds a number; unrounded where unsaid."""
    encoding: Encoding = "ascii"
    packed: Clock = Clock.BCD
    form: str = Field(default="YMDhms", pattern=r"^[YMDhms.]+$")
    """A time's parts in their order; a dot says nothing."""
    bits: tuple[BitNumber, BitNumber] | None = None
    """Of a whole number only the bits from … to …, both included."""
    names: dict[BitNumber, str] = {}
    """What each bit of a whole number means: it is then read as the list of those set."""
    words: dict[str, str] = {}
    """What a number or text means; others stay as they are."""
    instead: dict[Hex, str] = {}
    """What stands there in place of a value, and the word for it."""

    @model_validator(mode="after")
    def _knows_its_width(self) -> Self:
        if isinstance(self.type, Kind) == (self.count is not None):
            wanted = "no count" if isinstance(self.type, Kind) else "a count"
            raise ValueError(f"count: {wanted} expected for {self.type}, {self.count} found")
        if len(self.order or "ABCD") > 4 and self.width != 4:
            raise ValueError(f"order: {self.order} only for 64 bits expected, {self.type} found")
        if (self.bits or self.names) and (not isinstance(self.type, Kind) or self.type.is_float):
            raise ValueError(f"bits: of a whole number expected, {self.type} found")
        return self

    @property
    def width(self) -> int:
        """How many registers it fills."""
        return self.type.registers if isinstance(self.type, Kind) else self.count or 0


class Stretch(MapPart):
    """Registers that are read because they say how others are meant."""

    at: AddressField
    table: Table | None = None
    count: int = Field(default=1, ge=1, le=125)


class Mark(MapPart):
    """What a register or a coil says when something is so: a bit is set, or it is one of these."""

    at: AddressField
    table: Table | None = None
    bit: int | None = Field(default=None, ge=0, le=15)
    values: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.bit is None) == (not self.values):
            raise ValueError(f"a bit, or values, expected, {self.bit} and {self.values} found")
        return self

    def is_in(self, register: int) -> bool:
        """Whether it is so."""
        if self.bit is not None:
            return bool(register >> self.bit & 1)
        return register in self.values


class Counter(MapPart):
    """The number of the newest record, as the instrument counts them."""

    at: AddressField
    type: Literal[Kind.U16, Kind.U32] = Kind.U16
    order: Order | None = None
    table: Table | None = None
    depth: int = Field(default=1, ge=1)
    """How many of the newest records can still be read."""
    last: int | None = Field(default=None, ge=1)
    """What it counts up to; what its type holds where nothing is said."""
    after_last: Literal["0", "1"] = "0"
    """Where it begins anew after that."""

    @property
    def top(self) -> int:
        """The highest number there is."""
        return self.last if self.last is not None else (1 << 16 * self.type.registers) - 1


class Release(MapPart):
    """How the instrument is told that a record is on disk."""

    at: AddressField
    by: Literal["counter", "coil"]
    """The counter's value is written there, or the coil there is switched on."""


class Latch(MapPart):
    """A coil that holds the record still while we read it."""

    at: AddressField


class Expected(MapPart):
    """Text by which the instrument says what it is; another one is not listened to."""

    at: AddressField
    table: Table | None = None
    count: int = Field(ge=1, le=125)
    order: Order | None = None
    encoding: Encoding = "ascii"
    begins: tuple[str, ...] = ()
    """What it begins with, one of these; any text where nothing is said."""


class Record(MapPart):
    """What is read when there is something new: one record, or a page of them."""

    at: AddressField
    table: Table | None = None
    length: int = Field(ge=1, le=125)
    every: int | None = Field(default=None, ge=1)
    """Registers from one record of a page to the next; its length where nothing is said."""
    most: int = Field(default=1, ge=1, le=256)
    """How many records a page has."""
    count_at: AddressField | None = None
    """Where the instrument says how many there are."""
    number: Spot | None = None
    """Where a record carries its own number."""
    empty: Mark | None = None
    """What says that a place holds no record."""
    stamp: tuple[AddressField, ...] = ()
    """Registers that differ between any two records: a time. Without a counter these tell that
    there is a new one."""

    @model_validator(mode="after")
    def _stands_in_itself(self) -> Self:
        for key, at in [("number", self.number.at if self.number else None)] + [
            ("stamp", at) for at in self.stamp
        ]:
            if at is not None and not (at.is_in_record and at.number < self.length):
                raise ValueError(
                    f"{key}: a place in the record, below +{self.length}, expected, {at} found"
                )
        if self.number and (not isinstance(self.number.type, Kind) or self.number.type.is_float):
            raise ValueError(f"number: a whole number expected, {self.number.type} found")
        return self


class RegisterMap(MapPart):
    """How an instrument's registers are read."""

    table: Table = Table.HOLDING
    order: Order = Order.HIGH_FIRST
    most: int = Field(default=125, ge=1, le=125)
    """Registers in one request."""
    gap: int = Field(default=8, ge=0, le=64)
    """Registers nobody asked for that may be read along to save a request."""
    interval: float = Field(gt=0)
    """Seconds between two looks."""
    timeout: float = Field(gt=0, le=60)
    """Seconds for an answer."""
    slowest_answer: float = Field(gt=0, le=300)
    """Seconds after which an answer that has not come will not come any more."""
    turnaround_ms: int = Field(default=0, ge=0, le=1000)
    """Silence that the unit wants before the next request, beyond the standard's 3.5 characters."""
    write_time: float = Field(ge=0, le=60)
    """Seconds that the instrument may need to write one record."""
    read: Literal["twice", "once"] = "twice"
    """`once` only where reading has an effect."""
    identify: Expected | None = None
    counter: Counter | None = None
    event: Mark | None = None
    """Where nothing counts and nothing is dated: what says that a new record is there."""
    pending: Mark | None = None
    """What says that a record has not been released yet."""
    latch: Latch | None = None
    release: Release | None = None
    also: tuple[Stretch, ...] = ()
    """What is read along at every look: units, decimal places."""
    record: Record

    @model_validator(mode="after")
    def _can_tell_what_is_new(self) -> Self:
        told = [self.counter is not None, bool(self.record.stamp), self.event is not None]
        if sum(told) != 1 and not (told[0] and told[1] and not told[2]):
            raise ValueError("a counter, a record's stamp or an event expected, none or two found")
        if self.slowest_answer < self.timeout:
            raise ValueError(
                f"slowest_answer: at least the timeout {self.timeout} expected, "
                f"{self.slowest_answer} found"
            )
        if self.last_address > _LAST_ADDRESS:
            raise ValueError(
                f"record: addresses up to 0xFFFF expected, 0x{self.last_address:X} found"
            )
        if self.release and self.release.by == "counter" and self.counter is None:
            raise ValueError("release: a counter to write expected, none found")
        return self

    @property
    def last_address(self) -> int:
        """The last register of the last record of a page."""
        *_, last = self.bases(self.record.most)
        return last + self.record.length - 1

    def span(self, spot: Spot | Expected | Mark | Counter | Stretch, base: int = 0) -> Span:
        """Where something stands on the wire; `base` is where its record begins."""
        table = spot.table or (self.record.table if spot.at.is_in_record else None) or self.table
        address = spot.at.number + (base if spot.at.is_in_record else 0)
        return Span(table.function, address, width_of(spot))

    def bases(self, count: int) -> Iterator[int]:
        """Where each of the first `count` records of a page begins."""
        every = self.record.every or self.record.length
        for place in range(min(count, self.record.most)):
            yield self.record.at.number + place * every

    def record_span(self, base: int) -> Span:
        """The registers of the record that begins there."""
        function = (self.record.table or self.table).function
        return Span(function, base, self.record.length)


def width_of(spot: Spot | Expected | Mark | Counter | Stretch) -> int:
    """How many registers something fills."""
    match spot:
        case Spot():
            return spot.width
        case Expected() | Stretch():
            return spot.count
        case Counter():
            return spot.type.registers
        case Mark():
            return 1
