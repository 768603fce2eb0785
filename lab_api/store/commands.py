"""Commands as they are kept: asked, sent, answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from gateway.wire.commands import Command, Reply, Verb
from gateway.wire.topics import GatewayTopics
from lab_api.store.names import random_name
from lab_api.store.rows import chunks
from lab_api.store.tables import StoredCommand

EXPIRED = "expired"
"""The answer of a command that nobody replied to in its time."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom a command goes to, who asked for it, and how long it is worth repeating."""

    gateway: GatewayTopics
    verb: Verb
    asked_by: str
    asked_at: datetime
    worth: timedelta = timedelta(days=1)


def new_request(lab: str) -> str:
    """A request id: the lab's own id, a dot, and what nobody else draws."""
    return f"{lab}.{random_name(16)}"


def keep_command(session: Session, asking: Asking, command: Command) -> None:
    """Keep a command, to be sent until it is answered or no longer worth it."""
    session.add(
        StoredCommand(
            request=command.request,
            verb=asking.verb,
            region=asking.gateway.region,
            station=asking.gateway.station,
            gateway=asking.gateway.gateway,
            payload=command.to_bytes(),
            asked_by=asking.asked_by,
            asked_at=asking.asked_at,
            expires_at=asking.asked_at + asking.worth,
        )
    )


def unanswered(session: Session, now: datetime, most: int = 500) -> Sequence[StoredCommand]:
    """Commands that wait for a reply, the oldest first."""
    query = (
        select(StoredCommand)
        .where(col(StoredCommand.answer).is_(None), col(StoredCommand.expires_at) > now)
        .order_by(col(StoredCommand.asked_at))
        .limit(most)
    )
    return session.scalars(query).all()


def open_command(
    session: Session, gateway: GatewayTopics, verb: Verb, now: datetime
) -> StoredCommand | None:
    """A command of this kind to this gateway that waits for a reply."""
    query = select(StoredCommand).where(
        col(StoredCommand.answer).is_(None),
        col(StoredCommand.expires_at) > now,
        col(StoredCommand.region) == gateway.region,
        col(StoredCommand.station) == gateway.station,
        col(StoredCommand.gateway) == gateway.gateway,
        col(StoredCommand.verb) == verb,
    )
    return session.scalars(query.limit(1)).first()


def open_commands(session: Session, verb: Verb, now: datetime) -> int:
    """How many commands of a kind wait for a reply, over all gateways."""
    query = (
        select(func.count())
        .select_from(StoredCommand)
        .where(
            col(StoredCommand.answer).is_(None),
            col(StoredCommand.expires_at) > now,
            col(StoredCommand.verb) == verb,
        )
    )
    return session.scalar(query) or 0


def note_sent(session: Session, requests: Sequence[str], now: datetime) -> None:
    """Remember when commands last went out."""
    for chunk in chunks(requests):
        session.execute(
            update(StoredCommand).where(col(StoredCommand.request).in_(chunk)).values(sent_at=now)
        )


def note_reply(session: Session, gateway: GatewayTopics, reply: Reply, now: datetime) -> bool:
    """Keep the first reply to a command of ours; whether it was one."""
    command = session.get(StoredCommand, reply.request)
    if command is None or command.answer not in (None, EXPIRED):
        return False
    asked = (command.region, command.station, command.gateway)
    if asked != (gateway.region, gateway.station, gateway.gateway):
        return False
    command.answer, command.problem, command.replied_at = reply.answer, reply.problem, now
    return True


def expire(session: Session, now: datetime) -> None:
    """Give up what nobody replied to in its time; the lab's clock decides, not the gateway's."""
    session.execute(
        update(StoredCommand)
        .where(col(StoredCommand.answer).is_(None), col(StoredCommand.expires_at) <= now)
        .values(answer=EXPIRED, problem="a reply in time expected, none found", replied_at=now)
    )
