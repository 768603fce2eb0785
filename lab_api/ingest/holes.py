"""Finds what a gateway offered and we do not hold, and asks for it again (CUSTODY.md 5, 6, 22).

A hole is a seq at or below `offered` that is not held, with its raw, and not absent, for 30 s.
Only a status names `offered`; what lies above it is on its way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from gateway.wire.absent import Absent, AbsentRange, Why
from gateway.wire.commands import ReplayCommand, ReplayRange, Verb
from gateway.wire.topics import GatewayTopics
from lab_api.ingest.taking import Outcome
from lab_api.store.commands import (
    Asking,
    keep_command,
    new_request,
    open_command,
    open_commands,
)
from lab_api.store.refusals import refused_since
from lab_api.store.store import Store
from lab_api.store.streams import (
    Epoch,
    advance,
    epoch_of,
    lock_streams,
    missing,
    note_absence,
    open_streams,
    streams_of,
)
from lab_api.store.tables import GatewaySeen, Stream
from lab_api.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two searches."""
RIPE_AFTER = timedelta(seconds=30)
"""How long a seq must be missing, and how long between two requests for it."""
MOST_OPEN = 20
"""Requests open at once over all gateways, so that a storm is worked off in turns."""
MOST_ASKED = 1000
"""Seqs in one request."""
TRIES = 3
"""Requests for one seq that bring only what cannot be read, until it counts as absent."""


@dataclass(slots=True)
class _Missing:
    """A seq that is not there."""

    since: datetime
    first_since: datetime
    asked: int = 0


@dataclass(slots=True)
class _Search:
    """What is missing of one gateway's epoch."""

    missing: dict[int, _Missing] = field(default_factory=dict)

    def look(self, seqs: Sequence[int], now: datetime) -> None:
        """Take in what is missing now; what is there again is forgotten."""
        self.missing = {seq: self.missing.get(seq) or _Missing(now, now) for seq in seqs}

    def ripe(self, now: datetime, after: timedelta) -> list[int]:
        return [seq for seq, each in self.missing.items() if now - each.since >= after]


class Finder:
    """The one finder of holes; of several replicas one has the lead."""

    def __init__(
        self,
        store: Store,
        lab: str,
        told: Callable[[Outcome], None],
        *,
        ripe_after: timedelta = RIPE_AFTER,
        every: float = EVERY,
    ) -> None:
        self._store, self._lab, self._told = store, lab, told
        self._ripe_after, self._every = ripe_after, every
        self._lead = store.lead("holes")
        self._searches: dict[Epoch, _Search] = {}
        self.holes = 0
        """Seqs missing when last searched; at most 1,000 of each gateway are counted."""

    async def run(self) -> None:
        """Search again and again, until cancelled."""
        try:
            while True:
                await asyncio.sleep(self._every)
                try:
                    if await self._store.leads(self._lead):
                        await self.search(datetime.now(UTC))
                except StoreTrouble as trouble:
                    log.warning("no holes are searched: %s", trouble)
        finally:
            self._lead.leave()

    async def search(self, now: datetime) -> None:
        """Search once; ask for what has been missing long enough."""
        found = await self._store.read(_search_everywhere)
        self._searches = {epoch: self._searches.get(epoch, _Search()) for epoch in found.missing}
        for epoch, seqs in found.missing.items():
            self._searches[epoch].look(seqs, now)
        self.holes = sum(len(seqs) for seqs in found.missing.values())
        ripe = {
            epoch: seqs
            for epoch, search in self._searches.items()
            if (seqs := search.ripe(now, self._ripe_after))
        }
        if ripe or found.behind:
            self._told(
                await self._store.write(lambda session: self._act(session, ripe, found.behind, now))
            )

    def _act(
        self, session: Session, ripe: dict[Epoch, list[int]], behind: list[int], now: datetime
    ) -> Outcome:
        outcome = Outcome()
        for stream in lock_streams(session, behind):
            if advance(session, stream, now):
                outcome.receipts.add(epoch_of(stream).gateway)
        room = MOST_OPEN - open_commands(session, Verb.REPLAY, now)
        for epoch, seqs in ripe.items():
            if room > 0 and self._ask(session, epoch, seqs, now):
                outcome.commands = True
                room -= 1
            outcome.receipts.add(epoch.gateway)
        return outcome

    def _ask(self, session: Session, epoch: Epoch, seqs: list[int], now: datetime) -> bool:
        """Ask one gateway, unless a request to it is still open."""
        if open_command(session, epoch.gateway, Verb.REPLAY, now):
            return False
        seqs = self._give_up(session, epoch, seqs, now)
        if not seqs:
            return False
        worth = max(self._ripe_after * 2, timedelta(seconds=10))
        asking = Asking(epoch.gateway, Verb.REPLAY, self._lab, now, worth)
        command = ReplayCommand(
            request=new_request(self._lab),
            lab=self._lab,
            at=now,
            epoch=epoch.number,
            ranges=tuple(_ranges(seqs[:MOST_ASKED])),
        )
        keep_command(session, asking, command)
        log.info("%s: asked for %d seqs again", epoch.gateway.root, len(seqs))
        for seq in seqs[:MOST_ASKED]:
            each = self._searches[epoch].missing[seq]
            each.asked, each.since = each.asked + 1, now
        return True

    def _give_up(self, session: Session, epoch: Epoch, seqs: list[int], now: datetime) -> list[int]:
        """Name as absent what was asked for three times and came unreadable each time."""
        search = self._searches[epoch]
        spent = [
            seq
            for seq in seqs
            if search.missing[seq].asked >= TRIES
            and refused_since(session, epoch.gateway.root, search.missing[seq].first_since)
        ]
        if spent:
            stream = open_streams(session, [epoch], now)[epoch]
            ranges = tuple(
                AbsentRange(first=run.first, to=run.to, chain=None) for run in _ranges(spent)
            )
            note_absence(
                session,
                stream,
                Absent(epoch=epoch.number, ranges=ranges, reason=Why.DAMAGED, at=now),
                now,
            )
            advance(session, stream, now)
            log.error("%s: %d seqs given up as unreadable", epoch.gateway.root, len(spent))
        return [seq for seq in seqs if seq not in spent]


@dataclass(slots=True)
class _Found:
    """What one search saw."""

    missing: dict[Epoch, list[int]] = field(default_factory=dict)
    behind: list[int] = field(default_factory=list)
    """Streams of which all is there, and whose `through` has not moved over it.

    An entry and its raw bytes that two replicas commit at once each see the other's missing.
    """


def _search_everywhere(session: Session) -> _Found:
    """Look at each gateway's present epoch, up to what it offered."""
    found = _Found()
    for seen in session.exec(select(GatewaySeen)).all():
        gateway = GatewayTopics(seen.region, seen.station, seen.gateway)
        held = {stream.epoch: stream for stream in streams_of(session, gateway)}
        stream = held.get(seen.epoch) or _nothing_of(gateway, seen.epoch)
        if seen.offered <= stream.through or stream.fork:
            continue
        if seqs := missing(session, stream, seen.offered, MOST_ASKED):
            found.missing[Epoch(gateway, seen.epoch)] = seqs
        if stream.id is not None and stream.through + 1 not in seqs:
            found.behind.append(stream.id)
    return found


def _nothing_of(gateway: GatewayTopics, epoch: int) -> Stream:
    """A stream of which nothing has come yet."""
    never = datetime.min.replace(tzinfo=UTC)
    return Stream(
        region=gateway.region,
        station=gateway.station,
        gateway=gateway.gateway,
        epoch=epoch,
        advanced_at=never,
    )


def _ranges(seqs: Sequence[int]) -> list[ReplayRange]:
    """Ascending seqs as runs.

    >>> [(run.first, run.to) for run in _ranges([1, 2, 5])]
    [(1, 2), (5, 5)]
    """
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    return [ReplayRange(first=first, to=to) for first, to in runs]
