"""`kuaijian.board/1`: what the public screen of one station shows now."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.wire.model import Text, When, Wire
from gateway.wire.notice import Row
from gateway.wire.status import StationCard


class Totals(Wire):
    """The day's counts. A sample is one 批次, a test one 项次; held counts name no outcome."""

    samples: int
    """Samples with at least one published test."""
    tests: int
    """Published tests."""
    passed: int
    """Published samples of which every published test passes."""
    waiting: int
    """Tests measured for the public today and not yet published."""
    invalid: int
    """Tests measured today that were invalid; counted in neither."""


class Proof(Wire):
    """How old the newest proof is, in seconds; null where there has been none."""

    gateway_age_s: float | None
    lab_age_s: float
    gateway_online: bool


class Board(Wire):
    schema_: Literal["kuaijian.board/1"] = Field(default="kuaijian.board/1", alias="schema")
    region: Text
    station: Text
    lab: Text
    feed: Text
    n: int
    """The newest notice in it."""
    as_of: When
    day: Text
    card: StationCard
    totals: Totals
    proof: Proof
    rows: tuple[Row, ...]
    """Newest first; at most 200."""


class Heartbeat(Wire):
    """The SSE event `heartbeat`: proves that the page, the lab and the gateway are alive."""

    feed: Text
    n: int
    as_of: When
    day: Text
    proof: Proof
    totals: Totals
