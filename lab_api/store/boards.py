"""Boards and notices as they are read: one station's day in numbers, its rows, what was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, distinct, func, select
from sqlmodel import Session, col

from gateway.wire.board import Board, Heartbeat, Proof, Totals
from gateway.wire.notice import Row
from gateway.wire.status import Presence, StationCard
from gateway.wire.topics import StationTopics
from gateway.wire.words import Outcome
from lab_api.publication import State, day_of
from lab_api.store.gateways import gateways_of
from lab_api.store.stations import card_of, published_station
from lab_api.store.tables import Publication, Station, StoredNotice

MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Glance:
    """Who looks at a board and when: this lab, its store's feed, the instant."""

    lab: str
    feed: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it is sent to readers."""

    n: int
    payload: bytes


def board_of(session: Session, glance: Glance, station_id: str) -> Board | None:
    """What the public screen shows now; None for a station this lab does not publish."""
    station = published_station(session, glance.lab, station_id)
    if station is None:
        return None
    place, card = StationTopics(station.region, station.id), _card(station)
    day = day_of(glance.now, card)
    return Board(
        region=station.region,
        station=station.id,
        lab=glance.lab,
        feed=glance.feed,
        n=head_of(session, place),
        as_of=glance.now,
        day=day,
        card=card,
        totals=_totals(session, place, day),
        proof=_proof(session, place, glance.now),
        rows=_rows(session, place, day),
    )


def heartbeat_of(session: Session, glance: Glance, station_id: str) -> Heartbeat | None:
    """A board without its rows; None for a station this lab does not publish."""
    station = published_station(session, glance.lab, station_id)
    if station is None:
        return None
    place, day = StationTopics(station.region, station.id), day_of(glance.now, _card(station))
    return Heartbeat(
        feed=glance.feed,
        n=head_of(session, place),
        as_of=glance.now,
        day=day,
        proof=_proof(session, place, glance.now),
        totals=_totals(session, place, day),
    )


def head_of(session: Session, station: StationTopics) -> int:
    """The newest notice of a station; 0 before the first."""
    query = select(func.max(col(StoredNotice.n))).where(
        col(StoredNotice.region) == station.region,
        col(StoredNotice.station) == station.station,
    )
    return session.scalar(query) or 0


def notices_after(session: Session, station: StationTopics, n: int, most: int) -> Sequence[Told]:
    """What a station's public was told after notice `n`, in order."""
    query = (
        select(col(StoredNotice.n), col(StoredNotice.payload))
        .where(
            col(StoredNotice.region) == station.region,
            col(StoredNotice.station) == station.station,
            col(StoredNotice.n) > n,
        )
        .order_by(col(StoredNotice.n))
        .limit(most)
    )
    return [Told(number, payload) for number, payload in session.execute(query)]


def _card(station: Station) -> StationCard:
    card = card_of(station)
    assert card is not None, "a published station has its card"
    return card


def _rows(session: Session, place: StationTopics, day: str) -> tuple[Row, ...]:
    query = (
        select(col(Publication.row))
        .where(
            col(Publication.region) == place.region,
            col(Publication.station) == place.station,
            col(Publication.day) == day,
            col(Publication.state) == State.SHOWN,
        )
        .order_by(col(Publication.effective_at).desc(), col(Publication.n).desc())
        .limit(MOST_ROWS)
    )
    return tuple(Row.model_validate(row) for row in session.scalars(query))


def _totals(session: Session, place: StationTopics, day: str) -> Totals:
    """Count a day in the database; a sample passes only if each published test of it does."""
    here = (
        col(Publication.region) == place.region,
        col(Publication.station) == place.station,
        col(Publication.day) == day,
    )
    shown = col(Publication.state) == State.SHOWN
    counted = select(
        func.count(case((shown, 1))),
        func.count(distinct(case((shown, col(Publication.sample))))),
        func.count(case((col(Publication.state).in_((State.HELD, State.UNASSIGNED)), 1))),
        func.count(case((col(Publication.state) == State.INVALID, 1))),
    ).where(*here)
    tests, samples, waiting, invalid = session.execute(counted).one()
    not_passed = select(func.count(distinct(col(Publication.sample)))).where(
        *here, shown, col(Publication.outcome) != Outcome.PASS
    )
    return Totals(
        samples=samples,
        tests=tests,
        passed=samples - (session.scalar(not_passed) or 0),
        waiting=waiting,
        invalid=invalid,
    )


def _proof(session: Session, place: StationTopics, now: datetime) -> Proof:
    """How old the newest proof is. The lab's own is this very reading of its store."""
    gateways = gateways_of(session, place)
    proved = [each.proved_at for each in gateways if each.proved_at]
    age = max((now - max(proved)).total_seconds(), 0.0) if proved else None
    return Proof(
        gateway_age_s=age,
        lab_age_s=0.0,
        gateway_online=any(each.state is Presence.ONLINE for each in gateways),
    )
