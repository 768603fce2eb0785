"""An answer that does not end: events to one screen, until it goes, is cut, or we stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lab_api.feed.events import Reader


class EventStream(Response):
    """Server-sent events of one reader; `left` is called however it ends."""

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncIterator[bytes], reader: Reader, left: Callable[[], None]
    ) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._events, self._reader, self._left = events, reader, left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ends = [
            asyncio.create_task(self._tell(send), name="tell"),
            asyncio.create_task(self._gone(receive), name="gone"),
            asyncio.create_task(self._reader.gone.wait(), name="cut"),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._left()
            for task in ends:
                task.cancel()
            ended = await asyncio.gather(*ends, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome
        if self._reader.gone.is_set() or ends[0].done():
            await self._end(send)

    async def _tell(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async for encoded in self._events:
            await send({"type": "http.response.body", "body": encoded, "more_body": True})

    async def _gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _end(self, send: Send) -> None:
        """Finish the answer; a reader that takes nothing more is simply left."""
        try:
            async with asyncio.timeout(0.2):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            pass
