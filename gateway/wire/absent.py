"""`kuaijian.absent/1`: seqs that will not come, and why (CUSTODY.md 8)."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gateway.wire.model import Text, When, Wire


class Why(StrEnum):
    TOO_LARGE = "too-large"
    PRUNED = "pruned"
    DAMAGED = "damaged"
    UNKNOWN_EPOCH = "unknown-epoch"
    MOVED = "moved"


class AbsentRange(Wire):
    first: int = Field(alias="from")
    to: int
    chain: Text | None
    """The value at `to`, from which the next entry must follow; null where it was damaged."""


class Absent(Wire):
    schema_: Literal["kuaijian.absent/1"] = Field(default="kuaijian.absent/1", alias="schema")
    epoch: int
    ranges: tuple[AbsentRange, ...]
    reason: Why
    moved_to: int | None = None
    at: When
