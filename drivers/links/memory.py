"""A cable without a cable: two ends in one process."""

from __future__ import annotations

import asyncio
import contextlib

from drivers.errors import LinkLost


class MemoryLink:
    """The host's end."""

    engaged = False

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self._heard = bytearray()
        self._said = bytearray()
        self._stirred = asyncio.Event()
        self.has_spoken = asyncio.Event()
        """Set while the other end has something to hear."""
        self._lost: str | None = None

    async def read(self) -> bytes:
        """Wait for bytes. Raises LinkLost once what came before the loss has been read."""
        while not self._heard:
            if self._lost is not None:
                raise LinkLost(self._lost)
            self._stirred.clear()
            await self._stirred.wait()
        heard = bytes(self._heard)
        self._heard.clear()
        return heard

    async def write(self, data: bytes) -> None:
        """Send bytes to the other end. Raises LinkLost."""
        if self._lost is not None:
            raise LinkLost(self._lost)
        self._said += data
        self.has_spoken.set()

    async def close(self) -> None:
        """Let go."""
        self.lose("closed")

    def lose(self, why: str) -> None:
        """Pull the cable."""
        if self._lost is None:
            self._lost = f"{self.name}: {why}"
            self._stirred.set()

    def take_in(self, data: bytes) -> None:
        """Bytes from the other end."""
        self._heard += data
        self._stirred.set()

    def taken_out(self) -> bytes:
        """What was said to the other end since the last time."""
        said = bytes(self._said)
        self._said.clear()
        self.has_spoken.clear()
        return said


class MemoryInstrument:
    """The instrument's end: says, hears and pulls the cable."""

    def __init__(self, link: MemoryLink) -> None:
        self._link = link

    def say(self, data: bytes) -> None:
        """Send bytes to the host."""
        self._link.take_in(data)

    def hear(self) -> bytes:
        """What the host has said since the last time."""
        return self._link.taken_out()

    async def listen(self, seconds: float) -> bytes:
        """Wait for what the host says, at most so long; b"" for nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._link.has_spoken.wait()
        return self.hear()

    def unplug(self) -> None:
        """Pull the cable."""
        self._link.lose("unplugged")


def memory_pair(name: str = "memory") -> tuple[MemoryLink, MemoryInstrument]:
    """Both ends of one cable."""
    link = MemoryLink(name)
    return link, MemoryInstrument(link)
