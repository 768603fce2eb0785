"""A host played by hand: it opens a serial port as a gateway would, and says what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

PATIENCE = 5.0


class PtyHost:
    """Holds a serial port open, byte by byte."""

    def __init__(self, path: Path) -> None:
        self._port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._port)
        self.heard = bytearray()

    def says(self, sent: bytes) -> None:
        os.write(self._port, sent)

    async def hears(self, ending: bytes, patience: float = PATIENCE) -> bytes:
        """Return everything up to and including `ending`."""
        async with asyncio.timeout(patience):
            while ending not in self.heard:
                await self.listens()
        end = self.heard.index(ending) + len(ending)
        said, self.heard = bytes(self.heard[:end]), self.heard[end:]
        return said

    async def hears_nothing(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.heard:
                    await self.listens()
        return not self.heard

    async def listens(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.heard += os.read(self._port, 4096)
        await asyncio.sleep(0.002)

    def close(self) -> None:
        os.close(self._port)


@contextlib.asynccontextmanager
async def working(job: asyncio.Task[Any]) -> AsyncIterator[None]:
    """Let a task run beside the test, and end it with the test."""
    try:
        yield
    finally:
        job.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await job
