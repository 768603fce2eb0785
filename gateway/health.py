"""What the gateway knows of itself: each link's state since when, said once when it changes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.clock import Clock
from gateway.fold import Instrument
from gateway.wire.status import InstrumentStatus
from gateway.wire.words import LinkState

log = logging.getLogger(__name__)

UNSHOWABLE = re.compile("[\x00\ud800-\udfff]")
"""What an operating system may put into an error, and no wire model takes."""
TROUBLE = frozenset({LinkState.LOST, LinkState.FAULTED, LinkState.GARBLED})


@dataclass(frozen=True, slots=True)
class Condition:
    """How one instrument is."""

    instrument: Instrument
    link: str
    state: LinkState
    since: datetime
    why: str | None = None
    last_delivery_at: datetime | None = None
    deliveries: int = 0
    not_understood: int = 0

    def wire(self) -> InstrumentStatus:
        """As it is told."""
        return InstrumentStatus(
            instrument=self.instrument.id,
            link=self.link,
            state=self.state,
            since=self.since,
            why=None if self.why is None else UNSHOWABLE.sub("\ufffd", self.why),
            profile=self.instrument.profile,
            maker=self.instrument.maker,
            model=self.instrument.model,
            last_delivery_at=self.last_delivery_at,
            deliveries=self.deliveries,
            not_understood=self.not_understood,
        )


class Health:
    """The conditions of all instruments; tells who wants to know when one changes."""

    def __init__(self, now: Clock) -> None:
        self.on_change: list[Callable[[str], None]] = []
        self._now = now
        self._conditions: dict[str, Condition] = {}

    def conditions(self) -> list[Condition]:
        """Every instrument, in the order of the settings."""
        return list(self._conditions.values())

    def of(self, instrument: str) -> Condition:
        """One instrument; KeyError when there is none of that id."""
        return self._conditions[instrument]

    def enter(self, instrument: Instrument, link: str) -> None:
        """An instrument of the settings, not yet connected."""
        self._conditions[instrument.id] = Condition(
            instrument, link, LinkState.CONNECTING, self._now()
        )

    def turned(self, instrument: str, state: LinkState, why: str | None = None) -> None:
        """A link is in this state; said once, however often it is repeated.

        A link that is lost stays lost, since when it was, while it is tried again.
        """
        known = self._conditions[instrument]
        is_tried_again = state is LinkState.CONNECTING and known.state in TROUBLE
        if is_tried_again or (known.state, known.why) == (state, why):
            return
        self._conditions[instrument] = replace(known, state=state, since=self._now(), why=why)
        level = logging.WARNING if state in TROUBLE else logging.INFO
        log.log(level, "%s: %s%s", instrument, state, f": {why}" if why else "")
        self._tell(instrument)

    def delivered(self, instrument: str, understood: bool) -> None:
        """A delivery was stored."""
        known = self._conditions[instrument]
        self._conditions[instrument] = replace(
            known,
            last_delivery_at=self._now(),
            deliveries=known.deliveries + 1,
            not_understood=known.not_understood + (not understood),
        )
        self._tell(instrument)

    def _tell(self, instrument: str) -> None:
        for tell in self.on_change:
            tell(instrument)
