"""`kuaijian.notice/1`: what the public is shown of one result (DESIGN.md §5.3)."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from gateway.wire.model import Text, When, Wire
from gateway.wire.result import Limit, Value
from gateway.wire.words import Outcome


class Deed(StrEnum):
    """What a notice does to what the public saw before."""

    PUBLISHED = "published"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


class Row(Wire):
    """One line of a board: what the public may read of one result, and no more."""

    notice: Text
    """`{station}-{n}`: the notice that put this row there."""
    code: Text
    """Names the result in public, in a QR code; says nothing of where it came from."""
    result: UUID
    revision: int
    sample: Text | None
    food: Text | None
    food_name: Text | None = None
    stall: Text | None
    origin: Text | None = None
    item: Text | None
    method: Text | None = None
    standard: Text | None = None
    value: Value
    unit: Text | None
    limit: Limit | None = None
    verdict: Outcome
    words: dict[str, Text]
    """The verdict as the public reads it, per language: `zh-CN`, `en`."""
    names: dict[str, dict[str, Text]] = Field(default_factory=dict)
    """Per language, the names of item, food, method, value and limit, ready to be shown."""
    measured_at: When | None
    effective_at: When
    published_at: When
    demo: bool


class Notice(Wire):
    schema_: Literal["kuaijian.notice/1"] = Field(default="kuaijian.notice/1", alias="schema")
    region: Text
    station: Text
    lab: Text
    feed: Text
    n: int = Field(ge=1)
    """Gapless per station within a feed."""
    deed: Deed
    day: Text
    """The station's day it belongs to, ISO 8601."""
    row: Row
    reason: Text | None = None
    at: When
