"""A session with an instrument that speaks: link + protocol + profile → deliveries.

Two tasks run while `deliveries` is read. One reads the link, for ever and also while a delivery
is held, so that being unplugged or the sender speaking again is seen at once. The other keeps
time: the protocol's silence, what was spilt, and how long nothing has been heard. Neither ever
waits for the journal; whoever reads `deliveries` does, and the instrument with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass

from drivers.errors import LinkLost, ProtocolFault, shown
from drivers.links import Link
from drivers.profile import Profile
from drivers.protocols.base import Arrived, Asked, Event, Garbled, Incomplete, StreamProtocol
from drivers.reading import Delivery, Query, Settlement
from drivers.sessions.base import Answers, Counts, LinkState, OnState
from drivers.sessions.spill import Spill, Spilt
from drivers.understand import handed_over, query_of

QUIET_AFTER = 300.0
"""Seconds without a byte after which a link counts as silent."""
GARBLED_AFTER = 64
"""Stray bytes since the last good record from which on a link counts as garbled."""
FAULT_AFTER = 64 * 1024
"""Stray bytes since the last good record after which this is not the protocol spoken here."""
WAITING = 64
"""Whole records that may wait before the link is left to its own flow control."""
GARBAGE_REST = 0.01
"""Seconds to let others run after a piece that held nothing but garbage."""


async def no_answer(query: Query) -> Sequence[bytes] | None:
    """The answer where nobody answers queries: nothing is said."""
    return None


def say_nothing(state: LinkState, why: str | None) -> None:
    """For whoever does not want to know what the link is doing."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A whole record that has not been handed over yet."""

    event: Arrived | Asked
    at: float
    conversation: int
    """Which of the peers on this link said it."""


class StreamSession:
    """One link, one stream protocol and one profile, alive."""

    def __init__(
        self,
        link: Link,
        protocol: StreamProtocol,
        profile: Profile,
        *,
        now: Callable[[], float] = time.monotonic,
        on_state: OnState = say_nothing,
        answers: Answers = no_answer,
    ) -> None:
        """`now` is a monotonic clock in seconds."""
        self.answers = answers
        self.counts = Counts()
        self._link, self._protocol, self._profile = link, protocol, profile
        self._now, self._on_state = now, on_state
        self._state = LinkState.CONNECTING
        self._records: deque[_Waiting] = deque()
        self._spill = Spill(now)
        self._stray = 0
        self._conversation = 0
        self._heard_at = self._stirred_at = now()
        self._stirred, self._changed, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._settled = asyncio.Event()
        self._ended: BaseException | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def accepting(self) -> bool:
        """False while storage is short: a bid is refused."""
        return self._protocol.accepting

    @accepting.setter
    def accepting(self, wanted: bool) -> None:
        self._protocol.accepting = wanted

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield deliveries for as long as the link lives; the next only after the last is settled.

        What was cut or garbled comes as a delivery too: no readings, its fault, its bytes.
        Raises LinkLost or ProtocolFault, once all that came before has been handed over.
        """
        self._tasks = [self._started(self._listen()), self._started(self._keep_time())]
        self._turn(LinkState.SILENT, "nothing heard yet")
        try:
            while True:
                waiting = await self._next()
                self._settled = asyncio.Event()
                if isinstance(waiting, Spilt):
                    yield self._spilt(waiting)
                    await self._settled.wait()
                else:
                    yield self._handed_over(waiting)
                    await self._settled.wait()
                    await self._answer(waiting)
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop, and let go of the link. May be called again."""
        if self._ended is None:
            self._end(LinkLost(f"{self._link.name}: closed"), LinkState.STOPPED)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._link.close()

    # -- handing over ------------------------------------------------------------------------

    async def _next(self) -> _Waiting | Spilt:
        while True:
            if self._records:
                self._room.set()
                return self._records.popleft()
            if (spilt := self._spill.take(at_once=self._ended is not None)) is not None:
                return spilt
            if self._ended is not None:
                raise self._ended
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._spill.due_in()):
                    await self._changed.wait()

    def _spilt(self, spilt: Spilt) -> Delivery:
        async def settle(settlement: Settlement) -> None:
            self._settle_once()
            if settlement is Settlement.RETRY:
                self._spill.put_back(spilt)

        return Delivery((), spilt.fault, spilt.raw, settle)

    def _handed_over(self, waiting: _Waiting) -> Delivery:
        async def settle(settlement: Settlement) -> None:
            self._settle_once()
            await self._release(waiting, settlement)

        record = waiting.event.record if isinstance(waiting.event, Arrived) else waiting.event.query
        return handed_over(self._profile, record, settle)

    def _settle_once(self) -> None:
        if self._settled.is_set():
            raise RuntimeError("a delivery is settled exactly once; this one was already")
        self._settled.set()

    async def _release(self, waiting: _Waiting, settlement: Settlement) -> None:
        """Tell the protocol what became of a record, unless its sender is no longer there."""
        if waiting.conversation != self._conversation or self._ended is not None:
            return
        is_late = self._now() - waiting.at > self._profile.answer_within
        told = Settlement.RETRY if is_late else settlement
        self._protocol.settle(waiting.event.held, told)
        await self._say()
        self._take(self._protocol.feed(b""))
        await self._say()

    async def _answer(self, waiting: _Waiting) -> None:
        """Answer a query from the run sheets, in a session of our own."""
        if not isinstance(waiting.event, Asked):
            return
        query = query_of(self._profile, waiting.event.query)
        if query.is_withdrawn:
            return
        records = await self.answers(query)
        if records is None:
            return
        if waiting.conversation == self._conversation and self._ended is None:
            self._protocol.answer(waiting.event.held, records)
            await self._say()

    # -- the link ----------------------------------------------------------------------------

    async def _listen(self) -> None:
        while self._ended is None:
            before = self._stray
            try:
                heard = await self._link.read()
            except LinkLost as lost:
                self._cut()
                self._end(lost, LinkState.LOST)
                return
            if heard:
                self._hear(heard)
            else:
                self._cut()
                self._turn(LinkState.SILENT, "waiting to be dialled again")
            await self._say()
            await self._rest(len(heard), self._stray - before)

    def _hear(self, heard: bytes) -> None:
        self.counts.octets += len(heard)
        self._heard_at = self._now()
        stray = self._stray
        self._take(self._protocol.feed(heard))
        if self._stray == stray and self._state is not LinkState.GARBLED:
            self._turn(LinkState.SPEAKING)

    async def _rest(self, heard: int, stray: int) -> None:
        """Leave room for other instruments, and for those who read `deliveries`."""
        if heard and stray >= heard:
            await asyncio.sleep(GARBAGE_REST)
        while len(self._records) >= WAITING:
            self._room.clear()
            await self._room.wait()

    def _cut(self) -> None:
        """Whoever spoke is gone, and what they were saying is cut."""
        self._take(self._protocol.cut())
        self._conversation += 1
        self._stray = 0

    async def _say(self) -> None:
        """Send what the protocol has to say."""
        self._stirred_at = self._now()
        self._stirred.set()
        self._link.engaged = self._protocol.silence_limit() is not None
        if said := self._protocol.outgoing():
            try:
                await self._link.write(said)
            except LinkLost:
                # Its reader says so too, after what came before the loss.
                self._stirred.set()

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Arrived | Asked):
                self.counts.records += 1
                self._stray = 0
                self._spill.calm()
                self._records.append(_Waiting(event, self._now(), self._conversation))
                self._turn(LinkState.SPEAKING)
            else:
                self._spilled(event)
        self._changed.set()

    def _spilled(self, event: Garbled | Incomplete) -> None:
        self.counts.unkept_octets += self._spill.add(event)
        if isinstance(event, Incomplete):
            self.counts.incomplete += 1
            return
        self.counts.garbled_octets += len(event.data)
        self._stray += len(event.data)
        if self._stray > FAULT_AFTER:
            name = f"{self._link.name}: {self._profile.protocol}"
            why = f"{name} expected, {self._stray} bytes of something else found"
            self._end(ProtocolFault(why, event.data[-256:]), LinkState.GARBLED)
        elif self._stray > GARBLED_AFTER:
            self._turn(LinkState.GARBLED, event.reason)

    # -- time --------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        while self._ended is None:
            self._stirred.clear()
            dues = [due for due in (self._silence_in(), self._quiet_in()) if due is not None]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(dues, default=None)):
                    await self._stirred.wait()
            await self._elapsed()

    def _silence_in(self) -> float | None:
        limit = self._protocol.silence_limit()
        return None if limit is None else max(0.0, self._stirred_at + limit - self._now())

    def _quiet_in(self) -> float | None:
        if self._state is LinkState.SILENT:
            return None
        return max(0.0, self._heard_at + QUIET_AFTER - self._now())

    async def _elapsed(self) -> None:
        if self._silence_in() == 0:
            self._take(self._protocol.silence())
            await self._say()
        if self._quiet_in() == 0:
            self._turn(LinkState.SILENT, f"nothing heard for {QUIET_AFTER:.0f} s")

    # -- the end -----------------------------------------------------------------------------

    def _started(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._report)
        return task

    def _report(self, task: asyncio.Task[None]) -> None:
        """Hand a fault of ours to whoever reads `deliveries`."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._end(fault, LinkState.FAULTED)

    def _end(self, why: BaseException, state: LinkState) -> None:
        if self._ended is None:
            self._ended = why
            self._turn(state, str(why))
        self._changed.set()

    def _turn(self, state: LinkState, why: str | None = None) -> None:
        if state is not self._state:
            self._state = state
            self._on_state(state, None if why is None else shown(why))
