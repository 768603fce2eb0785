"""A session with an instrument that is asked: link + protocol + profile → deliveries.

One task reads the link, for ever, so that being unplugged is seen at once and what nobody asked
for is not taken for an answer. Whoever reads `deliveries` holds the conversation: the next record
is asked for only when the last one is settled, and between two conversations it rests.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from drivers.errors import LinkLost, ProtocolFault
from drivers.links import Link
from drivers.profile import Profile
from drivers.protocols.base import (
    Answer,
    Answered,
    Arrived,
    AskProtocol,
    Exchange,
    Garbled,
    Hear,
    Say,
    Unanswered,
)
from drivers.reading import Delivery, Settlement
from drivers.sessions.base import Answers, Counts, LinkState, OnState
from drivers.sessions.spill import Spill, Spilt
from drivers.sessions.stream import no_answer, say_nothing
from drivers.understand import handed_over

T = TypeVar("T")

FAULT_AFTER = 64 * 1024
"""Stray bytes since the last record from which on this is not the protocol spoken here."""
LIMIT = 8 * 1024
"""Bytes held back at most; the longest answer is half of it."""
RUSH_REST = 0.01
"""Seconds to let others run after a piece that nobody asked for."""


class Recollection:
    """How far an instrument that is asked has been read, kept from one session to the next.

    Without it every session reads the instrument's lists from their beginning; that doubles
    nothing, but what is new then waits for what is old.
    """

    def __init__(self) -> None:
        self._protocol: AskProtocol | None = None

    def protocol(self, make: Callable[[], AskProtocol]) -> AskProtocol:
        """The protocol that was asked before, at the beginning of a conversation; else a new one.

        Call it with the same profile's protocol each time.
        """
        if self._protocol is None:
            self._protocol = make()
        self._protocol.cut()
        return self._protocol


class _Cut(Exception):
    """Whoever was asked is gone: the link was lost, or somebody else is on it."""


class AskSession:
    """One link, one protocol of questions and one profile, alive."""

    def __init__(
        self,
        link: Link,
        protocol: AskProtocol,
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
        self._accepting = True
        self._heard = bytearray()
        self._is_hearing = False
        self._has_heard = False
        self._events: deque[Arrived] = deque()
        self._spill = Spill(now)
        self._stray = 0
        self._conversation = 0
        self._due = now()
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._ended: BaseException | None = None
        self._listener: asyncio.Task[None] | None = None

    @property
    def accepting(self) -> bool:
        """False while storage is short: nothing is asked, and the instrument keeps its records."""
        return self._accepting

    @accepting.setter
    def accepting(self, wanted: bool) -> None:
        self._accepting = wanted
        self._changed.set()

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield deliveries for as long as the link lives; the next only after the last is settled.

        What was garbled comes as a delivery too: no readings, its fault, its bytes.
        Raises LinkLost or ProtocolFault.
        """
        self._listener = asyncio.create_task(self._listen())
        self._listener.add_done_callback(self._report)
        self._turn(LinkState.SILENT, "nothing heard yet")
        try:
            while True:
                waiting = await self._next()
                self._settled = asyncio.Event()
                yield self._spilt(waiting) if isinstance(waiting, Spilt) else self._read(waiting)
                await self._settled.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop, and let go of the link. May be called again."""
        self._end(LinkLost(f"{self._link.name}: closed"), LinkState.STOPPED)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
        await self._link.close()

    # -- handing over ------------------------------------------------------------------------

    async def _next(self) -> Arrived | Spilt:
        while True:
            if self._events:
                return self._events.popleft()
            if (spilt := self._spill.take(at_once=self._ended is not None)) is not None:
                return spilt
            if self._ended is not None:
                raise self._ended
            if self.accepting and self._now() >= self._due:
                await self._ask()
            else:
                await self._rest()

    async def _rest(self) -> None:
        """Wait until something is due, or has changed."""
        dues = [self._spill.due_in()]
        dues += [max(0.0, self._due - self._now())] if self.accepting else []
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min((due for due in dues if due is not None), default=None)):
                await self._changed.wait()

    def _spilt(self, spilt: Spilt) -> Delivery:
        async def settle(settlement: Settlement) -> None:
            self._settle_once()
            if settlement is Settlement.RETRY:
                self._spill.put_back(spilt)

        return Delivery((), spilt.fault, spilt.raw, settle)

    def _read(self, arrived: Arrived) -> Delivery:
        conversation = self._conversation

        async def settle(settlement: Settlement) -> None:
            self._settle_once()
            if conversation == self._conversation and self._ended is None:
                await self._release(arrived, settlement)

        return handed_over(
            self._profile,
            arrived.record,
            settle,
            occurrence=arrived.occurrence,
            device_serial=arrived.device_serial,
        )

    def _settle_once(self) -> None:
        if self._settled.is_set():
            raise RuntimeError("a delivery is settled exactly once; this one was already")
        self._settled.set()

    async def _release(self, arrived: Arrived, settlement: Settlement) -> None:
        if settlement is Settlement.RETRY:
            self._due = self._now() + self._protocol.interval
        with contextlib.suppress(_Cut):
            await self._hold(self._protocol.settle(arrived.held, settlement))

    # -- the conversation --------------------------------------------------------------------

    async def _ask(self) -> None:
        """Ask for the next record; without one the conversation is over, until the next is due."""
        try:
            events = await self._hold(self._protocol.ask())
        except _Cut:
            return
        for event in events:
            self._take(event)
        if self._ended is None and not any(isinstance(event, Unanswered) for event in events):
            self._turn(LinkState.SPEAKING)
        if not self._events:
            self._due = self._now() + self._protocol.interval

    def _take(self, event: Answered) -> None:
        match event:
            case Arrived():
                self.counts.records += 1
                self._stray = 0
                self._spill.calm()
                self._events.append(event)
            case Garbled():
                self._spilled(event)
            case Unanswered():
                state = LinkState.GARBLED if self._has_heard else LinkState.SILENT
                self._turn(state, event.reason)

    async def _hold(self, exchange: Exchange[T]) -> T:
        """Do what a conversation wants, until it has what it asked for. Raises _Cut."""
        answer: Answer = None
        try:
            while True:
                match step := exchange.send(answer):
                    case Say():
                        answer = None
                        await self._say(step.data)
                    case Hear():
                        answer = await self._hear(step)
                    case _:
                        raise TypeError(f"Say or Hear expected, {step!r} found")
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            exchange.close()

    async def _say(self, said: bytes) -> None:
        """Ask; what came before the question is no answer to it."""
        await asyncio.sleep(0)
        self._drain("nobody asked for it")
        self._has_heard = False
        try:
            await self._link.write(said)
        except LinkLost as lost:
            self._end(lost, LinkState.LOST)
            raise _Cut from lost

    async def _hear(self, wanted: Hear) -> bytes | None:
        until = self._now() + wanted.seconds
        conversation = self._conversation
        self._is_hearing = True
        try:
            while True:
                if conversation != self._conversation or self._ended is not None:
                    raise _Cut
                if (end := wanted.framing(bytes(self._heard))) is not None:
                    return self._taken(end)
                left = until - self._now()
                if left <= 0 or len(self._heard) >= LIMIT:
                    return self._taken(len(self._heard)) or None
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._changed.wait()
        finally:
            self._is_hearing = False

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._heard[:count])
        del self._heard[:count]
        return taken

    # -- the link ----------------------------------------------------------------------------

    async def _listen(self) -> None:
        while self._ended is None:
            try:
                heard = await self._link.read()
            except LinkLost as lost:
                self._end(lost, LinkState.LOST)
                return
            if heard:
                self.counts.octets += len(heard)
                self._has_heard = True
                self._heard += heard
                self._changed.set()
                if not self._is_hearing or len(self._heard) >= LIMIT:
                    await self._rush()
            else:
                self._cut()

    async def _rush(self) -> None:
        """It says more than it was asked for: keep what can be kept, and let others run."""
        if len(self._heard) >= LIMIT and not self._is_hearing:
            self._drain("nobody asked for it")
        await asyncio.sleep(RUSH_REST)

    def _cut(self) -> None:
        """Whoever was asked is gone; the next on this link is asked from the beginning."""
        self._drain("nobody asked for it")
        self._protocol.cut()
        self._events.clear()
        self._conversation += 1
        self._due = self._now()
        self._turn(LinkState.SILENT, "waiting to be dialled again")
        self._changed.set()

    def _drain(self, reason: str) -> None:
        if self._heard:
            self._spilled(Garbled(self._taken(len(self._heard)), reason))

    def _spilled(self, event: Garbled) -> None:
        self.counts.garbled_octets += len(event.data)
        self.counts.unkept_octets += self._spill.add(event)
        self._stray += len(event.data)
        if self._stray > FAULT_AFTER:
            name = f"{self._link.name}: {self._profile.protocol}"
            why = f"{name} expected, {self._stray} bytes of something else found"
            self._end(ProtocolFault(why, event.data[-256:]), LinkState.GARBLED)
        self._changed.set()

    # -- the end -----------------------------------------------------------------------------

    def _report(self, task: asyncio.Task[None]) -> None:
        """Hand a fault of ours to whoever reads `deliveries`."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._end(fault, LinkState.FAULTED)

    def _end(self, why: BaseException, state: LinkState) -> None:
        if self._ended is None:
            self._ended = why
            self._turn(state, str(why))
            self._drain("the link ended before an answer was whole")
        self._changed.set()

    def _turn(self, state: LinkState, why: str | None = None) -> None:
        if state is not self._state:
            self._state = state
            self._on_state(state, why)
