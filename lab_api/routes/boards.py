"""The public boards: which there are, one as it stands, and everything that happens on it."""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from http import HTTPStatus
from io import BytesIO
from typing import Annotated

import segno
from fastapi import APIRouter, Header, Path, Query, Request, Response
from sqlmodel import Session

from gateway.wire.board import Board
from gateway.wire.topics import StationTopics
from lab_api.errors import Problem, Slug, not_found
from lab_api.feed.feed import Crowded
from lab_api.routes.rooms import Inside, Rooms
from lab_api.routes.streams import EventStream
from lab_api.schemas import SEGMENT_PATTERN, BoardLine, Page
from lab_api.store.stations import card_of, published_station, published_stations
from lab_api.store.tables import Station

router = APIRouter(prefix="/api/v1/boards", tags=["boards"])

StationId = Annotated[str, Path(pattern=SEGMENT_PATTERN)]
NO_STORE = {"cache-control": "no-store"}


@router.get("")
async def boards(
    rooms: Inside,
    response: Response,
    cursor: Annotated[str | None, Query(pattern=SEGMENT_PATTERN)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Page[BoardLine]:
    """The boards that this lab publishes, by station; `cursor` is the last station seen."""
    stations = await rooms.store.read(partial(published_stations, lab=rooms.lab))
    after = [each for each in stations if cursor is None or each.id > cursor]
    response.headers.update(NO_STORE)
    return Page(
        items=tuple(_line(each, rooms) for each in after[:limit]),
        next=after[limit - 1].id if len(after) > limit else None,
    )


@router.get("/{station}", response_model=Board)
async def board(rooms: Inside, request: Request, station: StationId) -> Response:
    """What the public screen of a station shows now.

    The ETag changes with what is shown, not with `as_of` and `proof`.
    """
    found = await rooms.feed.board(station)
    if found is None:
        raise _no_board(station)
    tag = _tag(found)
    headers = {**NO_STORE, "etag": tag}
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(found.to_bytes(), media_type="application/json", headers=headers)


@router.get(
    "/{station}/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream(
    rooms: Inside,
    station: StationId,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
    resume: Annotated[str | None, Query(alias="last-event-id", max_length=200)] = None,
) -> Response:
    """Server-sent events `notice`, `board`, `heartbeat` and `reset`.

    Ids are `{feed}.{n}`. Resumes after `Last-Event-ID`, or after `?last-event-id=`; an id that
    this store did not give is answered with `reset`: load the board again.
    """
    found = await _published(rooms, station)
    try:
        reader = await rooms.feed.join(found)
    except Crowded as crowd:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, Slug.TOO_MANY, str(crowd)) from crowd
    events = rooms.feed.events(found, reader, last_event_id or resume)
    return EventStream(events, reader, lambda: rooms.feed.leave(found, reader))


@router.get(
    "/{station}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def code(rooms: Inside, station: StationId) -> Response:
    """A QR code that opens the station's board."""
    await _published(rooms, station)
    drawn = _drawn(f"{rooms.settings.http.public_url}/kiosk/{station}")
    headers = {"cache-control": "public, max-age=3600"}
    return Response(drawn, media_type="image/svg+xml", headers=headers)


async def _published(rooms: Rooms, station: str) -> StationTopics:
    def read(session: Session) -> StationTopics | None:
        found = published_station(session, rooms.lab, station)
        return StationTopics(found.region, found.id) if found else None

    found = await rooms.store.read(read)
    if found is None:
        raise _no_board(station)
    return found


def _no_board(station: str) -> Problem:
    return not_found(f"a board of station {station} that this lab publishes")


def _line(station: Station, rooms: Rooms) -> BoardLine:
    card = card_of(station)
    assert card is not None, "a published station has its card"
    return BoardLine(
        station=station.id,
        region=station.region,
        name=card.name,
        area=card.area,
        office=card.office,
        organisation=card.organisation,
        demo=card.demo,
        kiosk=f"{rooms.settings.http.public_url}/kiosk/{station.id}",
    )


def _tag(found: Board) -> str:
    shown = found.model_copy(update={"rows": ()}).model_dump_json(exclude={"as_of", "proof"})
    revisions = [(row.notice, row.revision) for row in found.rows]
    digest = hashlib.sha256(f"{shown}{revisions}".encode()).hexdigest()[:32]
    return f'W/"{digest}"'


@lru_cache(maxsize=256)
def _drawn(address: str) -> bytes:
    drawn = BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="svg", xmldecl=False, border=2)
    return drawn.getvalue()
