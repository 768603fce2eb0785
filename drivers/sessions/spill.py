"""What came over a link and is no record: kept where it can be, and always counted.

Every byte is kept while there are few of them: a message that was cut is handed over at once,
noise once a second. In a flood with no good record in between, the pauses double up to a minute
and at most `SAMPLE` bytes are kept of each, so that a broken instrument cannot fill the journal
(64 KiB a minute; a 9600 baud line says less).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from drivers.protocols.base import Garbled, Incomplete

SAMPLE = 64 * 1024
PAUSES = (1.0, 60.0)
"""Seconds over which noise is gathered, at first and at most."""
CUTS_IN_A_ROW = 8
"""Cut messages handed over one by one before they are gathered like noise."""


@dataclass(frozen=True, slots=True)
class Spilt:
    """Bytes to be stored as not understood."""

    raw: bytes
    fault: str


class Spill:
    """Gathers what is no record until it is due to be handed over."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._cut: deque[Spilt] = deque()
        self._cut_due = 0.0
        self._in_a_row = 0
        self._noise = bytearray()
        self._unkept = 0
        self._reason = ""
        self._pause = PAUSES[0]
        self._noise_due: float | None = None

    def add(self, event: Garbled | Incomplete) -> int:
        """Take it up; return how many of its bytes could not be kept."""
        if isinstance(event, Garbled):
            return self._gather(event.data, event.reason)
        self._in_a_row += 1
        if self._in_a_row > CUTS_IN_A_ROW:
            return self._gather(event.raw, event.reason)
        self._cut.append(Spilt(event.raw, f"incomplete: {event.reason}"))
        return 0

    def calm(self) -> None:
        """A good record came: the flood, if it was one, is over."""
        self._in_a_row = 0
        self._pause = PAUSES[0]

    def due_in(self) -> float | None:
        """Seconds until there is something to hand over; None where there is nothing."""
        dues = [self._cut_due] if self._cut else []
        dues += [self._noise_due] if self._noise_due is not None else []
        return max(0.0, min(dues) - self._now()) if dues else None

    def take(self, *, at_once: bool = False) -> Spilt | None:
        """Hand over what is due, or with `at_once` what there is; None where there is nothing."""
        if self._cut and (at_once or self._cut_due <= self._now()):
            return self._cut.popleft()
        if self._noise_due is None or (not at_once and self._now() < self._noise_due):
            return None
        count = len(self._noise) + self._unkept
        unkept = f", {self._unkept} of them not kept" if self._unkept else ""
        spilt = Spilt(bytes(self._noise), f"garbled: {count} bytes{unkept}: {self._reason}")
        self._noise.clear()
        self._unkept, self._noise_due = 0, None
        self._pause = min(self._pause * 2, PAUSES[1])
        return spilt

    def put_back(self, spilt: Spilt) -> None:
        """It could not be stored just now; it is due again in a second."""
        self._cut.append(spilt)
        self._cut_due = self._now() + PAUSES[0]

    def _gather(self, data: bytes, reason: str) -> int:
        if self._noise_due is None:
            self._reason, self._noise_due = reason, self._now() + self._pause
        room = SAMPLE - len(self._noise)
        self._noise += data[:room]
        lost = max(0, len(data) - room)
        self._unkept += lost
        return lost
