"""Gives every standing result its one state, and numbers what the public is told of it.

Runs inside the transaction that made a result stand, so that what is shown and what is stored
cannot differ. Notices are numbered under their station's lock: gapless, in commit order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session, col

from gateway.wire.model import Json, canonical
from gateway.wire.notice import Deed, Notice, Row
from gateway.wire.result import Result
from gateway.wire.topics import StationTopics
from lab_api.notices.rows import Public, row_of, tells_the_same
from lab_api.publication import DEPENDS_ON_STATION, Decision, Standing, State, day_of, decide
from lab_api.store.leading import lock_station
from lab_api.store.names import random_name
from lab_api.store.results import current_results, in_conflict
from lab_api.store.rows import chunks, insert_all, upsert
from lab_api.store.stations import standing_of
from lab_api.store.tables import Publication, Station, StoredNotice

CODE_LETTERS = 12
"""60 bits: not to be guessed, short enough for a small QR code."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who decides and when: this lab, its store's feed, and the transaction's instant."""

    lab: str
    feed: str
    now: datetime


@dataclass(slots=True)
class _Change:
    """One result with what was, what is, and what the public must be told."""

    result: Result
    decision: Decision
    before: Publication | None
    standing: Standing
    code: str
    deed: Deed | None = None
    row: Row | None = None
    n: int | None = None
    told: Json | None = None
    """The notice's body, where there is one."""

    @property
    def station(self) -> StationTopics:
        return StationTopics(self.result.region, self.result.station)

    @property
    def day(self) -> str:
        when = self.result.effective_at.at if self.result.effective_at else None
        when = when or self.result.received_at
        return day_of(when, self.standing.card) if self.standing.card else when.date().isoformat()


def publish(
    session: Session,
    publisher: Publisher,
    results: Mapping[UUID, Result],
    stations: Mapping[StationTopics, Station],
) -> set[StationTopics]:
    """Decide results that have just come to stand; return the stations whose board changed."""
    if not results:
        return set()
    conflicted = in_conflict(session, results)
    before = _publications(session, results)
    standings = {place: standing_of(each, publisher.lab) for place, each in stations.items()}
    changes = []
    for id_, result in results.items():
        standing = standings[StationTopics(result.region, result.station)]
        decision = decide(result, standing, in_conflict=id_ in conflicted)
        held = before.get(id_)
        code = held.code if held else random_name(CODE_LETTERS)
        changes.append(_Change(result, decision, held, standing, code))
    for change in changes:
        _settle(change, publisher)
    _number(session, publisher, changes)
    upsert(session, Publication, [_publication(change, publisher.now) for change in changes])
    return {change.station for change in changes if _alters_board(change)}


def decide_again(session: Session, publisher: Publisher, ids: Iterable[UUID]) -> set[StationTopics]:
    """Decide standing results once more, because something about them has changed."""
    results = current_results(session, list(ids))
    places = {StationTopics(each.region, each.station) for each in results.values()}
    stations = {}
    for place in places:
        station = session.get(Station, (place.region, place.station))
        assert station is not None, "a result's station is kept with it"
        stations[place] = station
    return publish(session, publisher, results, stations)


def decide_station_again(
    session: Session, publisher: Publisher, station: StationTopics
) -> set[StationTopics]:
    """Decide what was held only because of what we knew of the station."""
    session.flush()
    query = select(col(Publication.id)).where(
        col(Publication.region) == station.region,
        col(Publication.station) == station.station,
        col(Publication.state) == State.HELD,
        col(Publication.reason).in_(DEPENDS_ON_STATION),
    )
    return decide_again(session, publisher, session.scalars(query).all())


def _publications(session: Session, ids: Iterable[UUID]) -> dict[UUID, Publication]:
    found: dict[UUID, Publication] = {}
    for chunk in chunks(ids):
        query = select(Publication).where(col(Publication.id).in_(chunk))
        found.update({each.id: each for each in session.scalars(query)})
    return found


def _settle(change: _Change, publisher: Publisher) -> None:
    """What the public must be told, from what it was shown and what it may be shown now."""
    before = change.before
    was_shown = before is not None and before.state is State.SHOWN
    if before is not None:
        change.n = before.n
        change.row = Row.model_validate(before.row) if before.row else None
    if change.decision.state is not State.SHOWN:
        if was_shown:
            change.deed = Deed.WITHDRAWN
        if before is not None and before.state in (State.SHOWN, State.WITHDRAWN):
            change.decision = Decision(State.WITHDRAWN, change.decision.reason)
        return
    shown = change.row
    notice = shown.notice if shown else ""
    row = row_of(change.result, Public(notice, change.code, publisher.now))
    if was_shown and shown and tells_the_same(row, shown):
        change.row = shown.model_copy(update={"revision": change.result.revision})
        return
    change.row = row
    change.deed = Deed.CORRECTED if was_shown else Deed.PUBLISHED


def _number(session: Session, publisher: Publisher, changes: list[_Change]) -> None:
    """Give each telling its number, station by station, under that station's lock."""
    telling: dict[StationTopics, list[_Change]] = {}
    for change in changes:
        if change.deed:
            telling.setdefault(change.station, []).append(change)
    for station in sorted(telling, key=lambda each: each.root):
        lock_station(session, station)
        n = _head(session, station)
        for change in telling[station]:
            n += 1
            _tell(change, publisher, n)
        rows = [_notice_row(change, publisher.now) for change in telling[station]]
        insert_all(session, StoredNotice, rows)


def _head(session: Session, station: StationTopics) -> int:
    query = select(func.max(col(StoredNotice.n))).where(
        col(StoredNotice.region) == station.region,
        col(StoredNotice.station) == station.station,
    )
    return session.scalar(query) or 0


def _tell(change: _Change, publisher: Publisher, n: int) -> None:
    assert change.deed is not None, "what is told does something"
    assert change.row is not None, "what is told has a row"
    change.n = n
    name = f"{change.result.station}-{n}"
    change.row = change.row.model_copy(update={"notice": name, "revision": change.result.revision})
    notice = Notice(
        region=change.result.region,
        station=change.result.station,
        lab=publisher.lab,
        feed=publisher.feed,
        n=n,
        deed=change.deed,
        day=_day_told(change),
        row=change.row,
        reason=change.result.reason or change.decision.reason,
        at=publisher.now,
    )
    change.told = notice.body()


def _day_told(change: _Change) -> str:
    """The day whose page is touched: what is withdrawn leaves the page it was on."""
    if change.deed is Deed.WITHDRAWN and change.before is not None:
        return change.before.day
    return change.day


def _notice_row(change: _Change, now: datetime) -> dict[str, object]:
    assert change.told is not None, "what was told has its notice"
    return {
        "region": change.result.region,
        "station": change.result.station,
        "n": change.n,
        "code": change.code,
        "deed": change.deed,
        "result": change.result.id,
        "revision": change.result.revision,
        "day": change.told["day"],
        "payload": canonical(change.told),
        "at": now,
        "announced_at": None,
    }


def _publication(change: _Change, now: datetime) -> dict[str, object]:
    result = change.result
    return {
        "id": result.id,
        "revision": result.revision,
        "state": change.decision.state,
        "reason": change.decision.reason,
        "region": result.region,
        "station": result.station,
        "day": change.day,
        "effective_at": result.effective_at.at if result.effective_at else None,
        "sample": result.sample.number,
        "outcome": result.verdict.outcome,
        "code": change.code,
        "n": change.n,
        "row": _row_body(change),
        "decided_at": now,
    }


def _row_body(change: _Change) -> Json | None:
    if change.told:
        told: Json = change.told["row"]
        return told
    return change.row.body() if change.row else None


def _alters_board(change: _Change) -> bool:
    """Whether a board's rows or totals differ after this change."""
    if change.deed or change.before is None:
        return True
    return (change.before.state, change.before.day) != (change.decision.state, change.day)
