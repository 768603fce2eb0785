"""Recordings of a Dayuan "03 FF" instrument: its answers, and perhaps our questions among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivers.protocols.dy03ff_frames import Frame, frames_in
from drivers.protocols.dy03ff_records import ITEMS_A_PAGE, PAGES, RECORDS, item_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record of a recording with its page of items, or what is no frame."""

    octets: bytes
    fault: str | None = None


def holds_frames(recording: bytes) -> bool:
    """Whether it holds anything of this dialogue, be it only questions."""
    return any(isinstance(piece, Frame) for piece in frames_in(recording))


def recorded_answers(recording: bytes) -> Iterator[Recorded]:
    """Every record of a recording, in order; questions and other answers hold none."""
    pieces = list(frames_in(recording))
    if not any(isinstance(piece, Frame) for piece in pieces):
        return
    pages = [
        (place, piece)
        for place, piece in enumerate(pieces)
        if isinstance(piece, Frame) and piece.is_answer and piece.is_sound
        if piece.command in PAGES and piece.contents
    ]
    for place, piece in enumerate(pieces):
        if isinstance(piece, bytes):
            if piece.strip():
                yield Recorded(piece, f"garbled: {len(piece)} bytes that are no frame")
        elif piece.is_answer and not piece.is_sound:
            yield Recorded(piece.wire, "garbled: the check of the contents does not match")
        elif piece.is_answer and piece.command in RECORDS:
            yield Recorded(_page_of(piece, place, pages) + piece.wire)


def _page_of(record: Frame, place: int, pages: Sequence[tuple[int, Frame]]) -> bytes:
    """The page of a record's item: the last before it, else the first after it."""
    item = item_of(record)
    if item is None:
        return b""
    wanted = RECORDS[record.command].page, item // ITEMS_A_PAGE
    fitting = [
        (at, page) for at, page in pages if (page.command, page.parameter >> 8 & 0xFF) == wanted
    ]
    before = [page.wire for at, page in fitting if at < place]
    after = [page.wire for at, page in fitting if at > place]
    return before[-1] if before else after[0] if after else b""
