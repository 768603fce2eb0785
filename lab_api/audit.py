"""Who did what, when, to what; only ever added to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from gateway.wire.model import Json
from lab_api.store.tables import Audit


class Act(StrEnum):
    """What a person or a program did."""

    KEY_ADDED = "key-added"
    KEY_REVOKED = "key-revoked"
    STATION_ADDED = "station-added"
    RUN_SENT = "run-sent"
    STORE_RESTORED = "store-restored"


@dataclass(frozen=True, slots=True)
class Done:
    """One act. `who` is `key:{id}` or `terminal:{user}`; no secret stands in any field."""

    who: str
    act: Act
    subject: str
    at: datetime
    particulars: Json = field(default_factory=dict)


def record(session: Session, done: Done) -> None:
    """Add an act to the trail, in the transaction of its effect."""
    session.add(
        Audit(
            at=done.at,
            who=done.who,
            deed=done.act,
            subject=done.subject,
            particulars=done.particulars,
        )
    )
