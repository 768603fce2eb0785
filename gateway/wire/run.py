"""`kuaijian.run/1`: one load of an instrument; which channel or number is which sample."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gateway.wire.model import Text, When, Wire
from gateway.wire.result import Kit
from gateway.wire.words import Basis, Purpose

MOST_VERSIONS = 2**31 - 1
YEARS = (2000, 2200)
"""Of what a sheet covers; beyond them arithmetic with time zones ends."""


class SheetLine(Wire):
    """One sample of a run: found again by its channel, or by the number the instrument sends."""

    number: Text
    """Our sample number, as on the label."""
    channel: Text | None = None
    food: Text | None = None
    food_name: Text | None = None
    site: Text | None = None
    stall: Text | None = None
    origin: Text | None = None
    item: Text | None = None
    """Where one channel serves several items in turn."""
    purpose: Purpose = Purpose.ROUTINE
    basis: Basis | None = None


class Run(Wire):
    schema_: Literal["kuaijian.run/1"] = Field(default="kuaijian.run/1", alias="schema")
    run: Text
    version: int = Field(ge=1, le=MOST_VERSIONS)
    """The highest version of a run stands."""
    instrument: Text
    covers_from: When = Field(alias="from")
    covers_to: When = Field(alias="to")
    samples: tuple[SheetLine, ...]
    kit: Kit | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Run:
        if self.covers_to <= self.covers_from:
            raise ValueError(f"'to' after 'from' expected, {self.covers_to} found")
        for when in (self.covers_from, self.covers_to):
            if not YEARS[0] <= when.year < YEARS[1]:
                raise ValueError(f"a year of {YEARS[0]} to {YEARS[1]} expected, {when.year} found")
        return self
