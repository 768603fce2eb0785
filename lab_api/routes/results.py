"""Results for those who work with them: as they stand, newest first."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import and_, or_, select
from sqlmodel import Session, col

from lab_api.auth import Principal, Role
from lab_api.errors import Wrong
from lab_api.publication import State
from lab_api.routes.needs import Needs
from lab_api.routes.problems import invalid
from lab_api.routes.rooms import Inside
from lab_api.schemas import SEGMENT_PATTERN, Page, ResultLine, cursor_of, place_of
from lab_api.store.tables import Current, Publication, StoredResult

router = APIRouter(prefix="/api/v1/results", tags=["results"])

Readers = Annotated[
    Principal, Depends(Needs(Role.TECHNICIAN, Role.REVIEWER, Role.MONITOR, Role.ADMIN))
]


class Asked:
    """Which results are asked for."""

    def __init__(
        self,
        station: Annotated[str | None, Query(pattern=SEGMENT_PATTERN)] = None,
        day: Annotated[str | None, Query(pattern=r"^\d{4}-\d\d-\d\d$")] = None,
        state: State | None = None,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> None:
        self.station, self.day, self.state, self.limit = station, day, state, limit
        self.after = _after(cursor)


@router.get("")
async def results(
    rooms: Inside, principal: Readers, asked: Annotated[Asked, Depends()], response: Response
) -> Page[ResultLine]:
    """The standing revision of each result within the key's scope, newest received first."""
    response.headers["cache-control"] = "no-store"
    found = await rooms.store.read(partial(_read, asked=asked, scope=principal.scope))
    lines = found[: asked.limit]
    last = lines[-1] if len(found) > asked.limit else None
    return Page(
        items=tuple(line for line, _ in lines),
        next=cursor_of(last[1].isoformat(), str(last[0].id)) if last else None,
    )


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    try:
        received_at, id_ = place_of(cursor, 2)
        return datetime.fromisoformat(received_at), UUID(id_)
    except ValueError as error:
        raise invalid((Wrong("query.cursor", str(error)),)) from error


def _read(session: Session, asked: Asked, scope: str) -> list[tuple[ResultLine, datetime]]:
    received, id_ = col(StoredResult.received_at), col(StoredResult.id)
    query = (
        select(Publication, col(StoredResult.payload), received)
        .join(Current, col(Current.id) == col(Publication.id))
        .join(
            StoredResult,
            and_(id_ == col(Current.id), col(StoredResult.revision) == col(Current.revision)),
        )
        .order_by(received.desc(), id_)
        .limit(asked.limit + 1)
    )
    region, divider, station = scope.partition("/")
    if divider:
        query = query.where(col(Publication.region) == region, col(Publication.station) == station)
    elif region:
        query = query.where(col(Publication.region).startswith(region, autoescape=True))
    if asked.station:
        query = query.where(col(Publication.station) == asked.station)
    if asked.day:
        query = query.where(col(Publication.day) == asked.day)
    if asked.state:
        query = query.where(col(Publication.state) == asked.state)
    if asked.after:
        at, last = asked.after
        query = query.where(or_(received < at, and_(received == at, id_ > last)))
    return [(_line(row[0], row[1]), row[2]) for row in session.execute(query)]


def _line(publication: Publication, payload: bytes) -> ResultLine:
    return ResultLine(
        id=publication.id,
        revision=publication.revision,
        state=publication.state,
        reason=publication.reason,
        day=publication.day,
        code=publication.code,
        result=json.loads(payload),
    )
