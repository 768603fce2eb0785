"""Opens a link for a test, and reads from it without waiting for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from drivers import Link, open_link

SOON = 2.0


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Link]:
    link = await open_link(url)
    try:
        yield link
    finally:
        await link.close()


async def read(link: Link, count: int) -> bytes:
    heard = b""
    async with asyncio.timeout(SOON):
        while len(heard) < count:
            heard += await link.read()
    return heard
