"""`kuaijian.result/1`: a reading understood, judged, numbered (DESIGN.md §5.4).

Numbers are decimal strings, times RFC 3339 with offset, names are codes, unknown is null.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, PlainSerializer

from gateway.wire.model import Json, Text, When, Wire
from gateway.wire.words import (
    Basis,
    Comparator,
    Flag,
    Grade,
    Outcome,
    PassWhen,
    Purpose,
    Source,
    TimeFrom,
)

SCHEMA = "kuaijian.result/1"

MOST_PLACES = 5_000
"""Decimal places before and after the point; beyond them a number is an attack on memory."""


def _writable(number: Decimal) -> Decimal:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"a finite number expected, {number} found")
    if max(abs(exponent), abs(number.adjusted())) > MOST_PLACES:
        raise ValueError(f"a number of at most {MOST_PLACES} places expected, more found")
    return number


Number = Annotated[
    Decimal,
    AfterValidator(_writable),
    PlainSerializer(lambda value: format(value, "f"), return_type=str),
]
"""An exact decimal; a string on the wire, trailing zeros kept."""

PLACE_IN_STREAM = ("epoch", "seq", "was", "chain")
"""The fields of a payload that renumbering may change; the rest is the body."""


class InstrumentRef(Wire):
    id: Text
    maker: Text | None
    model: Text | None
    serial: Text | None
    profile: Text
    profile_version: int


class SampleRef(Wire):
    number: Text | None
    channel: Text | None
    food: Text | None = None
    food_name: Text | None = None
    """What the sheet called it, where no code says it exactly."""
    site: Text | None = None
    stall: Text | None = None
    origin: Text | None = None
    run: Text | None = None


class Kit(Wire):
    lot: Text | None
    expiry: Text | None


class Test(Wire):
    __test__ = False  # pytest would collect the name

    item: Text | None
    method: Text | None = None
    standard: Text | None = None
    purpose: Purpose
    basis: Basis | None = None
    repeat_of: UUID | None = None
    rerun_of: UUID | None = None
    kit: Kit | None = None


class Value(Wire):
    as_reported: Text | None
    number: Number | None
    comparator: Comparator | None
    unit: Text | None
    """UCUM where it is known, else as it was sent."""
    grade: Grade | None


class Limit(Wire):
    pass_when: PassWhen
    number: Number | None
    unit: Text | None


class Verdict(Wire):
    outcome: Outcome
    reported: Text | None
    rule: Text | None
    rules_version: Text | None
    limit: Limit | None
    verified_rule: bool


class Qc(Wire):
    control: Text | None = None
    kit: Text | None = None
    calibration: Text | None = None


class EffectiveAt(Wire):
    at: When
    origin: TimeFrom = Field(alias="from")


class Clock(Wire):
    instrument_text: Text | None
    offset_s: Number | None
    synchronised: bool


class Was(Wire):
    epoch: int
    seq: int


class ResultBody(Wire):
    """A result without its place in the stream: what `body_sha256` covers."""

    schema_: Literal["kuaijian.result/1"] = Field(default="kuaijian.result/1", alias="schema")
    id: UUID
    revision: int = Field(ge=1)
    reason: Text | None = None
    source: Source
    demo: bool
    region: Text
    station: Text
    gateway: Text
    based_on: int | None = None
    instrument: InstrumentRef
    sample: SampleRef
    test: Test
    value: Value
    signals: dict[str, Text] = Field(default_factory=dict)
    verdict: Verdict
    qc: Qc = Qc()
    measured_at: When | None
    received_at: When
    effective_at: EffectiveAt | None
    clock: Clock
    raw_sha256: Text
    flags: tuple[Flag, ...] = ()
    extras: Json = Field(default_factory=dict)
    """What the instrument said beyond the fields above, for reviewers; never public."""


class Result(ResultBody):
    """A result in its place: the payload of the result topic."""

    epoch: int
    seq: int = Field(ge=1)
    was: Was | None = None
    chain: Text
