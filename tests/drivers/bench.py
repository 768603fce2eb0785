"""One instrument on a living session, over a cable in memory and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from drivers import Delivery, LinkState, Profile, Query
from drivers.links import memory_pair
from drivers.profile import profile_named
from drivers.sessions import StreamSession, stream_protocol
from tests.drivers import virtual_time
from tests.vectors.astm import ENQ, MESSAGE_FRAMES, MESSAGE_RECORDS, TERMINATOR_RECORD

FSRA = profile_named("fsra-24")
MESSAGE = b"".join(MESSAGE_RECORDS)
*BODY, LAST = MESSAGE_FRAMES


class Bench:
    """One instrument on a living session."""

    def __init__(self, profile: Profile = FSRA) -> None:
        self.link, self.instrument = memory_pair("bench")
        self.states: list[tuple[LinkState, str | None]] = []
        self.queries: list[Query] = []
        self.session = StreamSession(
            self.link,
            stream_protocol(profile),
            profile,
            now=asyncio.get_running_loop().time,
            on_state=lambda state, why: self.states.append((state, why)),
            answers=self._answer,
        )
        self.deliveries = self.session.deliveries()

    async def _answer(self, query: Query) -> Sequence[bytes]:
        self.queries.append(query)
        return (b"H|\\^&\r", b"O|1|1007149\r", TERMINATOR_RECORD)

    async def say(self, *said: bytes) -> bytes:
        """Say it piece by piece, and return all that was answered."""
        for piece in said:
            self.instrument.say(piece)
            await asyncio.sleep(0.1)
        return self.instrument.hear()

    async def delivery(self, within: float = 1.0) -> Delivery:
        """The next delivery; TimeoutError where none comes."""
        async with asyncio.timeout(within):
            return await anext(self.deliveries)

    def soon(self) -> asyncio.Task[Delivery]:
        """The next delivery, whenever it comes; the session is alive meanwhile."""
        return asyncio.ensure_future(anext(self.deliveries))

    async def hand_over(self) -> Delivery:
        """A message up to its held frame, as the delivery it becomes."""
        coming = self.soon()
        await self.say(ENQ, *BODY, LAST)
        return await coming


@asynccontextmanager
async def bench(profile: Profile = FSRA) -> AsyncIterator[Bench]:
    stand = Bench(profile)
    try:
        yield stand
    finally:
        await stand.session.close()


def on_the_bench(story: Callable[[Bench], Awaitable[None]], profile: Profile = FSRA) -> None:
    async def told() -> None:
        async with bench(profile) as stand:
            await story(stand)

    virtual_time.run(told())
