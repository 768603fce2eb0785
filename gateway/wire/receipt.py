"""`kuaijian.receipt/1`: a lab's statement of what is in its database (CUSTODY.md 1, 7)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.wire.model import Count, Text, When, Wire


class Held(Wire):
    """What a lab holds of one epoch: everything through `through`, whose chain value is `chain`."""

    through: Count
    chain: Text | None
    """The chain value at `through`; null at 0."""
    fork: bool = False


class Receipt(Wire):
    schema_: Literal["kuaijian.receipt/1"] = Field(default="kuaijian.receipt/1", alias="schema")
    lab: Text
    at: When
    beats: dict[str, int] = Field(default_factory=dict)
    """The newest `beat` seen, per `boot`."""
    epochs: dict[str, Held] = Field(max_length=1000)
    """Per epoch, its number as text."""
