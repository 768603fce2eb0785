"""What a profile of a Dayuan "03 FF" instrument says: how it writes values, grades and reports."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from drivers.profile.base import Part, Profile
from drivers.reading import Custody

Octets = Annotated[str, StringConstraints(pattern=r"^(?:[0-9A-F]{2}){1,4}$")]
"""Bytes as they stand on the wire, in hexadecimal digits."""


class ValueForm(Part):
    """How a method's value is written: little-endian, scaled by a power of ten."""

    octets: Literal["2", "4"]
    sign: Literal["none", "magnitude"] = "none"
    """`magnitude`: the highest bit is the sign and the others are the number."""
    decimals: int = Field(ge=0, le=9)
    unit: str | None = None
    """Where the item itself names none."""
    missing: dict[Octets, str] = Field(default_factory=dict)
    """What stands there in place of a value, and how the instrument's display shows it."""


class ReportLabels(Part):
    """The words before the lines of a record that is written as text."""

    item: str
    result: str
    sample: str
    measured_at: str
    verdicts: tuple[str, ...]
    """The words that close a result where it ends with a verdict."""
    extras: dict[str, str] = Field(default_factory=dict)
    """What else is worth keeping, and the words before it."""


class Dy03ffProfile(Profile):
    """An analyser of the Dayuan DY, LZ or TL families that answers to ``03 FF``."""

    protocol: Literal["dy03ff"]
    interval: float = Field(gt=0)
    """Seconds between two conversations."""
    days_back: int = Field(ge=1, le=366)
    """Days before today that are read once after each start."""
    encoding: Literal["gbk", "gb18030"]
    inhibition: ValueForm
    other_methods: ValueForm
    grades: dict[str, str]
    """What a strip's result means, by the two lowest bits of its byte."""
    report: ReportLabels

    @model_validator(mode="after")
    def _is_kept(self) -> Self:
        if self.custody is not Custody.KEPT:
            raise ValueError(f"custody: 'kept' expected, {self.custody.value!r} found")
        return self
