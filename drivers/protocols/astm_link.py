"""The receiving side of the ASTM E1381 / CLSI LIS1-A link, with the acknowledgement held back.

::

    instrument                    host
    <ENQ>          ──────▶
                   ◀──────        <ACK>   or <NAK> while storage is short (`accepting`)
    frame 1        ──────▶
                   ◀──────        <ACK>   or <NAK>: damaged, send it again
    frame n: L     ──────▶                it comes out as `Arrived` (or `Asked`), unanswered
                   ◀──────        <ACK>   once it is settled as stored; nothing at all on RETRY
    <EOT>          ──────▶

<ACK> means "you may forget it", so three things are never done: the frame that completes the L
record is not answered before `settle`; nothing is answered after the sender has spoken again,
because it would take the answer for that of something else; and one thing said gets one answer.
CUSTODY.md 9; E1381 6.2 to 6.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from drivers.protocols.astm_frames import (
    ACK,
    ENQ,
    EOT,
    NAK,
    NUMBERS,
    STX,
    Frame,
    FrameFault,
    ends_a_frame_without_start,
    frame_length,
    is_broken_off,
    lacks_only_its_line_end,
    read_frame,
)
from drivers.protocols.astm_sender import AstmSender
from drivers.protocols.astm_text import MessageText, asks
from drivers.protocols.base import Arrived, Asked, Event, Garbled, Held, Incomplete
from drivers.reading import Settlement

FRAME_SILENCE = 30.0
"""Seconds a receiver waits for the next frame before giving the message up (LIS1-A 8.4)."""
TAIL_SILENCE = 1.0
"""Seconds after which a sender that stopped within its last bytes is taken to have finished."""
MESSAGE_LIMIT = 1024 * 1024
"""Haematology analysers send 30 KiB of histograms in a message; food readers 1 KiB."""
PADDING = b"\r\n\0"
"""What line drivers and breaks add between frames; it says nothing."""
_STARTS = re.compile(rb"[\x02\x04\x05]")
_STARTS_IN_NEUTRAL = re.compile(rb"[\x04\x05]")
NOTHING_KNOWN = (b"H|\\^&", b"L|1|I")
"""The reply to a query for which there is no work: L.3 = I, no information available."""


class AstmReceiver:
    """Receives ASTM messages; holds the last acknowledgement until told what became of it."""

    def __init__(self, *, limit: int = MESSAGE_LIMIT) -> None:
        self.limit = limit
        self.accepting = True
        self._issued = 0
        self._begin()

    def _begin(self) -> None:
        self._buffer = bytearray()
        self._out = bytearray()
        self._asked: Held | None = None
        self._sender: AstmSender | None = None
        self._listen()

    def _listen(self) -> None:
        """Wait for a bid; nothing is known of any message."""
        self._in_session = False
        self._message = MessageText()
        self._last: Frame | None = None
        self._before_last: Frame | None = None
        self._held: Held | None = None
        self._has_spoken = False
        self._seen = 0
        self._stray = b""
        self._is_refused = False

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take received bytes; return the events they complete, in order. Never raises.

        While a message is held its sender's bytes wait, and are looked at after `settle`.
        """
        if self._held is not None and data.strip(PADDING):
            self._has_spoken = True
        self._buffer += data
        return list(self._events())

    def _events(self) -> Iterator[Event]:
        while self._buffer and self._held is None:
            before = len(self._buffer)
            yield from self._advance()
            if len(self._buffer) == before:
                break
        if len(self._buffer) + len(self._message) > self.limit:
            yield from self._overflow()

    def _advance(self) -> Iterator[Event]:
        first = self._buffer[:1]
        if (sender := self._sender) is not None and sender.is_talking:
            if first != ENQ or sender.is_bidding:
                self._out += sender.hear(self._take(1))
                self._dismiss_sender()
                return
            self._sender = None  # the instrument has begun anew
        if first == ENQ:
            self._take(1)
            yield from self._bid(b"")
        elif first == EOT:
            self._take(1)
            yield from self._end(b"")
        elif first == STX and self._in_session:
            yield from self._frame()
        else:
            yield from self._noise()

    # -- what the sender says ------------------------------------------------------------

    def _bid(self, partial: bytes) -> Iterator[Event]:
        yield from self._give_up(partial, "the sender bid again before its L record")
        self._listen()
        self._in_session = self.accepting
        self._say_instead(ACK if self.accepting else NAK)

    def _end(self, partial: bytes) -> Iterator[Event]:
        yield from self._give_up(partial, "the sender ended before its L record")
        self._listen()
        self._bid_ourselves()

    def _frame(self) -> Iterator[Event]:
        length, self._seen = frame_length(self._buffer, self._seen)
        if not length:
            return
        wire = self._take(length)
        self._stray, self._is_refused = b"", False
        if is_broken_off(wire) and self._buffer[:1] == EOT:
            self._take(1)
            yield from self._end(wire)
        elif is_broken_off(wire) and self._buffer[:1] == STX:
            yield Garbled(wire, "the sender began its frame again")
        elif len(wire) > self.limit:
            yield from self._outgrown(wire)
        else:
            yield from self._judge(wire)

    def _judge(self, wire: bytes) -> Iterator[Event]:
        """Answer a whole frame: refuse it, acknowledge it, or hold it."""
        try:
            frame = read_frame(wire)
            if frame == self._last:
                self._say_instead(ACK)  # our last answer was lost on the way; the frame was not
                return
            self._expect_number(frame)
        except FrameFault as fault:
            self._out += NAK
            self._is_refused = True
            yield Garbled(wire, str(fault))
            return
        if len(self._message) + len(frame.text) > self.limit:
            yield from self._outgrown(wire)
        else:
            yield from self._accept(frame)

    def _expect_number(self, frame: Frame) -> None:
        wanted = 1 if self._last is None else (self._last.number + 1) % NUMBERS
        # Some senders count from 1 again with every message of a session.
        begins_anew = frame.number == 1 and not self._message and frame.text[:1] == b"H"
        if frame.number != wanted and not begins_anew:
            raise FrameFault(f"frame number {wanted} expected, {frame.number} found")

    def _accept(self, frame: Frame) -> Iterator[Event]:
        if self._message.is_followed_by(frame.text):
            yield from self._give_up(b"", "the next message began before the L record")
            self._message = MessageText()
        is_whole = self._message.add(frame.text, ends=frame.is_last)
        self._before_last, self._last = self._last, frame
        if not is_whole:
            self._out += ACK
            return
        self._issued += 1
        self._held = Held(self._issued)
        # A sender that does not wait at all has its <EOT> right behind; it takes no harm.
        self._has_spoken = bytes(self._buffer[:8]).strip(PADDING) not in (b"", EOT)
        text = bytes(self._message.text)
        if asks(text):
            self._asked = self._held
            yield Asked(text, self._held)
        else:
            yield Arrived(text, self._held)

    def _noise(self) -> Iterator[Event]:
        start = (_STARTS if self._in_session else _STARTS_IN_NEUTRAL).search(self._buffer)
        stray = self._take(start.start() if start else len(self._buffer))
        self._stray = (self._stray + stray)[-8:]
        if self._in_session and not self._is_refused and ends_a_frame_without_start(self._stray):
            self._out += NAK
            self._is_refused = True
        if stray.strip(PADDING):
            yield Garbled(stray, "no part of a frame")

    def _bid_ourselves(self) -> None:
        if self._sender is not None:
            self._out += self._sender.bid()
            self._dismiss_sender()

    def _dismiss_sender(self) -> None:
        if self._sender is not None and self._sender.is_done:
            self._sender = None

    # -- what became of a message ----------------------------------------------------------

    def settle(self, held: Held, settlement: Settlement) -> None:
        """Answer the held frame with <ACK>, or on RETRY with silence, so that it comes again.

        The frames before it are kept. Raises KeyError for what is not held (any more).
        """
        if self._held is None or held != self._held:
            raise KeyError(held)
        self._held = None
        if settlement is Settlement.RETRY:
            self._message.forget_last()
            self._last = self._before_last
            return
        self._message = MessageText()
        if not self._has_spoken:
            self._out += ACK

    def answer(self, held: Held, records: Sequence[bytes]) -> None:
        """Answer the newest query in a session of our own, as soon as the line is free.

        No records is said as "no information available". An older query is not answered.
        """
        if held != self._asked:
            return
        self._asked = None
        self._sender = AstmSender(records or NOTHING_KNOWN)
        if not self._in_session:
            self._bid_ourselves()

    def outgoing(self) -> bytes:
        """Return and forget the bytes waiting to be sent."""
        said = bytes(self._out)
        self._out.clear()
        return said

    # -- when nothing comes ----------------------------------------------------------------

    def silence_limit(self) -> float | None:
        """30 s within a session, 1 s where only a frame's last bytes are missing, else for ever;
        our own sender's patience while it has something to say."""
        if self._held is not None:
            return None
        if self._sender is not None and not self._in_session:
            return self._sender.patience
        if not self._in_session:
            return None
        return TAIL_SILENCE if self._stopped_short() else FRAME_SILENCE

    def silence(self) -> Sequence[Event]:
        """Take a frame without its line end as finished; else give the message up."""
        return list(self._fell_silent())

    def _fell_silent(self) -> Iterator[Event]:
        if self._sender is not None and not self._in_session:
            self._out += self._sender.silence()
            self._dismiss_sender()
        elif not self._in_session or self._held is not None:
            return
        elif not self._stopped_short():
            yield from self._give_up(self._take(len(self._buffer)), "the sender fell silent")
            self._listen()
        elif self._buffer.endswith(ENQ):
            # A bid in the middle of a frame: whoever bids waits, whoever is damaged goes on.
            yield from self._bid(self._take(len(self._buffer))[:-1])
        else:
            yield from self._judge(self._take(len(self._buffer)))

    def _stopped_short(self) -> bool:
        return self._buffer[:1] == STX and (
            self._buffer.endswith(ENQ) or lacks_only_its_line_end(self._buffer, self._seen)
        )

    def cut(self) -> Sequence[Event]:
        """The line is gone: return what was unfinished, forget what is held, begin anew."""
        rest = self._take(len(self._buffer))
        if self._held is not None:
            self._message = MessageText()  # it has arrived; only what came after it is unfinished
        events = list(self._give_up(rest, "the line was cut before the L record"))
        self._begin()
        return events

    def _give_up(self, partial: bytes, reason: str) -> Iterator[Event]:
        """What was acknowledged of a message that will not be finished, and its broken frame."""
        if self._message.has_arrived:
            return  # it was handed over whole; its sender was asked to send it again
        if self._message or partial.startswith(STX):
            yield Incomplete(bytes(self._message.text) + partial, reason)
        elif partial.strip(PADDING):
            yield Garbled(partial, reason)

    def _overflow(self) -> Iterator[Event]:
        rest = self._take(len(self._buffer))
        if self._held is None:
            yield from self._outgrown(rest)
        else:
            yield Garbled(rest, f"at most {self.limit} bytes expected while a message is held")

    def _outgrown(self, rest: bytes) -> Iterator[Event]:
        """Hold no more than `limit`: keep what there is of the message, and start listening."""
        yield from self._give_up(rest, f"a message of at most {self.limit} bytes expected")
        self._listen()

    def _say_instead(self, answer: bytes) -> None:
        """Answer what was said last; what came before it is no longer waited for."""
        self._out.clear()
        self._out += answer

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._seen = 0
        return taken
