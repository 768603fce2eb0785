"""The catalogue's files, read once, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from gateway.wire.catalogue.spelling import plain
from gateway.wire.words import Grade, Outcome

HERE = Path(__file__).parent

Names = dict[str, str]
"""One name per language."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    names: Names
    aliases: tuple[str, ...] = ()


class Item(_Entry):
    says: Names = {}
    """How a number of this item is read out, where it is more than the number: `抑制率 {}`."""


class Food(_Entry):
    pass


class Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    methods: dict[str, Names]
    outcomes: dict[Outcome, Names]
    grades: dict[Grade, Names]
    limits: dict[str, Names]
    units: dict[str, str]


E_ = TypeVar("E_", bound=_Entry)


def _read(name: str) -> object:
    # BaseLoader: every scalar stays text, so that the code 0104 is not the number 104.
    return yaml.load((HERE / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


@cache
def items() -> dict[str, Item]:
    """Every item by its code."""
    return _by_code(TypeAdapter(list[Item]).validate_python(_read("items.yaml")))


@cache
def foods() -> dict[str, Food]:
    """Every food and group of foods by its code."""
    return _by_code(TypeAdapter(list[Food]).validate_python(_read("foods.yaml")))


@cache
def words() -> Words:
    """Methods, verdicts, units and phrases."""
    return Words.model_validate(_read("words.yaml"))


@cache
def item_spellings() -> dict[str, str]:
    """The code behind every name and alias of an item, in plain spelling."""
    return _spellings(items().values())


@cache
def food_spellings() -> dict[str, str]:
    """The code behind every name and alias of a food, in plain spelling."""
    return _spellings(foods().values())


def _by_code(entries: Iterable[E_]) -> dict[str, E_]:
    table: dict[str, E_] = {}
    for entry in entries:
        if table.setdefault(entry.code, entry) is not entry:
            raise ValueError(f"every code once expected, {entry.code!r} found twice")
    return table


def _spellings(entries: Iterable[_Entry]) -> dict[str, str]:
    table: dict[str, str] = {}
    for entry in entries:
        for spelling in (entry.code, *entry.names.values(), *entry.aliases):
            if table.setdefault(plain(spelling), entry.code) != entry.code:
                raise ValueError(f"one meaning of {spelling!r} expected, two found")
    return table
