"""ASTM records without the low level: no <ENQ>, no frames, no answers (`link_control: none`).

Some instruments write E1394 / LIS2-A2 records straight onto TCP or a serial line, each ended by
<CR>, <LF> or both. A message goes from its H record to its L record. Nobody waits for an answer:
what is said is said once, so the profile's custody is `spoken once`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from drivers.protocols.astm_text import asks, begins_message, field_delimiter, is_record
from drivers.protocols.base import Arrived, Asked, Event, Garbled, Held, Incomplete
from drivers.reading import Settlement

RECORD_SILENCE = 30.0
"""Seconds after which a message that does not go on is given up."""
LAST_LINE_SILENCE = 1.0
"""Seconds after which an L record is believed to be whole without its line end."""
MESSAGE_LIMIT = 1024 * 1024

_LINE_END = re.compile(rb"[\r\n]")
_BLANK = b"\0 \t"


class BareAstm:
    """Cuts a stream of records into messages."""

    def __init__(self, *, limit: int = MESSAGE_LIMIT) -> None:
        self.limit = limit
        self.accepting = True
        self._issued = 0
        self._out = bytearray()
        self._begin()

    def _begin(self) -> None:
        self._line = bytearray()
        self._message = bytearray()
        self._held: set[Held] = set()

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take received bytes; return the messages they complete, each held by itself."""
        return list(self._events(data))

    def _events(self, data: bytes) -> Iterator[Event]:
        start = 0
        for end in _LINE_END.finditer(data):
            self._line += data[start : end.start()]
            start = end.end()
            yield from self._take_line(end[0])
        self._line += data[start:]
        if len(self._line) + len(self._message) > self.limit:
            yield from self._give_up(f"a message of at most {self.limit} bytes expected")

    def _take_line(self, end: bytes) -> Iterator[Event]:
        line = bytes(self._line)
        self._line.clear()
        if not line.strip(_BLANK):
            return
        if begins_message(line):
            yield from self._give_up("the next message began before the L record")
        elif not self._message:
            yield Garbled(line + end, "a message's H record expected")
            return
        self._message += line + end
        if is_record(line, b"L", field_delimiter(self._message)):
            yield self._arrive()

    def _arrive(self) -> Event:
        text = bytes(self._message)
        self._message.clear()
        self._issued += 1
        held = Held(self._issued)
        self._held.add(held)
        return Asked(text, held) if asks(text) else Arrived(text, held)

    def settle(self, held: Held, settlement: Settlement) -> None:
        """Nobody waits for an answer. Raises KeyError for what is not held."""
        self._held.remove(held)

    def answer(self, held: Held, records: Sequence[bytes]) -> None:
        """Say the records as they are, each with its <CR>."""
        self._out += b"".join(record.rstrip(b"\r\n") + b"\r" for record in records)

    def outgoing(self) -> bytes:
        """Return and forget the bytes waiting to be sent."""
        said = bytes(self._out)
        self._out.clear()
        return said

    def silence_limit(self) -> float | None:
        """1 s for an L record without its line end, 30 s within a message, else for ever."""
        if self._message and is_record(self._line, b"L", field_delimiter(self._message)):
            return LAST_LINE_SILENCE
        return RECORD_SILENCE if self._message or self._line else None

    def silence(self) -> Sequence[Event]:
        """Believe an L record to be whole; else give the message up."""
        if self.silence_limit() == LAST_LINE_SILENCE:
            return list(self._take_line(b""))
        return list(self._give_up("the sender fell silent"))

    def cut(self) -> Sequence[Event]:
        """The line is gone: return what was unfinished."""
        events = list(self._give_up("the line was cut before the L record"))
        self._begin()
        return events

    def _give_up(self, reason: str) -> Iterator[Event]:
        unfinished = bytes(self._message + self._line)
        is_message = bool(self._message)
        self._message.clear()
        self._line.clear()
        if is_message:
            yield Incomplete(unfinished, reason)
        elif unfinished.strip(_BLANK):
            yield Garbled(unfinished, reason)
