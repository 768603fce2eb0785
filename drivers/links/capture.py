"""A cable that tells what passes over it: both directions, in order, with the time."""

from __future__ import annotations

from collections.abc import Callable

from drivers.links.base import Link
from drivers.transcript import Utterance, Who

Tell = Callable[[Utterance], None]


class CaptureLink:
    """Any link, with every utterance told before it goes on."""

    def __init__(self, link: Link, tell: Tell, now: Callable[[], float]) -> None:
        """`now` is a monotonic clock in seconds; the first utterance is at 0."""
        self.name = link.name
        self._link, self._tell, self._now = link, tell, now
        self._began: float | None = None

    async def read(self) -> bytes:
        """Wait for bytes. Raises LinkLost."""
        heard = await self._link.read()
        if heard:
            self._note(Who.INSTRUMENT, heard)
        return heard

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises LinkLost."""
        self._note(Who.HOST, data)
        await self._link.write(data)

    async def close(self) -> None:
        """Let go."""
        await self._link.close()

    def _note(self, who: Who, octets: bytes) -> None:
        now = self._now()
        self._began = now if self._began is None else self._began
        self._tell(Utterance(now - self._began, who, octets))
