"""Keeps every link alive on its own: one instrument's trouble is never another's.

A link that is lost is opened again with back-off, and at once when its path reappears. A fault
in understanding a peer, or a bug in one protocol, stops that link's conversation and no other.
Only a journal that cannot store ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from drivers import Profile, Recollection, open_bus, open_session
from drivers.errors import LinkLost, ProfileError, ProtocolFault
from drivers.reading import Custody
from drivers.sessions import OnState, Session
from gateway.clock import Clock
from gateway.fold import Instrument
from gateway.health import Health
from gateway.intake import take_in
from gateway.journal import Journal, JournalError, StorageShort
from gateway.journal.reading import last_raw
from gateway.wire.logs import link as link_of_logs
from gateway.wire.words import LinkState

log = logging.getLogger(__name__)

BACK_OFF = (1.0, 60.0)
"""Seconds between attempts, first and last, each with jitter."""
STEADY_AFTER = 10.0
"""Seconds a link must have lived for its next back-off to begin anew."""
WATCH_EVERY = 0.2
"""Seconds between looks for a path that may have come back."""
ROOM_EVERY = 1.0
"""Seconds between looks for room on a disk that was full."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """An instrument on a link."""

    instrument: Instrument
    profile: Profile
    unit: int | None = None
    """Its address, on a bus."""


@dataclass(frozen=True, slots=True)
class Cable:
    """One link of the settings with what is on it."""

    name: str
    url: str
    fitted: tuple[Fitted, ...]
    is_bus: bool = False
    """Whether several instruments share it, each with its address."""

    @property
    def listens(self) -> bool:
        """Whether instruments dial us."""
        return urlsplit(self.url).scheme == "tcp+listen"

    @property
    def path(self) -> Path | None:
        """The device's path, for a serial line."""
        parts = urlsplit(self.url)
        return Path(parts.path) if parts.scheme.endswith("serial") else None


class Keeper:
    """Keeps one link."""

    def __init__(self, cable: Cable, journal: Journal, health: Health, now: Clock) -> None:
        self._cable, self._journal, self._health, self._now = cable, journal, health, now
        self._recollection = Recollection()
        """How far an asked instrument's lists were read; outlives a lost link."""

    async def run(self) -> None:
        """Open, take in, and open again, for ever.

        Returns when the link can never be opened as it is set; raises only JournalError.
        """
        link_of_logs.set(self._cable.name)
        delay = BACK_OFF[0]
        while True:
            begun = asyncio.get_running_loop().time()
            why = await self._live_once()
            if asyncio.get_running_loop().time() - begun > STEADY_AFTER:
                delay = BACK_OFF[0]
            if why is None:
                return
            self._turned(*why)
            if self._cable.listens:
                # Whoever spoke nonsense is hung up on; the next to dial must find us.
                await asyncio.sleep(WATCH_EVERY)
            elif await self._wait(delay * random.uniform(0.75, 1.25)):
                delay = BACK_OFF[0]
            else:
                delay = min(delay * 2, BACK_OFF[1])

    async def _live_once(self) -> tuple[LinkState, str] | None:
        """One life of the link, from its opening to its end; returns how and why it ended.

        None when trying again cannot help.
        """
        ended: tuple[LinkState, str] | None
        try:
            await (self._on_bus() if self._cable.is_bus else self._alone())
        except* JournalError as group:
            raise _first(group) from None
        except* LinkLost as group:
            ended = (LinkState.LOST, _text(group))
        except* ProtocolFault as group:
            ended = (LinkState.GARBLED, _text(group))
        except* ProfileError as group:
            self._turned(LinkState.FAULTED, _text(group))
            ended = None
        except* Exception as group:
            log.exception("%s: a fault of this program", self._cable.name)
            ended = (LinkState.FAULTED, f"a fault of this program: {_text(group)}")
        else:
            ended = (LinkState.LOST, "the other side ended the conversation")
        return ended

    async def _alone(self) -> None:
        """One instrument on a link of bytes."""
        (fitted,) = self._cable.fitted
        session = await open_session(
            self._cable.url,
            fitted.profile,
            on_state=self._teller(fitted.instrument),
            recollection=self._recollection,
        )
        await self._converse(session, fitted)

    async def _on_bus(self) -> None:
        """Every instrument of a bus, each in its own conversation, on one line."""
        bus = await open_bus(self._cable.url, defaults=self._cable.fitted[0].profile.serial)
        try:
            async with asyncio.TaskGroup() as tasks:
                for fitted in self._cable.fitted:
                    known = partial(last_raw, instrument=fitted.instrument.id)
                    session = bus.session(
                        fitted.profile,
                        fitted.unit or 1,
                        on_state=self._teller(fitted.instrument),
                        last=await self._journal.read(known),
                    )
                    tasks.create_task(self._converse(session, fitted))
        finally:
            await bus.close()

    async def _converse(self, session: Session, fitted: Fitted) -> None:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._watch_room(session))
            try:
                await take_in(
                    session,
                    fitted.instrument,
                    Custody(fitted.profile.custody),
                    self._journal,
                    self._health,
                    self._now,
                )
            finally:
                watch.cancel()
                await session.close()

    def _teller(self, instrument: Instrument) -> OnState:
        return lambda state, why: self._health.turned(instrument.id, LinkState(state), why)

    def _turned(self, state: LinkState, why: str) -> None:
        for fitted in self._cable.fitted:
            self._health.turned(fitted.instrument.id, state, why)

    async def _watch_room(self, session: Session) -> None:
        """Accept again once there is room; a bid is refused until then."""
        while True:
            await asyncio.sleep(ROOM_EVERY)
            if not session.accepting:
                with contextlib.suppress(StorageShort):
                    await self._journal.make_sure_of_room()
                    session.accepting = True

    async def _wait(self, seconds: float) -> bool:
        """Wait, at most until a path that was gone is back; True when it is."""
        path = self._cable.path
        was_gone = path is not None and not path.exists()
        left = seconds
        while left > 0:
            step = min(WATCH_EVERY, left)
            await asyncio.sleep(step)
            left -= step
            if path is not None:
                is_gone = not path.exists()
                if was_gone and not is_gone:
                    return True
                was_gone = is_gone
        return False


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def _text(group: BaseExceptionGroup[BaseException]) -> str:
    found = _first(group)
    return f"{found}" or type(found).__name__
