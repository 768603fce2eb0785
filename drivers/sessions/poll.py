"""A session with one instrument on a shared line: asked for registers, again and again.

An instrument that does not answer is asked less and less often, so that all that are dead
together never take more than a twentieth of the line's time from the others. It is its own
trouble, told by its own state; only the line's loss ends the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from drivers.errors import LinkLost
from drivers.links.modbus import TICK, Manners, ModbusLine, NoAnswer
from drivers.links.modbus_frames import Refused
from drivers.profile import ModbusProfile
from drivers.protocols.base import (
    Answer,
    Arrived,
    Exchange,
    Missed,
    PollEvent,
    PollProtocol,
    Read,
    Step,
    Stranger,
    Unsteady,
    Wait,
    Write,
)
from drivers.reading import Delivery, Settlement
from drivers.sessions.base import Answers, Counts, LinkState, OnState
from drivers.sessions.stream import no_answer, say_nothing
from drivers.understand import handed_over

T = TypeVar("T")

LOST_AFTER = 2
"""Looks in a row without an answer after which a unit counts as lost."""
ROOM_EVERY = 0.2
"""Seconds between looks whether there is room again for what may be found."""
SHARE = 0.05
"""Of the line's time what all units that do not answer may take together."""
LONGEST_REST = 60.0
"""Seconds between two looks for a unit that does not answer, where the line's time allows it."""
STRANGER_REST = 10.0
"""Seconds until it is looked again whether the right instrument is there."""


@dataclass(slots=True)
class Budget:
    """Who on a line does not answer."""

    silent: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Look:
    """How one look at the instrument went."""

    unanswered: float = 0.0
    """Seconds of the line that were spent on nothing."""
    answered: int = 0
    why: str | None = None
    """Of the last question that was not answered."""
    refusal: str | None = None


class PollSession:
    """One unit of a line, one register protocol and one profile, alive."""

    def __init__(
        self,
        line: ModbusLine,
        unit: int,
        manners: Manners,
        protocol: PollProtocol,
        profile: ModbusProfile,
        *,
        budget: Budget,
        now: Callable[[], float] = time.monotonic,
        on_state: OnState = say_nothing,
        on_closed: Callable[[], None] = lambda: None,
    ) -> None:
        """`now` is a monotonic clock in seconds; `budget` is the line's, for all its units."""
        self.accepting = True
        self.answers: Answers = no_answer
        self.counts = Counts()
        self._line, self._unit, self._manners = line, unit, manners
        self._protocol, self._profile = protocol, profile
        self._budget, self._now = budget, now
        self._on_state, self._on_closed = on_state, on_closed
        self._state = LinkState.CONNECTING
        self._look = _Look()
        self._lacking = 0
        """Looks in a row in which something was not answered."""
        self._due = now()
        self._closed = asyncio.Event()
        self._settled = asyncio.Event()

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield deliveries for as long as the line lives; the next only after the last is settled.

        Raises LinkLost, for the line; an instrument that does not answer is no loss of it.
        """
        self._turn(LinkState.SILENT, "nothing heard yet")
        try:
            while True:
                await self._rest()
                for delivery in self._handed_over(await self._looked()):
                    self._settled = asyncio.Event()
                    yield delivery
                    await self._settled.wait()
        except LinkLost as lost:
            self._turn(LinkState.STOPPED if self._closed.is_set() else LinkState.LOST, str(lost))
            raise
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop asking; the line stays open for the others. May be called again."""
        if not self._closed.is_set():
            self._closed.set()
            self._budget.silent.discard(self._unit)
            self._on_closed()
            if self._state is not LinkState.LOST:
                self._turn(LinkState.STOPPED)

    # -- looking -----------------------------------------------------------------------------

    async def _rest(self) -> None:
        """Wait until the next look is due and there is room for what it may find."""
        while (left := self._due - self._now()) > TICK or not self.accepting:
            await self._pause(max(left, ROOM_EVERY if not self.accepting else 0.0))
        self._raise_if_over()

    async def _pause(self, seconds: float) -> None:
        """Let time pass, at most until the line is lost or we are closed."""
        self._raise_if_over()
        ends = [asyncio.create_task(one.wait()) for one in (self._line.lost, self._closed)]
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
        self._raise_if_over()

    def _raise_if_over(self) -> None:
        if self._closed.is_set():
            raise LinkLost(f"{self._name}: closed")
        if self._line.why_lost is not None:
            raise self._line.why_lost

    @property
    def _name(self) -> str:
        return f"{self._line.name}, unit {self._unit}"

    async def _looked(self) -> Sequence[PollEvent]:
        self._look = _Look()
        events = await self._converse(self._protocol.poll())
        self._note(events)
        return events

    def _note(self, events: Sequence[PollEvent]) -> None:
        """Say how the instrument is, and when it is looked at next."""
        look, interval = self._look, self._protocol.interval
        self._due = self._now() + interval
        if look.why is not None:
            self._lacking += 1
            # A single answer is lost to noise on any line.
            if self._lacking >= LOST_AFTER:
                self._due = self._now() + self._patience(look)
            if not look.answered:
                self._fell_silent(look.why)
                return
        else:
            self._lacking = 0
        self._budget.silent.discard(self._unit)
        if look.refusal is not None:
            self._turn(LinkState.FAULTED, look.refusal)
            return
        for event in events:
            if isinstance(event, Stranger):
                self._turn(LinkState.FAULTED, f"{self._name}: {event.reason}")
                self._due = self._now() + max(interval, STRANGER_REST)
                return
            if isinstance(event, Unsteady):
                self._turn(LinkState.GARBLED, event.reason)
                return
        self._turn(LinkState.SPEAKING)

    def _fell_silent(self, why: str) -> None:
        if self._lacking < LOST_AFTER:
            self._turn(LinkState.SILENT, why)
            return
        self._budget.silent.add(self._unit)
        self._due = self._now() + self._patience(self._look)
        self._turn(LinkState.LOST, why)

    def _patience(self, look: _Look) -> float:
        """Seconds to the next look at a unit that took some of the line's for nothing."""
        growing = min(self._protocol.interval * 2.0**self._lacking, LONGEST_REST)
        fair = look.unanswered * max(1, len(self._budget.silent)) / SHARE
        return max(self._protocol.interval if look.answered else growing, fair)

    # -- the conversation --------------------------------------------------------------------

    async def _converse(self, exchange: Exchange[T]) -> T:
        """Do what a conversation wants, step by step, until it has what it asked for."""
        answer: Answer = None
        try:
            while True:
                answer = await self._do(exchange.send(answer))
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            exchange.close()

    async def _do(self, step: Step) -> Answer:
        if isinstance(step, Wait):
            await self._pause(step.seconds)
            return None
        if not isinstance(step, Read | Write):
            raise TypeError(f"Read, Write or Wait expected, {step!r} found")
        self._raise_if_over()
        try:
            answer = await self._line.ask(self._unit, step, self._manners)
        except NoAnswer as silence:
            self._look.why = str(silence)
            self._look.unanswered += silence.seconds
            return None
        except Refused as refused:
            self._look.refusal = str(refused)
            self._look.answered += 1
            return None
        self._look.answered += 1
        self.counts.octets += 2 * len(answer)
        return answer

    # -- handing over ------------------------------------------------------------------------

    def _handed_over(self, events: Sequence[PollEvent]) -> Iterator[Delivery]:
        missed = 0
        for event in events:
            if isinstance(event, Missed):
                missed = event.count
            elif isinstance(event, Arrived):
                self.counts.records += 1
                yield replace(self._delivery(event), missed=missed)
                missed = 0

    def _delivery(self, arrived: Arrived) -> Delivery:
        at = self._now()

        async def settle(settlement: Settlement) -> None:
            if self._settled.is_set():
                raise RuntimeError("a delivery is settled exactly once; this one was already")
            is_late = self._now() - at > self._profile.answer_within
            told = Settlement.RETRY if is_late else settlement
            try:
                await self._release(arrived, told)
            finally:
                self._settled.set()

        delivery = handed_over(self._profile, arrived.record, settle)
        if self._profile.identifies:
            return delivery
        named = tuple(replace(one, identity=secrets.token_bytes(16)) for one in delivery.readings)
        return replace(delivery, readings=named)

    async def _release(self, arrived: Arrived, settlement: Settlement) -> None:
        """Tell the instrument; that the line is lost is told by whoever looks next."""
        with contextlib.suppress(LinkLost):
            await self._converse(self._protocol.settle(arrived.held, settlement))

    def _turn(self, state: LinkState, why: str | None = None) -> None:
        if state is not self._state:
            self._state = state
            self._on_state(state, why)
