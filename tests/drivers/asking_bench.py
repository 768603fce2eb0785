"""An instrument that is asked on a living session, over a cable in memory and in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from drivers import (
    AskSession,
    Delivery,
    DriverError,
    LinkState,
    Recollection,
    Settlement,
    profile_named,
)
from drivers.links import memory_pair
from drivers.sessions import ask_protocol
from tests.drivers import virtual_time
from tests.drivers.dy_instrument import DyInstrument

DAYUAN = profile_named("dayuan-dy03ff")
TAKES = 0.05
"""Seconds the instrument takes for an answer."""


class AskingBench:
    """One instrument that answers by itself, until its cable is pulled."""

    def __init__(self, instrument: DyInstrument, recollection: Recollection) -> None:
        self.instrument = instrument
        self.link, self.end = memory_pair("bench")
        self.states: list[tuple[LinkState, str | None]] = []
        self.session = AskSession(
            self.link,
            recollection.protocol(lambda: ask_protocol(DAYUAN)),
            DAYUAN,
            now=asyncio.get_running_loop().time,
            on_state=lambda state, why: self.states.append((state, why)),
        )
        self.deliveries = self.session.deliveries()
        self.before_answers = b""
        """Said before each answer."""
        self.answers_from = 0
        """The first question that is answered; what comes before it is not heard."""
        self._answering = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        for place in range(1_000_000):
            question = await self.end.listen(1_000_000)
            await asyncio.sleep(TAKES)
            if place >= self.answers_from and (answer := self.instrument.answer(question)):
                self.end.say(self.before_answers + answer)

    async def delivery(self, within: float = 1.0) -> Delivery:
        """The next delivery; TimeoutError where none comes."""
        async with asyncio.timeout(within):
            return await anext(self.deliveries)

    async def stored(self, seconds: float) -> list[Delivery]:
        """Every delivery of so many seconds, or until the session ends; all are stored."""
        stored: list[Delivery] = []
        with contextlib.suppress(TimeoutError, DriverError):
            async with asyncio.timeout(seconds):
                async for delivery in self.deliveries:
                    stored.append(delivery)
                    await delivery.settle(Settlement.STORED)
        return stored

    async def close(self) -> None:
        self._answering.cancel()
        await asyncio.gather(self._answering, return_exceptions=True)
        await self.session.close()


@asynccontextmanager
async def bench(
    instrument: DyInstrument, recollection: Recollection | None = None
) -> AsyncIterator[AskingBench]:
    stand = AskingBench(instrument, recollection or Recollection())
    try:
        yield stand
    finally:
        await stand.close()


def on_the_bench(
    story: Callable[[AskingBench], Awaitable[None]], instrument: DyInstrument | None = None
) -> None:
    async def told() -> None:
        async with bench(instrument or DyInstrument()) as stand:
            await story(stand)

    virtual_time.run(told())
