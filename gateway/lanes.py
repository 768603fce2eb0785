"""Which seq goes out next, and up to where every one has gone: pure bookkeeping.

Two lanes split at the head as it was at connect::

    base ......... split | split+1 ........ head
         backfill lane   |     live lane

Each goes in seq order. `offered` is the seq up to which every one has been taken by the broker
in this connection (CUSTODY.md 5, 6).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.wire.stream import Span


@dataclass(slots=True)
class Lane:
    """A run of seqs that goes out in order and is taken in any."""

    next: int
    last: int | None
    """Null while the lane grows with the head."""
    through: int = field(init=False)
    """Every seq of the lane up to here has been taken."""
    _ahead: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.through = self.next - 1

    def wants(self, head: int, most: int) -> Span | None:
        """The seqs that may go out now; at most `most`."""
        last = head if self.last is None else min(self.last, head)
        return Span(self.next, min(last, self.next + most - 1)) if self.next <= last else None

    def took(self, seq: int) -> None:
        """The broker has taken `seq`."""
        self._ahead.add(seq)
        while self.through + 1 in self._ahead:
            self.through += 1
            self._ahead.discard(self.through)


class Lanes:
    """The order of business of one connection."""

    def __init__(self, base: int, split: int) -> None:
        self.base, self.split = base, split
        self.backfill = Lane(base + 1, split)
        self.live = Lane(split + 1, None)
        self._again: deque[Span] = deque()

    @property
    def offered(self) -> int:
        """Every seq up to here has been taken."""
        if self.backfill.through < self.split:
            return self.backfill.through
        return self.live.through

    def repeat(self, spans: Iterable[Span]) -> None:
        """Send these again, behind what is measured now; not what is on its way anyway."""
        for span in spans:
            last = min(span.last, self.offered)
            if span.first <= last and Span(span.first, last) not in self._again:
                self._again.append(Span(span.first, last))

    def next_repeat(self, most: int) -> Span | None:
        """The next seqs to send again; at most `most`."""
        if not self._again:
            return None
        span = self._again.popleft()
        if span.last - span.first >= most:
            self._again.appendleft(Span(span.first + most, span.last))
            return Span(span.first, span.first + most - 1)
        return span
