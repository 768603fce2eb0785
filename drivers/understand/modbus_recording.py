"""Records out of recordings of a Modbus instrument: what one look after the other has read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from drivers.protocols.register_blocks import (
    Block,
    Image,
    Span,
    image_of,
    looked_up,
    packed,
    unpacked,
)
from drivers.protocols.register_map import RegisterMap
from drivers.protocols.register_page import head_spans, page_spans, places_of
from drivers.understand.modbus_heard import Unplaced, heard_in


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record out of a recording, or why there is none."""

    octets: bytes
    fault: str | None = None


def recorded_pages(registers: RegisterMap, content: bytes, name: str) -> list[Recorded]:
    """Every record of a recording, in order; one that was read twice comes once.

    `name` tells the container by its ending. A record as the journal keeps it is one too.
    """
    try:
        return [Recorded(packed(unpacked(content)))] if content else []
    except ValueError:
        pass
    try:
        blocks = list(_placed(registers, heard_in(content, name)))
    except ValueError as fault:
        return [Recorded(content, str(fault))]
    image = image_of(blocks)
    if blocks and not any(looked_up(image, span) for span in _one_look(registers, image)):
        return [Recorded(packed(blocks), _nothing_fits(registers, blocks))]
    return [Recorded(page) for page in _pages(registers, blocks)]


def holds_answers(content: bytes, name: str) -> bool:
    """Whether there is any answer of a Modbus instrument in it."""
    try:
        return any(True for _ in heard_in(content, name))
    except ValueError:
        return False


def _pages(registers: RegisterMap, blocks: Sequence[Block]) -> Iterator[bytes]:
    last: list[tuple[int, ...]] = []
    for look, following in _looks(blocks):
        image = image_of(look)
        page = [place.registers for place in places_of(registers, image)]
        if page and page != last and not _is_torn(registers, image, following):
            last = page
            yield packed(look)


def _looks(blocks: Sequence[Block]) -> Iterator[tuple[list[Block], Block | None]]:
    """What was read until an address is read again, and what is read then."""
    look: list[Block] = []
    for block in blocks:
        if any((one.function, one.address) == (block.function, block.address) for one in look):
            yield look, block
            look = []
        look.append(block)
    yield look, None


def _is_torn(registers: RegisterMap, image: Image, following: Block | None) -> bool:
    """Whether the counter was another one when the record had been read."""
    if registers.counter is None or following is None:
        return False
    span = registers.span(registers.counter)
    after = looked_up(image_of([following]), span)
    return after is not None and after != looked_up(image, span)


def _placed(registers: RegisterMap, heard: Iterable[Block | Unplaced]) -> Iterator[Block]:
    """Give an answer whose question was not heard the place of the next read that is so long."""
    image: dict[tuple[int, int], int] = {}
    last: Block | None = None
    for one in heard:
        last = one if isinstance(one, Block) else _in_turn(one, _turns(registers, image, last))
        image.update(image_of([last]))
        yield last


def _turns(registers: RegisterMap, image: Image, last: Block | None) -> Sequence[Span]:
    """What may be read next, beginning after what was read last."""
    spans = _one_look(registers, image)
    for number, span in enumerate(spans, start=1):
        if last and (span.function, span.address) == (last.function, last.address):
            return (*spans[number:], *spans[:number])
    return spans


def _in_turn(answer: Unplaced, turns: Sequence[Span]) -> Block:
    for span in turns:
        length = span.count if span.function > 2 else -(-span.count // 8) * 8
        if (span.function, length) == (answer.function, len(answer.words)):
            return Block(span.function, span.address, answer.words[: span.count])
    raise ValueError(
        f"{_told(turns)} expected, an answer of {len(answer.words)} registers of function "
        f"{answer.function} found"
    )


def _one_look(registers: RegisterMap, image: Image) -> tuple[Span, ...]:
    """All that is read of an instrument in one look, in its order."""
    at = registers.record.count_at
    count = image.get((registers.table.function, at.number)) if at else None
    name = (registers.span(registers.identify),) if registers.identify else ()
    most = registers.record.most if count is None else count
    return (*name, *head_spans(registers), *page_spans(registers, most))


def _nothing_fits(registers: RegisterMap, blocks: Sequence[Block]) -> str:
    found = [Span(one.function, one.address, len(one.registers)) for one in blocks]
    return f"{_told(page_spans(registers, 1))} expected, {_told(found)} found"


def _told(spans: Sequence[Span]) -> str:
    said = [
        f"0x{one.address:04X} to 0x{one.end - 1:04X} of function {one.function}" for one in spans
    ]
    return "registers " + ", ".join(said[:4]) + (" …" if len(said) > 4 else "")
