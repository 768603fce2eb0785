"""Stations: those of the settings, those added, and those only heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlmodel import Session, col

from gateway.wire.status import StationCard
from gateway.wire.topics import StationTopics
from lab_api.publication import Standing
from lab_api.settings import StationPart
from lab_api.store.rows import chunks, insert_new
from lab_api.store.tables import Station


@dataclass(frozen=True, slots=True)
class Stations:
    """The stations of one batch, as they stand inside its transaction."""

    by_place: dict[StationTopics, Station]
    known_region: dict[str, str]
    """Station id → the region it is configured in."""

    def objection(self, station: StationTopics) -> str | None:
        """Why nothing of this station may be taken: the id is another's."""
        region = self.known_region.get(station.station)
        if region in (None, station.region):
            return None
        return f"station {station.station} in region {region} expected, {station.region} found"


def hear_stations(session: Session, heard: Iterable[StationTopics], now: datetime) -> Stations:
    """The stations that were heard; one not known is kept as only heard."""
    wanted = sorted(set(heard), key=lambda station: (station.region, station.station))
    names = sorted({station.station for station in wanted})
    known: dict[str, str] = {}
    for chunk in chunks(names):
        query = select(Station).where(col(Station.id).in_(chunk), col(Station.known))
        known.update({station.id: station.region for station in session.scalars(query)})
    # One whose id is configured elsewhere is refused, not made a station of.
    ours = [each for each in wanted if known.get(each.station, each.region) == each.region]
    rows = [
        {
            "region": each.region,
            "id": each.station,
            "known": False,
            "from_file": False,
            "publish": False,
            "card": None,
            "first_at": now,
        }
        for each in ours
    ]
    insert_new(session, Station, rows)
    return Stations(_stations(session, ours), known)


def _stations(session: Session, places: Sequence[StationTopics]) -> dict[StationTopics, Station]:
    place = tuple_(col(Station.region), col(Station.id))
    found: dict[StationTopics, Station] = {}
    for chunk in chunks([(each.region, each.station) for each in places]):
        # Shared: a card that changes meanwhile waits, and then decides again what we decided.
        query = (
            select(Station)
            .where(place.in_(chunk))
            .order_by(col(Station.region), col(Station.id))
            .with_for_update(read=True)
        )
        for station in session.scalars(query):
            found[StationTopics(station.region, station.id)] = station
    return found


def card_of(station: Station) -> StationCard | None:
    """The newest card a station sent of itself."""
    return StationCard.model_validate(station.card) if station.card else None


def standing_of(station: Station, lab: str) -> Standing:
    """What publication must know of a station."""
    return Standing(lab, station.known, station.publish, card_of(station))


def known_station(session: Session, id_: str) -> Station | None:
    """The station of this id that this lab knows."""
    query = select(Station).where(col(Station.id) == id_, col(Station.known))
    return session.scalars(query).first()


def every_station(session: Session) -> Sequence[Station]:
    """Every station, also those only heard, by region and id."""
    query = select(Station).order_by(col(Station.region), col(Station.id))
    return session.scalars(query).all()


def published_station(session: Session, lab: str, id_: str) -> Station | None:
    """The station of this id, if this lab publishes it."""
    station = known_station(session, id_)
    if station is None or standing_of(station, lab).objection() is not None:
        return None
    return station


def published_stations(session: Session, lab: str) -> list[Station]:
    """Every station that this lab publishes, by its id."""
    query = (
        select(Station).where(col(Station.known), col(Station.publish)).order_by(col(Station.id))
    )
    return [
        station
        for station in session.scalars(query)
        if standing_of(station, lab).objection() is None
    ]


def apply_settings(
    session: Session, configured: Sequence[StationPart], now: datetime
) -> list[StationTopics]:
    """Make the stations of the file known and those that left it unknown.

    Returns the stations whose standing changed, so that what was held for it is decided again.
    """
    wanted = {StationTopics(each.region, each.id): each for each in configured}
    changed: list[StationTopics] = []
    for station in session.scalars(select(Station).where(col(Station.from_file))):
        place = StationTopics(station.region, station.id)
        if place not in wanted:
            station.known = station.from_file = station.publish = False
            changed.append(place)
    session.flush()
    for place, part in wanted.items():
        found = session.get(Station, (place.region, place.station))
        if found is None:
            found = Station(
                region=part.region,
                id=part.id,
                known=False,
                from_file=True,
                publish=part.publish,
                first_at=now,
            )
            session.add(found)
        if (found.known, found.publish) != (True, part.publish):
            changed.append(place)
        found.known, found.from_file, found.publish = True, True, part.publish
    return changed


def add_station(session: Session, part: StationPart, now: datetime) -> StationTopics:
    """Make a station known that no settings file names; ValueError where its id is taken."""
    taken = known_station(session, part.id)
    if taken is not None:
        raise ValueError(
            f"a station id that is not known yet expected, {part.id} in {taken.region} found"
        )
    found = session.get(Station, (part.region, part.id))
    if found is None:
        found = Station(
            region=part.region,
            id=part.id,
            known=True,
            from_file=False,
            publish=part.publish,
            first_at=now,
        )
    found.known, found.publish = True, part.publish
    session.add(found)
    return StationTopics(part.region, part.id)
