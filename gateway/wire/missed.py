"""`kuaijian.missed/1`: records that an instrument made and wrote over before they were read.

An entry of the stream with a number of its own, so that the hole has a place (CUSTODY.md 19).
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from gateway.wire.model import Text, When, Wire
from gateway.wire.result import InstrumentRef, Was

SCHEMA = "kuaijian.missed/1"


class MissedBody(Wire):
    """A hole without its place in the stream."""

    schema_: Literal["kuaijian.missed/1"] = Field(default="kuaijian.missed/1", alias="schema")
    id: UUID
    revision: Literal[1] = 1
    region: Text
    station: Text
    gateway: Text
    instrument: InstrumentRef
    n: int = Field(ge=1)
    """How many records."""
    received_at: When
    """When the hole was noticed; what was missed is older."""
    raw_sha256: Text | None = None


class Missed(MissedBody):
    """A hole in its place: a payload of the topic `result/_gateway`."""

    epoch: int
    seq: int = Field(ge=1)
    was: Was | None = None
    chain: Text
