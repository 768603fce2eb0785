"""Messages out of a recording, which may lack what a living link insists on.

Recordings come as captured (<ENQ>, frames, <EOT>), as frames alone, as bare records with <CR> or
<LF>, with frame numbers left before the records, and as a terminal shows them (``^B1H|…``).
What can be checked is checked all the same: a frame with a wrong checksum yields nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.protocols.astm_frames import ENQ, EOT, Frame, FrameFault, read_frame
from drivers.protocols.astm_records import KINDS
from drivers.protocols.astm_text import (
    MessageText,
    begins_message,
    field_delimiter,
    is_message,
    is_record,
)

_FRAME = re.compile(rb"\x02[^\x02\x03\x17]*[\x03\x17][^\r\n\x02]{0,2}")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_CONTROL = re.compile(rb"[\x02-\x06\x15\x17]|(?<![^\r\n])(?:\^[A-Z])+(?=[0-7]?H.)")
"""Control bytes, and how a terminal shows them before a header."""
_SHOWN_ENDING = re.compile(rb"\^[A-Z](?:[0-9A-F]{2})?")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message of a recording, or what is left of it."""

    text: bytes
    fault: str | None = None
    """Why nothing may be understood from it."""


def recorded_messages(recording: bytes) -> list[Recorded]:
    """Every message of a recording, in order."""
    return list(_framed(recording) if _FRAME.search(recording) else _bare(recording))


def _framed(recording: bytes) -> Iterator[Recorded]:
    message, doubts, last, start = MessageText(), dict[int, str](), None, 0
    end = 0
    for wire in _FRAME.finditer(recording):
        between = recording[end : wire.start()]
        if (message or doubts) and (ENQ in between or EOT in between):
            yield _cut(recording[start:end], doubts)
            message, doubts, start = MessageText(), {}, wire.start()
        end = wire.end()
        frame, doubt = _opened(wire[0])
        if doubt is not None:
            doubts[frame.number] = doubt
            continue
        doubts.pop(frame.number, None)  # refused then, sent again now
        if frame == last:
            continue
        last = frame
        if message.add(frame.text, ends=frame.is_last):
            text = bytes(message.text)
            yield _cut(recording[start:end], doubts) if doubts else _whole(text)
            message, doubts, start = MessageText(), {}, end
    if message or doubts:
        yield _cut(recording[start:end], doubts)


def _whole(text: bytes) -> Recorded:
    fault = None if is_message(text) else "a message with an H record expected, none found"
    return Recorded(text, fault)


def _cut(wire: bytes, doubts: dict[int, str]) -> Recorded:
    return Recorded(wire, next(iter(doubts.values()), "incomplete: it ends before its L record"))


def _opened(wire: bytes) -> tuple[Frame, str | None]:
    """A frame, and why it is not to be believed; what it does not carry is not doubted."""
    try:
        return read_frame(wire), None
    except FrameFault as fault:
        ending = next(place for place, code in enumerate(wire) if code in b"\x03\x17")
        has_number = wire[1:2].isdigit()
        number = int(wire[1:2]) if has_number else -1
        text = wire[2 if has_number else 1 : ending]
        frame = Frame(number, text, wire[ending : ending + 1] == b"\x03")
        has_checksum = bool(wire[ending + 1 :].strip())
        return frame, f"garbled: {fault}" if has_checksum else None


def _bare(recording: bytes) -> Iterator[Recorded]:
    """Bare records; what a file leaves out after its last record is not missed."""
    return (Recorded(text) for text in _bare_texts(recording) if is_message(text))


def _bare_texts(recording: bytes) -> Iterator[bytes]:
    message, delimiter = bytearray(), b"|"
    for found in _LINE.finditer(_CONTROL.sub(b"", recording)):
        line = found[0]
        content = line.rstrip(b"\r\n")
        begins = begins_message(content)
        is_ours = begins or bool(message) or is_record(content, KINDS)
        if not content.strip() or _SHOWN_ENDING.fullmatch(content) or not is_ours:
            continue
        if begins and message:
            yield bytes(message)
            message.clear()
        if not message:
            delimiter = field_delimiter(content)
        message += line
        if is_record(content, b"L", delimiter):
            yield bytes(message)
            message.clear()
    if message:
        yield bytes(message)
