"""Run sheets: from the technician to the gateway, and what came of them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import ValidationError
from sqlmodel import Session

from gateway.wire.commands import RunCommand, Verb
from gateway.wire.run import Run
from gateway.wire.topics import GatewayTopics, StationTopics
from lab_api.audit import Act, Done, record
from lab_api.auth import Principal, Role
from lab_api.errors import Problem, Slug, Wrong, not_found
from lab_api.routes.needs import Needs, must_reach
from lab_api.routes.problems import invalid
from lab_api.routes.rooms import Inside
from lab_api.schemas import Accepted, CommandState, RunOrder
from lab_api.store.commands import Asking, keep_command, new_request
from lab_api.store.stations import known_station, standing_of
from lab_api.store.tables import StoredCommand

router = APIRouter(prefix="/api/v1/runs", tags=["runs"])

Bench = Annotated[Principal, Depends(Needs(Role.TECHNICIAN, Role.ADMIN))]
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": RunOrder.model_json_schema()}},
    }
}


@router.post("", status_code=HTTPStatus.ACCEPTED, openapi_extra=BODY)
async def send_run(rooms: Inside, principal: Bench, request: Request) -> Accepted:
    """Keep a run sheet and send it to its gateway until that replies.

    The body is `kuaijian.run/1` with `station` and `gateway`. Of one run the highest version
    stands, so that sending a sheet again changes nothing.
    """
    order = await _order(request)
    now, name = datetime.now(UTC), new_request(rooms.lab)

    def keep(session: Session) -> None:
        gateway = _addressee(session, rooms.lab, order, principal)
        sheet = Run.model_validate(order.model_dump(exclude={"station", "gateway"}))
        command = RunCommand(request=name, lab=rooms.lab, at=now, sheet=sheet)
        keep_command(session, Asking(gateway, Verb.RUN, principal.name, now), command)
        particulars = {"request": name, "run": order.run, "version": order.version}
        subject = f"{gateway.station}/{gateway.gateway}"
        record(session, Done(principal.name, Act.RUN_SENT, subject, now, dict(particulars)))

    await rooms.store.write(keep)
    rooms.dispatch.hint()
    return Accepted(request=name)


@router.get("/{request_id}")
async def run_state(
    rooms: Inside,
    principal: Bench,
    request_id: Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,64}\.[a-z0-9]{1,64}$")],
) -> CommandState:
    """What became of a run sheet that was sent."""
    found = await rooms.store.read(partial(_command, request=request_id))
    if found is None or found.verb != Verb.RUN:
        raise not_found(f"a request {request_id}")
    must_reach(principal, StationTopics(found.region, found.station))
    return CommandState(**found.model_dump(include=set(CommandState.model_fields)))


async def _order(request: Request) -> RunOrder:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        detail = f"application/json expected, {kind or 'nothing'} found"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, Slug.NOT_JSON, detail)
    try:
        return RunOrder.model_validate_json(await request.body())
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise invalid(
            tuple(
                Wrong(".".join(["body", *(str(step) for step in each["loc"])]), each["msg"])
                for each in wrong
            )
        ) from None


def _addressee(session: Session, lab: str, order: RunOrder, principal: Principal) -> GatewayTopics:
    """The gateway a sheet goes to; only the publishing lab's sheets are obeyed (CUSTODY.md 14)."""
    station = known_station(session, order.station)
    if station is None:
        raise not_found(f"a station {order.station}")
    must_reach(principal, StationTopics(station.region, station.id))
    if objection := standing_of(station, lab).objection():
        raise Problem(
            HTTPStatus.CONFLICT,
            Slug.NOT_PUBLISHED_HERE,
            f"a station whose publishing lab is {lab} expected, {objection} found",
        )
    return GatewayTopics(station.region, station.id, order.gateway)


def _command(session: Session, request: str) -> StoredCommand | None:
    found = session.get(StoredCommand, request)
    if found:
        session.expunge(found)
    return found
