"""Rules as data: a cut-off or a limit, with its standard, its dates, and who verified it.

Three things that are never one number (domain reference §3.1): a method's *cut-off* (an
inhibition of 50 %), a legal *limit* (mg/kg), and what must *not be detected* at a method's
`lod`. A rule holds on the dates of its edition; an old result keeps the edition it was judged by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.judging.units import is_known
from gateway.wire.words import PassWhen

PACKS = Path(__file__).parent / "rules"


class RulesError(ValueError):
    """A rule pack of the wrong shape; one line per problem: file, place, expected, found."""


class Confidence(StrEnum):
    """Where a number came from, until a person has verified it."""

    FOUND = "F"
    KNOWN_WELL = "K-H"
    KNOWN = "K-M"
    KNOWN_LITTLE = "K-L"


class ScreenAction(StrEnum):
    """What a screening positive asks for next."""

    REPEAT = "repeat"
    CONFIRM = "confirm"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
FoodCode = Annotated[str, Field(pattern=r"^([0-9]{2}){0,4}$")]


class Rule(_Part):
    """One cut-off or limit, for one item in one group of foods, as one edition sets it."""

    id: Code
    item: Code
    food: FoodCode
    """A group holds for everything below it; empty for any food."""
    method: str | None = None
    """Null where the limit is the same however it is measured."""
    default: bool = True
    """Whether it stands where neither method nor standard is named."""
    specimen: str | None = None
    unit: str
    pass_when: PassWhen
    limit: Decimal | None = None
    cutoff: Decimal | None = None
    lod: Decimal | None = None
    limit_text: str | None = None
    standard: str
    edition: str
    clause: str | None = None
    valid_from: date
    valid_to: date | None = None
    """The last day it holds; null while it is in force."""
    screen_action: ScreenAction
    repeat_required: int = 0
    interference_note: str | None = None
    confidence: Confidence
    verified_by: str | None = None
    verified_at: date | None = None
    source: str | None = None

    @property
    def threshold(self) -> Decimal:
        """What a number is compared with; for *not detected* the method's limit of detection."""
        for number in (self.limit, self.cutoff, self.lod):
            if number is not None:
                return number
        raise RulesError(f"{self.id}: a number to compare with expected, none found")

    def holds_on(self, day: date) -> bool:
        """Whether this edition was in force."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = [name for name in ("limit", "cutoff", "lod") if getattr(self, name) is not None]
        wanted = self.pass_when is PassWhen.NOT_DETECTED
        if wanted and given != ["lod"]:
            raise ValueError(f"lod alone expected with not_detected, {given} found")
        if not wanted and given not in (["limit"], ["cutoff"]):
            raise ValueError(f"either limit or cutoff expected, {given} found")
        if not is_known(self.unit):
            raise ValueError(f"a unit that can be compared expected, {self.unit!r} found")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to after valid_from expected, {self.valid_to} found")
        return self


class _Pack(_Part):
    version: str
    jurisdiction: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force at a station, of one version."""

    version: str
    by_item: Mapping[str, tuple[Rule, ...]]

    @classmethod
    def of(cls, version: str, rules: Iterable[Rule]) -> Rules:
        """Gather rules; raises RulesError where two defaults would answer the same question."""
        by_item: dict[str, tuple[Rule, ...]] = {}
        for rule in rules:
            by_item[rule.item] = (*by_item.get(rule.item, ()), rule)
        for entries in by_item.values():
            for one, other in combinations(entries, 2):
                _refuse_if_they_compete(one, other)
        return cls(version, by_item)

    def find(
        self,
        item: str | None,
        food: str | None,
        at: date | None,
        method: str | None = None,
        standard: str | None = None,
    ) -> Rule | None:
        """The rule for an item in a food on a day; None where there is none.

        Without `method` and `standard` only defaults stand; with them, rules for that method
        (or for any) and of that standard, a default first. Then the longest food code wins.
        """
        if item is None or at is None:
            return None
        fitting = [
            rule
            for rule in self.by_item.get(item, ())
            if (food or "").startswith(rule.food)
            and rule.holds_on(at)
            and (rule.default or method == rule.method is not None or standard == rule.standard)
            and (method is None or rule.method in (None, method))
            and (standard is None or rule.standard == standard)
        ]
        return max(fitting, key=lambda rule: (rule.default, len(rule.food)), default=None)


def _refuse_if_they_compete(one: Rule, other: Rule) -> None:
    overlap = one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (
        one.valid_to or date.max
    )
    if one.default and other.default and one.food == other.food and overlap:
        raise RulesError(
            f"one default rule for {one.item} in {one.food or 'any food'} at a time expected, "
            f"{one.id} and {other.id} found"
        )
    if one.id == other.id:
        raise RulesError(f"every rule id once expected, {one.id} found twice")


def load_rules(folder: Path = PACKS, jurisdiction: str = "CN") -> Rules:
    """Read every pack (`*.yaml`) of a folder that is for a jurisdiction; raises RulesError."""
    found = [_read_pack(path) for path in sorted(folder.glob("*.yaml"))]
    packs = [pack for pack in found if pack.jurisdiction == jurisdiction]
    versions = sorted({pack.version for pack in packs})
    if len(versions) != 1:
        raise RulesError(
            f"{folder}: rule packs of one version for {jurisdiction} expected, {versions} found"
        )
    return Rules.of(versions[0], [rule for pack in packs for rule in pack.rules])


def _read_pack(path: Path) -> _Pack:
    try:
        # BaseLoader: every scalar stays text, so that 0.20 keeps its zero and 01 is no number.
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        return _Pack.model_validate(_without_nulls(found))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise RulesError(f"{path}: a YAML file expected, {reason} found") from None
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}, "
            f"{problem['input']!r} found"
            for problem in error.errors(include_url=False)
        ]
        raise RulesError("\n".join(lines)) from None


def _without_nulls(found: object) -> object:
    """Leave out what is written as null: the base loader gives it as text."""
    if isinstance(found, dict):
        return {key: _without_nulls(value) for key, value in found.items() if value != "null"}
    if isinstance(found, list):
        return [_without_nulls(value) for value in found]
    return found
