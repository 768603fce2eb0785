"""A scenario: which analysers stand where, what they will find, how fast, and what goes wrong.

The truth of a test is here and nowhere else: what the kiosk shows is compared with these lines.
A scenario is YAML, read as text and typed here; keys are written with hyphens.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as checked

from simulators.kit.faults import Chance, Faults

SHIPPED = Path(__file__).parent.parent / "scenarios"

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
Address = Annotated[str, StringConstraints(pattern=r"^[^:/\s]+:[0-9]{1,5}$")]
Seconds = Annotated[float, Field(gt=0)]


class ScenarioError(Exception):
    """A scenario that cannot be played, in one line: file, key, expected and found."""


class Encoding(StrEnum):
    ASCII = "ascii"
    GBK = "gbk"
    UTF_8 = "utf-8"


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        # YAML spells every scalar as text here, numbers and truth values too.
        str_strip_whitespace=True,
    )


class Stand(_Part):
    """Where an analyser stands: exactly one of the three."""

    pty: Name | None = None
    """The serial port's name in the scenario's folder."""
    listen: Address | None = None
    """The analyser waits to be dialled here; port 0 takes a free one."""
    dial: Address | None = None
    """The analyser dials whoever listens here."""

    @checked(mode="after")
    def _is_one(self) -> Self:
        given = [key for key in ("pty", "listen", "dial") if getattr(self, key)]
        if len(given) != 1:
            raise ValueError(f"one of pty, listen, dial expected, {given or 'none'} found")
        return self


class Instrument(_Part):
    id: Name
    speaks: Literal["astm"] = "astm"
    model: Text
    serial: Text
    version: Text = "V1.0"
    encoding: Encoding = Encoding.ASCII
    stand: Stand
    faults: Faults = Faults()


class Food(_Part):
    code: Text
    name: Text


class Sample(_Part):
    """One tube and what the analyser will say about it."""

    instrument: Name
    food: Food | None = None
    """None for a control, which comes from a bottle and not from a stall."""
    stall: Text | None = None
    origin: Text | None = None
    item: Text
    """The analyser's own code for what it tests."""
    value: Text
    unit: Text
    reference: str = ""
    flag: str = ""
    """E1394 R.7: A or H when the analyser itself finds it abnormal, N or nothing when not."""
    control: bool = False

    @checked(mode="after")
    def _is_from_a_stall_or_a_control(self) -> Self:
        if not self.control and (self.food is None or self.stall is None):
            raise ValueError("food and stall expected of all but controls, not both found")
        return self


class Span(_Part):
    """Values from `low` to `high`, both possible, with the decimals that `high` is written with."""

    low: Decimal
    high: Decimal

    @checked(mode="after")
    def _rises(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low at most high expected, {self.low} and {self.high} found")
        return self


class Draw(_Part):
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


class Draws(_Part):
    """What follows when the written samples are used up, for as long as anybody watches."""

    stalls: tuple[Text, ...] = Field(min_length=1)
    origins: tuple[Text, ...] = Field(min_length=1)
    kinds: tuple[Draw, ...] = Field(min_length=1)


class Pace(_Part):
    quick: Annotated[int, Field(ge=0)] = 0
    """So many samples come at once, so that a screen is not empty."""
    every: Seconds = 4
    """Seconds from one to the next after that."""
    pull_cable_every: Seconds | None = Field(default=None, alias="pull-cable-every")
    """Seconds, about, until one serial cable is pulled; None for never."""
    cable_out: Seconds = Field(default=8, alias="cable-out")
    """Seconds until it is plugged in again."""


class Scenario(_Part):
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
        return self

    def _can_be_sent(self, sample: Sample) -> None:
        encoding = self.instrument(sample.instrument).encoding
        for text in (sample.stall or "", sample.item, sample.value, sample.unit, sample.reference):
            try:
                text.encode(encoding)
            except UnicodeEncodeError:
                raise ValueError(f"text in {encoding} expected, {text!r} found") from None


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
