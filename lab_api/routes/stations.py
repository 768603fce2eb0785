"""Stations: what is known of each, its gateways and instruments, and how far they are held."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import Session

from gateway.wire.topics import GatewayTopics, StationTopics
from lab_api.auth import Principal, Role
from lab_api.errors import Wrong
from lab_api.routes.needs import Needs
from lab_api.routes.problems import invalid
from lab_api.routes.rooms import Inside
from lab_api.schemas import (
    EpochLine,
    GatewayLine,
    InstrumentLine,
    Page,
    StationLine,
    cursor_of,
    place_of,
)
from lab_api.store.gateways import gateways_of, instruments_of
from lab_api.store.stations import every_station, standing_of
from lab_api.store.streams import streams_of
from lab_api.store.tables import GatewaySeen, Station

router = APIRouter(prefix="/api/v1/stations", tags=["stations"])

Watchers = Annotated[
    Principal, Depends(Needs(Role.TECHNICIAN, Role.REVIEWER, Role.MONITOR, Role.ADMIN))
]


@router.get("")
async def stations(
    rooms: Inside,
    principal: Watchers,
    response: Response,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Page[StationLine]:
    """The stations within the key's scope; those only heard are for `admin` alone."""
    response.headers["cache-control"] = "no-store"
    after = _after(cursor)

    def read(session: Session) -> tuple[list[StationLine], str | None]:
        found = [
            each
            for each in every_station(session)
            if (each.known or principal.role is Role.ADMIN)
            and principal.reaches(StationTopics(each.region, each.id))
            and (after is None or (each.region, each.id) > after)
        ]
        lines = [_line(session, each, rooms.lab) for each in found[:limit]]
        last = found[limit - 1] if len(found) > limit else None
        return lines, cursor_of(last.region, last.id) if last else None

    lines, following = await rooms.store.read(read)
    return Page(items=tuple(lines), next=following)


def _after(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    try:
        region, id_ = place_of(cursor, 2)
    except ValueError as error:
        raise invalid((Wrong("query.cursor", str(error)),)) from error
    return region, id_


def _line(session: Session, station: Station, lab: str) -> StationLine:
    standing = standing_of(station, lab)
    gateways = gateways_of(session, StationTopics(station.region, station.id))
    return StationLine(
        station=station.id,
        region=station.region,
        known=station.known,
        publish=station.publish,
        objection=standing.objection(),
        name=standing.card.name if standing.card else None,
        demo=standing.card.demo if standing.card else None,
        gateways=tuple(_gateway(session, each) for each in gateways),
    )


def _gateway(session: Session, seen: GatewaySeen) -> GatewayLine:
    gateway = GatewayTopics(seen.region, seen.station, seen.gateway)
    return GatewayLine(
        gateway=seen.gateway,
        state=seen.state,
        proved_at=seen.proved_at,
        offered=seen.offered,
        epochs=tuple(
            EpochLine(epoch=each.epoch, through=each.through, fork=each.fork)
            for each in streams_of(session, gateway)
        ),
        instruments=tuple(
            InstrumentLine(instrument=each.instrument, heard_at=each.heard_at, status=each.status)
            for each in instruments_of(session, gateway)
        ),
        status=seen.status,
    )
