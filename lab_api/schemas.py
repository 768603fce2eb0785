"""What travels over HTTP beyond the wire's own models."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gateway.wire.run import Run
from gateway.wire.topics import SEGMENT
from lab_api.publication import Reason, State

T = TypeVar("T")

SEGMENT_PATTERN = f"^{SEGMENT.pattern}$"


class Answer(BaseModel):
    """Frozen; what we send."""

    model_config = ConfigDict(frozen=True)


class Page(Answer, Generic[T]):
    """A part of a list; `next` goes into `?cursor=`, and is null at the end."""

    items: tuple[T, ...]
    next: str | None


class RunOrder(Run):
    """A run sheet and the gateway it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    station: str = Field(pattern=SEGMENT_PATTERN)
    gateway: str = Field(pattern=SEGMENT_PATTERN)


class Accepted(Answer):
    """A command was kept and is on its way; ask for it by its request."""

    request: str


class CommandState(Answer):
    """What became of a command; `answer` is null until the gateway replied."""

    request: str
    verb: str
    station: str
    gateway: str
    asked_at: datetime
    sent_at: datetime | None
    answer: str | None
    problem: str | None
    replied_at: datetime | None


class BoardLine(Answer):
    """A published board."""

    station: str
    region: str
    name: str
    area: str | None
    office: str | None
    organisation: str | None
    demo: bool
    kiosk: str
    """Where its page is."""


class ResultLine(Answer):
    """A result as it stands, and its state towards the public."""

    id: UUID
    revision: int
    state: State
    reason: Reason | None
    day: str
    code: str
    result: dict[str, Any]
    """`kuaijian.result/1`, as received."""


class EpochLine(Answer):
    """How far one numbering of a gateway is held."""

    epoch: int
    through: int
    fork: bool


class InstrumentLine(Answer):
    instrument: str
    heard_at: datetime
    status: dict[str, Any]
    """`kuaijian.instrument-status/1`, as received."""


class GatewayLine(Answer):
    gateway: str
    state: str
    proved_at: datetime | None
    """When it was last known to live."""
    offered: int
    epochs: tuple[EpochLine, ...]
    instruments: tuple[InstrumentLine, ...]
    status: dict[str, Any]
    """`kuaijian.status/1`, as received."""


class StationLine(Answer):
    """A station of this lab; an unknown one was only heard."""

    station: str
    region: str
    known: bool
    publish: bool
    objection: Reason | None
    """Why this lab announces nothing of it; null where it does."""
    name: str | None
    demo: bool | None
    gateways: tuple[GatewayLine, ...]


class Check(Answer):
    """One part of the lab, judged by what was last proven."""

    ok: bool
    says: str | None = None
    age_s: float | None = None


class Health(Answer):
    ok: bool
    checks: dict[str, Check]


def cursor_of(*place: str) -> str:
    """An opaque cursor for a place in a list."""
    return base64.urlsafe_b64encode("\n".join(place).encode()).decode().rstrip("=")


def place_of(cursor: str, parts: int) -> list[str]:
    """The place a cursor names; ValueError where it is none of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = base64.urlsafe_b64decode(padded.encode("ascii")).decode().split("\n")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("a cursor from `next` expected, another text found") from error
    if len(place) != parts:
        raise ValueError("a cursor from `next` expected, another text found")
    return place
