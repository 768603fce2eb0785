"""Two serial ports joined by a cable: two ptys whose other ends copy to each other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PIECE = 4096


@asynccontextmanager
async def null_modem() -> AsyncIterator[tuple[str, str]]:
    """The paths of both ports."""
    loop = asyncio.get_running_loop()
    masters, names, kept = [], [], []
    for _ in range(2):
        master, port = os.openpty()
        tty.setraw(port)  # before the first byte, or what is said comes back
        os.set_blocking(master, False)
        masters.append(master)
        names.append(os.ttyname(port))
        kept.append(port)  # a port that nobody has open would hang its other end up

    def copy(source: int, target: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(target, os.read(source, PIECE))

    for source, target in (masters, masters[::-1]):
        loop.add_reader(source, copy, source, target)
    try:
        yield names[0], names[1]
    finally:
        for descriptor in (*masters, *kept):
            loop.remove_reader(descriptor)
            os.close(descriptor)
