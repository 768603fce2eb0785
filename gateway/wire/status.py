"""`kuaijian.status/1`: alive, and how far (DESIGN.md §5.3, CUSTODY.md 5)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.wire.model import Text, When, Wire
from gateway.wire.words import LinkState


class Presence(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"


def _clock_time(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"a time such as 00:00 or 18:00 expected, {text[:20]!r} found")
    return text


ClockTime = Annotated[Text, AfterValidator(_clock_time)]


class StationCard(Wire):
    """Who a station is, so that a subscriber needs no other list."""

    name: Text
    time_zone: Text
    day_starts: ClockTime = "00:00"
    lab: Text
    """The publishing lab."""
    area: Text | None = None
    office: Text | None = None
    organisation: Text | None = None
    demo: bool


class Captured(Wire):
    """How many results an instrument gave, by the station's day of revision 1's received_at."""

    today: int
    yesterday: int


class Status(Wire):
    schema_: Literal["kuaijian.status/1"] = Field(default="kuaijian.status/1", alias="schema")
    state: Presence
    region: Text
    station: Text
    gateway: Text
    boot: Text
    """Drawn at each start; a will of another boot is ignored."""
    beat: int = Field(ge=0)
    """Rises by one per status within a boot."""
    at: When | None
    """Null in a last will, which nobody stamps."""
    epoch: int
    head: int
    chain: Text | None
    offered: int
    """Every seq up to here has had a PUBACK of this broker; above it, it is on its way."""
    captured: dict[str, Captured] = Field(default_factory=dict)
    not_understood: int = 0
    """Deliveries whose bytes are kept and whose meaning is not known."""
    alarms: tuple[Text, ...] = ()
    version: Text
    card: StationCard


class InstrumentStatus(Wire):
    """`…/status/{instrument}`: what a link is doing, since when."""

    schema_: Literal["kuaijian.instrument-status/1"] = Field(
        default="kuaijian.instrument-status/1", alias="schema"
    )
    instrument: Text
    link: Text
    state: LinkState
    since: When
    why: Text | None = None
    profile: Text
    maker: Text | None = None
    model: Text | None = None
    last_delivery_at: When | None = None
    deliveries: int = 0
    not_understood: int = 0
