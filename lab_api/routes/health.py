"""Alive, and ready: judged by what was last proven, never by what was intended."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from lab_api.routes.rooms import Inside, Rooms
from lab_api.schemas import Check, Health
from lab_api.store.gateways import newest_proof
from lab_api.store.store import feed_of
from lab_api.store.trouble import StoreTrouble

router = APIRouter(tags=["health"])

NO_STORE = {"cache-control": "no-store"}


@router.get("/healthz")
async def alive(response: Response) -> dict[str, bool]:
    """This process answers; nothing is said of its database or its broker."""
    response.headers.update(NO_STORE)
    return {"ok": True}


@router.get("/readyz", responses={503: {"model": Health}})
async def ready(rooms: Inside, response: Response) -> Health:
    """Whether results can come in and be read; 503, with the part that fails, where not."""
    checks = {"store": await _store(rooms), "broker": _broker(rooms), "intake": _intake(rooms)}
    ok = all(check.ok for check in checks.values())
    if checks["store"].ok:
        checks["gateways"] = await _gateways(rooms)
    checks["alarms"] = Check(ok=not rooms.alarms, says=_count(len(rooms.alarms)))
    response.status_code = 200 if ok else 503
    response.headers.update(NO_STORE)
    return Health(ok=ok, checks=checks)


async def _store(rooms: Rooms) -> Check:
    try:
        await rooms.store.read(feed_of)
    except StoreTrouble:
        return Check(ok=False, says="a database that answers expected")
    return Check(ok=True, age_s=0.0)


async def _gateways(rooms: Rooms) -> Check:
    """How long ago any gateway last proved that it lives; that none did is not the lab's fault."""
    newest = await rooms.store.read(newest_proof)
    if newest is None:
        return Check(ok=True, says="no gateway was heard yet")
    return Check(ok=True, age_s=max((datetime.now(UTC) - newest).total_seconds(), 0.0))


def _broker(rooms: Rooms) -> Check:
    since = rooms.broker_since
    if since is None:
        return Check(ok=False, says="a connected broker expected, none found")
    return Check(ok=True, age_s=(datetime.now(UTC) - since).total_seconds())


def _intake(rooms: Rooms) -> Check:
    if rooms.intake.trouble:
        return Check(ok=False, says="a store that takes messages expected")
    return Check(ok=True)


def _count(alarms: int) -> str | None:
    return f"{alarms} to look at: /api/v1/stations" if alarms else None
