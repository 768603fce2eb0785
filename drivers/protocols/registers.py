"""What 16-bit registers say: whole numbers, floats, text, times and bits, in every order there is.

Modbus knows registers of 16 bits, high byte first, and nothing wider. Each maker lays wider
things out as he likes; `Order` names the ways, and the same few lines serve them all::

    12.6 as a float32        ABCD  41 49 99 9A
                             CDAB  99 9A 41 49    low word first
                             BADC  49 41 9A 99    low byte first in each word
                             DCBA  9A 99 49 41    both

A number is never rounded on its way and no whole number goes through a float. What is no number
(NaN, infinity, what a maker sends in its place) comes out as a word, never as a number.
"""

from __future__ import annotations

import codecs
import math
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    localcontext,
)
from enum import StrEnum
from typing import Literal, TypeAlias

Registers: TypeAlias = Sequence[int]
"""Registers as they were read, each 0 … 65535."""
Encoding: TypeAlias = Literal["ascii", "utf-8", "gbk", "gb18030", "latin-1", "utf-16-be"]

_DIGITS = {4: 9, 8: 17}
"""Significant digits after which every float of that many bytes is told from its neighbours."""
_PLAIN = range(-6, 16)
"""Exponents of ten within which a float is written without one."""
_PADDING = " \t\0\b\r\n"
_PARTS = "YMDhms"


class Order(StrEnum):
    """Where the bytes A (highest) to D or H (lowest) of a value stand, as they are read.

    The first four serve every width; for 64 bits ABCD is ABCDEFGH and CDAB is GHEFCDAB. The
    last four are those that only 64 bits can have: halves of 32 bits in an order of their own.
    """

    HIGH_FIRST = "ABCD"
    LOW_WORD_FIRST = "CDAB"
    LOW_BYTE_FIRST = "BADC"
    LOW_FIRST = "DCBA"
    LOW_HALF_FIRST = "EFGHABCD"
    WORDS_IN_HALVES = "CDABGHEF"
    BYTES_AND_HALVES = "FEHGBADC"
    BYTES_AND_WORDS = "DCBAHGFE"


class Kind(StrEnum):
    """How wide a number is and how it is written."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def registers(self) -> int:
        """How many registers it fills."""
        return int(self.removeprefix("float").strip("ui")) // 16

    @property
    def is_float(self) -> bool:
        """Whether it is an IEEE 754 number."""
        return self.startswith("float")


def as_bytes(registers: Registers, order: Order = Order.HIGH_FIRST) -> bytes:
    """The bytes of a value from its highest to its lowest.

    >>> as_bytes([0x999A, 0x4149], Order.LOW_WORD_FIRST).hex()
    '4149999a'
    """
    words = [register.to_bytes(2, "big") for register in registers]
    if order in (Order.LOW_BYTE_FIRST, Order.LOW_FIRST):
        words = [word[::-1] for word in words]
    if order in (Order.LOW_WORD_FIRST, Order.LOW_FIRST):
        words.reverse()
    sent = b"".join(words)
    if len(order) == 4:
        return sent
    if len(sent) != len(order):
        raise ValueError(f"order {order}: 4 registers expected, {len(registers)} found")
    return bytes(sent[order.index(letter)] for letter in "ABCDEFGH")


def as_whole(registers: Registers, kind: Kind, order: Order = Order.HIGH_FIRST) -> int:
    """Read a whole number; signed ones are two's complement.

    >>> as_whole([0xFF9C], Kind.I16)
    -100
    """
    return int.from_bytes(as_bytes(registers, order), "big", signed=kind.startswith("i"))


def as_float(registers: Registers, order: Order = Order.HIGH_FIRST) -> float:
    """Read two or four registers as an IEEE 754 number.

    >>> as_float([0x41C8, 0x0000])
    25.0
    """
    sent = as_bytes(registers, order)
    number: float = struct.unpack(">f" if len(sent) == 4 else ">d", sent)[0]
    return number


def number_text(
    registers: Registers,
    kind: Kind,
    order: Order = Order.HIGH_FIRST,
    *,
    scale: Decimal = Decimal(1),
    decimals: int | None = None,
) -> str:
    """What a number says, exactly: as a decimal, or as `NaN`, `Inf` or `-Inf`.

    A whole number times its scale keeps every place of the scale; a float has its shortest
    decimal that is read back as the same float. `decimals` rounds as the instrument's own
    display does, and only where a profile says so.

    >>> number_text([120], Kind.U16, scale=Decimal("0.1"))
    '12.0'
    >>> number_text([0x4149, 0x999A], Kind.FLOAT32)
    '12.6'
    """
    if not kind.is_float:
        return f"{_scaled(Decimal(as_whole(registers, kind, order)), scale, decimals):f}"
    number = as_float(registers, order)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Inf" if number > 0 else "-Inf"
    if decimals is not None:
        # What a display rounds is the number itself, not its shortest name.
        return f"{_scaled(Decimal(number), scale, decimals):f}"
    exact = _scaled(shortest(number, 2 * len(registers)), scale, None)
    return f"{exact:f}" if exact.adjusted() in _PLAIN or not exact else f"{exact:e}"


def shortest(number: float, width: int) -> Decimal:
    """The shortest decimal that is read back as the same float of 4 or 8 bytes."""
    form = ">f" if width == 4 else ">d"
    exact = Decimal(number)
    for digits in range(1, _DIGITS[width]):
        # The nearest may be a tie whose other side is the one that is read back.
        for rounding in (ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING):
            name = Context(prec=digits, rounding=rounding).create_decimal(exact)
            if _is_read_back(name, number, form):
                return name.normalize()
    return Context(prec=_DIGITS[width]).create_decimal(exact).normalize()


def _is_read_back(name: Decimal, number: float, form: str) -> bool:
    try:
        return bool(struct.unpack(form, struct.pack(form, float(name)))[0] == number)
    except OverflowError:  # rounded up beyond the largest float
        return False


def _scaled(number: Decimal, scale: Decimal, decimals: int | None) -> Decimal:
    with localcontext() as exactly:
        exactly.prec = 2000  # every digit of a float64, so that nothing is rounded unasked
        exact = number * scale
        if decimals is None:
            return exact
        return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)


def as_text(
    registers: Registers, encoding: Encoding, order: Order = Order.HIGH_FIRST, pad: str = "\0"
) -> str | None:
    """Read text, two bytes a register; it ends at the first NUL, and padding is trimmed.

    A character that the width of the field has cut in half is dropped, one that is none becomes
    U+FFFD. None where nothing is left.

    >>> as_text([0x5343, 0x2D31, 0x0000], "ascii")
    'SC-1'
    """
    sent = as_bytes(registers, order)
    if encoding != "utf-16-be":
        # What comes after a NUL may be what an older, longer text has left there; a NUL before
        # any text is padding.
        sent = sent.lstrip(b"\0").split(b"\0")[0]
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    # Not told that it is the end, it keeps half a character to itself.
    return decoder.decode(sent).strip(_PADDING + pad) or None


def digits_of(registers: Registers, order: Order = Order.HIGH_FIRST) -> str | None:
    """Packed BCD as its digits, four a register; None where a nibble is no digit.

    >>> digits_of([0x2611, 0x2306])
    '26112306'
    """
    digits = as_bytes(registers, order).hex()
    return digits if digits.isdecimal() else None


class Clock(StrEnum):
    """How a time is packed; each part is Y, M, D, h, m or s."""

    BCD = "bcd"
    """Two digits a byte: 0x26 is 26."""
    BYTES = "bytes"
    """One part a byte, binary: 0x1A is 26."""
    WORDS = "words"
    """One part a register, binary: 0x07EA is 2026."""


def as_time(
    registers: Registers, packed: Clock, form: str, order: Order = Order.HIGH_FIRST
) -> str | None:
    """A time as ISO 8601 without offset; None where it says no instant.

    `form` names the parts in their order, one letter each; `.` is a part that says nothing. A
    year below 100 is of this century.

    >>> as_time([0x2611, 0x2306, 0x4512], Clock.BCD, "YMDhms")
    '2026-11-23T06:45:12'
    """
    parts = _parts(registers, packed, order)
    said = dict(zip(form, parts, strict=False))
    if len(parts) < len(form) or None in (said.get(letter, 0) for letter in _PARTS):
        return None
    year, month, day, hour, minute, second = (said.get(letter) or 0 for letter in _PARTS)
    try:
        return datetime(  # noqa: DTZ001 the instrument's own clock, which has no zone
            year + 2000 if year < 100 else year, month, day, hour, minute, second
        ).isoformat()
    except ValueError:
        return None


def _parts(registers: Registers, packed: Clock, order: Order) -> list[int | None]:
    if packed is Clock.WORDS:
        return [as_whole([register], Kind.U16, order) for register in registers]
    sent = as_bytes(registers, order)
    if packed is Clock.BYTES:
        return list(sent)
    pairs = (f"{byte:02x}" for byte in sent)
    return [int(pair) if pair.isdecimal() else None for pair in pairs]


def set_bits(number: int, names: Mapping[int, str]) -> tuple[str, ...]:
    """The names of the bits that are set, from the lowest; a bit without a name is `bit n`.

    >>> set_bits(0b10001, {0: "ready", 4: "new-result"})
    ('ready', 'new-result')
    """
    numbers = [place for place in range(number.bit_length()) if number >> place & 1]
    return tuple(names.get(place, f"bit {place}") for place in numbers)


def bits_between(number: int, low: int, high: int) -> int:
    """The number that the bits from `low` to `high` make, both included."""
    return (number >> low) & ((1 << (high - low + 1)) - 1)
