"""A scenario: which analysers stand where, what they will find, how fast, and what goes wrong.

The truth of a test is here and nowhere else: what the kiosk shows is compared with these lines.
A scenario is YAML, read as text and typed here; keys are written with hyphens.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, ValidationError
from pydantic import model_validator as checked

from simulators.kit.faults import Chance
from simulators.kit.instruments import Instrument, Name, Part, Speaks, Text, must_be_text

SHIPPED = Path(__file__).parent.parent / "scenarios"

Seconds = Annotated[float, Field(gt=0)]


class ScenarioError(Exception):
    """A scenario that cannot be played, in one line: file, key, expected and found."""


class Food(Part):
    code: Text
    name: Text


class Sample(Part):
    """One tube and what the analyser will say about it."""

    instrument: Name
    food: Food | None = None
    """None for a control, which comes from a bottle and not from a stall."""
    stall: Text | None = None
    origin: Text | None = None
    item: Text
    """The analyser's own code for what it tests."""
    value: Text
    unit: str = ""
    """Nothing where the value is a word."""
    reference: str = ""
    flag: str = ""
    """E1394 R.7: A or H when the analyser itself finds it abnormal, N or nothing when not."""
    control: bool = False

    @checked(mode="after")
    def _is_from_a_stall_or_a_control(self) -> Self:
        if not self.control and (self.food is None or self.stall is None):
            raise ValueError("food and stall expected of all but controls, not both found")
        return self


class Span(Part):
    """Values from `low` to `high`, both possible, with the decimals that `high` is written with."""

    low: Decimal
    high: Decimal

    @checked(mode="after")
    def _rises(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low at most high expected, {self.low} and {self.high} found")
        return self


class Draw(Part):
    """A kind of sample that comes again and again, with values drawn from the seed."""

    instruments: tuple[Name, ...] = Field(min_length=1)
    item: Text
    unit: Text
    reference: str = ""
    foods: tuple[Food, ...] = Field(min_length=1)
    usual: Span
    positive: Span
    positive_chance: Chance = Field(default=0, alias="positive-chance")
    invalid: tuple[Text, ...] = ()
    """What the analyser says in place of a value when a test failed: `NA`, `---.-`."""
    invalid_chance: Chance = Field(default=0, alias="invalid-chance")
    share: Annotated[int, Field(ge=1)] = 1
    """How many of this kind come for one of a kind whose share is 1."""


class Draws(Part):
    """What follows when the written samples are used up, for as long as anybody watches."""

    stalls: tuple[Text, ...] = Field(min_length=1)
    origins: tuple[Text, ...] = Field(min_length=1)
    kinds: tuple[Draw, ...] = Field(min_length=1)


class Pace(Part):
    quick: Annotated[int, Field(ge=0)] = 0
    """So many samples come at once, so that a screen is not empty."""
    every: Seconds = 4
    """Seconds from one to the next after that."""
    pull_cable_every: Seconds | None = Field(default=None, alias="pull-cable-every")
    """Seconds, about, until one serial cable is pulled; None for never."""
    cable_out: Seconds = Field(default=8, alias="cable-out")
    """Seconds until it is plugged in again."""


class Scenario(Part):
    name: Name
    seed: int
    pace: Pace = Pace()
    instruments: tuple[Instrument, ...] = Field(min_length=1)
    samples: tuple[Sample, ...] = ()
    draws: Draws | None = None

    def instrument(self, wanted: str) -> Instrument:
        """Return the instrument of that id; every sample's exists."""
        return next(one for one in self.instruments if one.id == wanted)

    @checked(mode="after")
    def _fits_together(self) -> Self:
        ids = [one.id for one in self.instruments]
        twice = {one for one in ids if ids.count(one) > 1}
        if twice:
            raise ValueError(f"every instrument id once expected, {sorted(twice)} found twice")
        kinds = self.draws.kinds if self.draws else ()
        used = [one.instrument for one in self.samples]
        unknown = {*used, *(name for kind in kinds for name in kind.instruments)} - set(ids)
        if unknown:
            raise ValueError(f"an instrument of {ids} expected, {sorted(unknown)} found")
        if not self.samples and self.draws is None:
            raise ValueError("samples or draws expected, neither found")
        for one in self.samples:
            self._can_be_sent(one)
        self._share_buses()
        return self

    def _share_buses(self) -> None:
        """Only Modbus units share a stand, and no two of them an address."""
        for place, one in enumerate(self.instruments):
            for other in self.instruments[:place]:
                if one.stand == other.stand and not one.may_stand_beside(other):
                    where = one.stand.pty or one.stand.listen or one.stand.dial
                    raise ValueError(f"one analyser a place expected, two at {where} found")

    def _can_be_sent(self, sample: Sample) -> None:
        instrument = self.instrument(sample.instrument)
        instrument.must_be_able_to_send(sample.item, sample.value, sample.unit)
        if instrument.speaks is Speaks.ASTM:
            for text in (sample.stall or "", sample.reference):
                must_be_text(text, instrument.encoding)


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the simulators."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load_scenario(wanted: str) -> Scenario:
    """Read a shipped scenario by its name, or any by its path. Raises ScenarioError."""
    path = SHIPPED / f"{wanted}.yaml" if re.fullmatch(r"[a-z0-9_-]+", wanted) else Path(wanted)
    try:
        written = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    except FileNotFoundError:
        known = ", ".join(shipped())
        raise ScenarioError(f"{wanted}: a file or one of {known} expected, nothing found") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: YAML in UTF-8 expected, {_one_line(error)}") from error
    try:
        return Scenario.model_validate(written)
    except ValidationError as error:
        raise ScenarioError(f"{path}: {_first(error)}") from error


_PLAINLY = {
    "missing": "a value expected, nothing found",
    "extra_forbidden": "no such key expected, one found",
}


def _first(error: ValidationError) -> str:
    """Say the first thing that is wrong: key, expected, found."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "scenario"
    if first["type"] in _PLAINLY:
        return f"{key}: {_PLAINLY[first['type']]}"
    said = first["msg"].removeprefix("Value error, ")
    return f"{key}: {said}" + ("" if "found" in said else f", {first['input']!r} found")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
