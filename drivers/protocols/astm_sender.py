"""The sending side of the ASTM E1381 / CLSI LIS1-A link: how a host answers a query.

::

    host                          instrument
    <ENQ>      ──────▶                         nothing for 15 s: <EOT>, given up
               ◀──────  <ACK>                  <NAK>: busy, again after 10 s
               ◀──────  <ENQ>                  both bid: the instrument goes first, we after 20 s
    frame      ──────▶
               ◀──────  <ACK>                  anything else: the same frame, six times at most
    <EOT>      ──────▶                         <EOT> for <ACK>: "accepted, please stop"
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from drivers.protocols.astm_frames import ACK, ENQ, EOT, NAK, frames_of

ANSWER_SILENCE = 15.0
"""Seconds a sender waits for an answer (LIS1-A 8.3)."""
BUSY_PAUSE = 10.0
"""Seconds before bidding again to a receiver that said <NAK>."""
CONTENTION_PAUSE = 20.0
"""Seconds a host leaves the line to an instrument that bid at the same time."""
TRIES = 6
"""Bids, and transmissions of one frame, before giving up."""


class _Stage(StrEnum):
    READY = "ready"
    BIDDING = "bidding"
    PAUSING = "pausing"
    SENDING = "sending"
    DONE = "done"


class AstmSender:
    """Sends one message in a session of our own. Bytes in, bytes out; no clock."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self._left = frames_of(records)
        self._tries = 0
        self._stage = _Stage.READY
        self.patience = ANSWER_SILENCE
        """Seconds without a byte after which `silence` is due."""

    @property
    def is_talking(self) -> bool:
        """Whether the next byte heard is an answer to us."""
        return self._stage in (_Stage.BIDDING, _Stage.SENDING)

    @property
    def is_bidding(self) -> bool:
        return self._stage is _Stage.BIDDING

    @property
    def is_done(self) -> bool:
        """Sent or given up: there is nothing more to say."""
        return self._stage is _Stage.DONE

    def bid(self) -> bytes:
        """Ask for the line, unless we have already asked often enough."""
        if self._tries == TRIES:
            self._stage = _Stage.DONE
            return b""
        self._tries += 1
        self._stage, self.patience = _Stage.BIDDING, ANSWER_SILENCE
        return ENQ

    def hear(self, byte: bytes) -> bytes:
        """Take one byte of the instrument's answer; return what to say to it."""
        if self._stage is _Stage.BIDDING:
            return self._bid_answered(byte)
        if byte == ACK:
            del self._left[0]
            self._tries = 0
            return self._say_frame() if self._left else self._end()
        if byte == EOT:
            return self._end()
        return self._say_frame() if byte == NAK else b""

    def silence(self) -> bytes:
        """Nothing came for `patience` seconds: give up, or bid once the pause is over."""
        return self._end() if self.is_talking else self.bid()

    def _bid_answered(self, byte: bytes) -> bytes:
        if byte == ACK:
            self._stage, self._tries = _Stage.SENDING, 0
            return self._say_frame()
        if byte in (NAK, ENQ):
            self._stage = _Stage.PAUSING
            self.patience = BUSY_PAUSE if byte == NAK else CONTENTION_PAUSE
        return b""

    def _say_frame(self) -> bytes:
        if self._tries == TRIES:
            return self._end()
        self._tries += 1
        return self._left[0]

    def _end(self) -> bytes:
        self._stage = _Stage.DONE
        return EOT
