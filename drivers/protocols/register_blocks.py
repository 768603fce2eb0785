"""Registers with the addresses they stood at: how they are read, kept as bytes, and looked up.

A record is kept as the blocks it was read in, each self-describing and high byte first::

    function u8   address u16   count u16   count × u16

so that a profile mended years later finds in the bytes what it had not looked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TypeAlias

_HEAD = struct.Struct(">BHH")


class Table(StrEnum):
    """Which of Modbus's four tables something stands in."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def function(self) -> int:
        """The function that reads it (Modbus Application Protocol 1.1b3, 6)."""
        return list(Table).index(self) + 1


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring registers (or coils) of one table; `address` is the wire's, from 0."""

    function: int
    address: int
    count: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + self.count


@dataclass(frozen=True, slots=True)
class Block:
    """Registers as they were read; a coil is 0 or 1."""

    function: int
    address: int
    registers: tuple[int, ...]


Image: TypeAlias = Mapping[tuple[int, int], int]
"""What stood where: (function, address) → register."""


def image_of(blocks: Iterable[Block]) -> Image:
    """All blocks in one table; of what was read twice, the later."""
    return {
        (block.function, block.address + place): register
        for block in blocks
        for place, register in enumerate(block.registers)
    }


def looked_up(image: Image, span: Span) -> tuple[int, ...] | None:
    """The registers of a span; None where not all of it was read."""
    wanted = range(span.address, span.end)
    found = [image.get((span.function, address)) for address in wanted]
    whole = tuple(one for one in found if one is not None)
    return whole if len(whole) == span.count else None


def packed(blocks: Iterable[Block]) -> bytes:
    """Blocks as the bytes of a record."""
    return b"".join(
        _HEAD.pack(block.function, block.address, len(block.registers))
        + b"".join(register.to_bytes(2, "big") for register in block.registers)
        for block in blocks
    )


def unpacked(record: bytes) -> tuple[Block, ...]:
    """The blocks of a record's bytes. Raises ValueError for bytes that are none."""
    return tuple(_unpacked(record))


def _unpacked(record: bytes) -> Iterator[Block]:
    at = 0
    while at < len(record):
        if len(record) < at + _HEAD.size:
            raise ValueError(f"a block's {_HEAD.size} bytes expected, {len(record) - at} found")
        function, address, count = _HEAD.unpack_from(record, at)
        at += _HEAD.size
        words = record[at : at + 2 * count]
        if not 1 <= function <= 4 or not count or len(words) < 2 * count:
            raise ValueError(
                f"{count} registers of function 1 to 4 expected, "
                f"{len(words)} bytes of function {function} found"
            )
        yield Block(function, address, struct.unpack(f">{count}H", words))
        at += 2 * count


def plan(wanted: Iterable[Span], *, most: int, gap: int = 0) -> tuple[Span, ...]:
    """As few reads as cover what is wanted: neighbours are read together, in order of address.

    No read is longer than `most`, and none bridges more than `gap` registers that nobody asked
    for. What is wanted in one span is not torn apart unless it is longer than `most`.
    """
    ordered = sorted(wanted, key=lambda span: (span.function, span.address))
    return tuple(
        read
        for _, of_one_table in groupby(ordered, key=lambda span: span.function)
        for read in _merged(list(of_one_table), most, gap)
    )


def _merged(wanted: Sequence[Span], most: int, gap: int) -> Iterator[Span]:
    open_: Span | None = None
    for span in wanted:
        if open_ is not None and span.address <= open_.end + gap:
            joined = Span(span.function, open_.address, max(open_.end, span.end) - open_.address)
            if joined.count <= most:
                open_ = joined
                continue
        if open_ is not None:
            yield from _cut(open_, most)
        open_ = span
    if open_ is not None:
        yield from _cut(open_, most)


def _cut(span: Span, most: int) -> Iterator[Span]:
    for address in range(span.address, span.end, most):
        yield Span(span.function, address, min(most, span.end - address))
