"""Server-sent events, and the bounded queue of one who reads them.

id: {feed}.{n}     a notice's number within the feed of this store
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

BACKLOG = 64
"""Events that may wait for one reader."""
RETRY_MS = 2000


@dataclass(frozen=True, slots=True)
class Event:
    """An encoded event; `n` is 0 for one that has no number."""

    n: int
    encoded: bytes


def encode(name: str, payload: bytes, id_: str | None = None) -> bytes:
    """One server-sent event. The payload is JSON without line breaks.

    >>> encode("board", b"{}", "f.3")
    b'id: f.3\\nevent: board\\ndata: {}\\n\\n'
    """
    number = f"id: {id_}\n".encode() if id_ else b""
    return number + f"event: {name}\n".encode() + b"data: " + payload + b"\n\n"


def reset_event(feed: str, head: int) -> Event:
    """Says that what was missed cannot be told: load the board again."""
    return Event(0, encode("reset", json.dumps({"feed": feed, "n": head}).encode()))


def retry_after() -> bytes:
    """How long a browser waits before it connects again."""
    return f"retry: {RETRY_MS}\n\n".encode()


def number_of(last_id: str, feed: str) -> int | None:
    """The notice number in an id of this feed; None for any other text a browser resends.

    >>> number_of("f.12", "f"), number_of("other.12", "f"), number_of("12", "f")
    (12, None, None)
    """
    named, _, number = last_id.strip().partition(".")
    if named != feed or not number.isascii() or not number.isdigit() or len(number) > 15:
        return None
    return int(number)


class Reader:
    """One open screen. It is cut when it does not read, and resumes by its last id."""

    def __init__(self, joined_at: int) -> None:
        self.joined_at = joined_at
        """The newest notice told when it joined; it is offered every later one."""
        self.gone = asyncio.Event()
        """Set when it is cut, or when the lab stops."""
        self._queue: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)

    def offer(self, event: Event) -> bool:
        """Give it an event; False, and it is cut, where its queue is full."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.gone.set()
        return not self.gone.is_set()

    async def next(self) -> Event:
        """The next event it was offered."""
        return await self._queue.get()
