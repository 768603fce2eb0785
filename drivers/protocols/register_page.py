"""What stood in an instrument's registers at one time, and what became of it since the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from drivers.protocols.register_blocks import (
    Block,
    Image,
    Span,
    image_of,
    looked_up,
    packed,
    plan,
    unpacked,
)
from drivers.protocols.register_map import Counter, Mark, RegisterMap, Spot
from drivers.protocols.registers import Kind, as_whole

WRAPS_WITHIN = 256
"""A lower counter is a full turn, and no reset, where both numbers are so near the end."""

Page: TypeAlias = tuple[tuple[int, ...], ...]
"""The registers of each record that is there, in order."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record where it stood."""

    base: int
    """Its first register's address."""
    channel: str | None
    """Which one of a page it was, from 1; null where there is only one."""
    registers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What is looked at before anything else is read."""

    blocks: tuple[Block, ...]
    counter: int | None
    count: int
    """How many records there are to be read."""
    is_marked: bool
    """The event's mark is there."""
    is_pending: bool
    """A record waits to be released, or the instrument does not say."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Records with the counter that they were read under; equal where both are."""

    counter: int | None
    places: tuple[Place, ...]
    beside: tuple[Block, ...] = field(compare=False)
    """What was read beside the records: who it is, the counter, the instrument's state."""
    is_pending: bool = field(compare=False)
    """These records wait to be released, or the instrument does not say."""

    @property
    def page(self) -> Page:
        """The records, wherever they stood."""
        return tuple(place.registers for place in self.places)


def head_spans(registers: RegisterMap) -> tuple[Span, ...]:
    """What is read at every look; nothing where only the records themselves tell."""
    said = (registers.counter, registers.event, registers.pending, *registers.also)
    wanted = [registers.span(one) for one in said if one is not None]
    if (at := registers.record.count_at) is not None:
        wanted.append(Span(registers.table.function, at.number, 1))
    return plan(wanted, most=registers.most, gap=registers.gap)


def page_spans(registers: RegisterMap, count: int) -> tuple[Span, ...]:
    """The records of a page; a record is not torn between two reads."""
    spans = (registers.record_span(base) for base in registers.bases(count))
    return plan(spans, most=registers.most, gap=registers.gap)


def places_of(registers: RegisterMap, image: Image) -> Iterator[Place]:
    """The records that are there, in order."""
    at = registers.record.count_at
    count = image.get((registers.table.function, at.number)) if at else None
    most = registers.record.most
    for number, base in enumerate(registers.bases(most if count is None else count), start=1):
        record = looked_up(image, registers.record_span(base))
        if record is not None and not is_there(registers, registers.record.empty, image, base):
            yield Place(base, str(number) if most > 1 else None, record)


def head_of(registers: RegisterMap, blocks: tuple[Block, ...]) -> Head:
    """What the head says. Raises KeyError where a part of it was not read."""
    image = image_of(blocks)
    counter, at = registers.counter, registers.record.count_at
    return Head(
        blocks,
        _counted(registers, counter, image) if counter else None,
        image[registers.table.function, at.number] if at else registers.record.most,
        is_there(registers, registers.event, image),
        registers.pending is None or is_there(registers, registers.pending, image),
    )


def snapshot_of(registers: RegisterMap, head: Head, blocks: Iterable[Block]) -> Snapshot:
    """The records among what was read; places without one are left out."""
    image = image_of((*head.blocks, *blocks))
    return Snapshot(head.counter, tuple(places_of(registers, image)), head.blocks, head.is_pending)


def record_of(registers: RegisterMap, taken: Snapshot, seen: Snapshot | None) -> bytes:
    """What is new, as it is kept: the records, and what was read beside them.

    Records that carry their own number are left out where they have been handed over before.
    """
    known = seen.page if seen and registers.record.number else ()
    function = (registers.record.table or registers.table).function
    fresh = (place for place in taken.places if place.registers not in known)
    records = (Block(function, place.base, place.registers) for place in fresh)
    return packed((*taken.beside, *records))


def recalled(registers: RegisterMap, record: bytes) -> Snapshot | None:
    """The snapshot that a record was kept from; None where it was read by another map."""
    try:
        blocks = unpacked(record)
        head = head_of(registers, blocks)
    except (KeyError, ValueError):
        return None
    return snapshot_of(registers, head, ())


def distance(counter: Counter, last: int, now: int) -> int:
    """How many records were counted from one number to the other, over the end where it is lower.

    Only for numbers up to the counter's top.
    """
    if now >= last:
        return now - last
    return counter.top - last + now - int(counter.after_last) + 1


def has_turned(counter: Counter, last: int, now: int) -> bool:
    """Whether a lower number comes from counting over the end, and not from a reset."""
    within = max(WRAPS_WITHIN, 2 * counter.depth)
    return now < last and counter.top - last < within and now < within


def missed(registers: RegisterMap, seen: Snapshot | None, taken: Snapshot) -> int:
    """How many records were counted since the last and cannot be read any more.

    After a reset, and at the first contact, nobody can know: 0.
    """
    counter = registers.counter
    if counter is None or seen is None or seen.counter is None or taken.counter is None:
        return 0
    last, now = seen.counter, taken.counter
    is_reset = now < last and not has_turned(counter, last, now)
    if is_reset or max(last, now) > counter.top:
        return 0
    counted = distance(counter, last, now)
    if registers.record.number is None:
        return counted - min(counted, counter.depth if taken.page else 0)
    numbers = set(_numbers(registers, registers.record.number, taken.page))
    return counted - sum(
        number <= counter.top and 0 < distance(counter, last, number) <= counted
        for number in numbers
    )


def stamps(registers: RegisterMap, page: Page) -> frozenset[tuple[int, ...]]:
    """What tells each record of a page from every other."""
    return frozenset(
        tuple(record[at.number] for at in registers.record.stamp if at.number < len(record))
        for record in page
    )


def _numbers(registers: RegisterMap, number: Spot, page: Page) -> Iterable[int]:
    assert isinstance(number.type, Kind)
    for record in page:
        carried = record[number.at.number : number.at.number + number.width]
        yield as_whole(carried, number.type, number.order or registers.order)


def _counted(registers: RegisterMap, counter: Counter, image: Image) -> int:
    found = looked_up(image, registers.span(counter))
    if found is None:
        raise KeyError(str(counter.at))
    return as_whole(found, counter.type, counter.order or registers.order)


def is_there(registers: RegisterMap, mark: Mark | None, image: Image, base: int = 0) -> bool:
    """Whether a mark is there; not where its register was not read."""
    if mark is None:
        return False
    span = registers.span(mark, base)
    found = image.get((span.function, span.address))
    return found is not None and mark.is_in(found)
