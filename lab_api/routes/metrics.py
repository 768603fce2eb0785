"""A few honest numbers as Prometheus text."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse
from sqlalchemy import func, select
from sqlmodel import Session, col

from lab_api.auth import Principal, Role
from lab_api.routes.needs import Needs
from lab_api.routes.rooms import Inside
from lab_api.store.refusals import refused_count
from lab_api.store.tables import Current, StoredCommand, StoredNotice

router = APIRouter(tags=["health"])

Scrapers = Annotated[Principal, Depends(Needs(Role.MONITOR, Role.ADMIN))]
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(rooms: Inside, principal: Scrapers) -> PlainTextResponse:
    """What this process counted since it began, and what the store holds now."""
    held = await rooms.store.read(_held)
    measured = {
        "kuaijian_lab_results_received_total": rooms.intake.taken,
        "kuaijian_lab_feed_readers": rooms.feed.readers,
        "kuaijian_lab_feed_readers_cut_total": rooms.feed.cut,
        "kuaijian_lab_holes": rooms.finder.holes,
        "kuaijian_lab_alarms": len(rooms.alarms),
        "kuaijian_lab_broker_connected": int(rooms.pipe.connected),
        "kuaijian_lab_store_trouble": int(rooms.intake.trouble is not None),
        **held,
    }
    return PlainTextResponse(exposition(measured), media_type=MEDIA_TYPE)


def exposition(measured: dict[str, int]) -> str:
    """Numbers in the text format; a name ending in `_total` is a counter.

    >>> print(exposition({"seen_total": 3}))
    # TYPE seen_total counter
    seen_total 3
    <BLANKLINE>
    """
    lines = []
    for name, value in measured.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
    return "\n".join([*lines, ""])


def _held(session: Session) -> dict[str, int]:
    unannounced = (
        select(func.count())
        .select_from(StoredNotice)
        .where(col(StoredNotice.announced_at).is_(None))
    )
    waiting = (
        select(func.count()).select_from(StoredCommand).where(col(StoredCommand.answer).is_(None))
    )
    results = select(func.count()).select_from(Current)
    return {
        "kuaijian_lab_results": session.scalar(results) or 0,
        "kuaijian_lab_notices_unannounced": session.scalar(unannounced) or 0,
        "kuaijian_lab_commands_unanswered": session.scalar(waiting) or 0,
        "kuaijian_lab_messages_refused": refused_count(session),
    }
