"""Names of items, foods, methods, verdicts and units, in zh-CN and en; no limits.

What is not known has no name: the functions return None, or leave a key out, and invent nothing.
"""

from __future__ import annotations

from gateway.wire.catalogue.spelling import plain
from gateway.wire.catalogue.tables import (
    food_spellings,
    foods,
    item_spellings,
    items,
    words,
)
from gateway.wire.result import Limit, Value
from gateway.wire.words import Comparator, Outcome, PassWhen

__all__ = [
    "LANGUAGES",
    "food_code",
    "food_name",
    "item_code",
    "item_name",
    "method_name",
    "outcome_words",
    "plain",
    "public_names",
    "unit_name",
]

LANGUAGES = ("zh-CN", "en")

A_FOOD = 8
"""Digits in the code of one food; fewer name a group."""


def item_code(text: str) -> str | None:
    """The item that this exact spelling names, whatever its case or width.

    >>> item_code("农药残留（抑制率）")
    'opc-inhibition'
    """
    return item_spellings().get(plain(text))


def food_code(text: str) -> str | None:
    """The food that this exact spelling names; None where it is not in the catalogue."""
    return food_spellings().get(plain(text))


def item_name(code: str | None, language: str) -> str | None:
    """What an item is called; None for a code that is not the catalogue's."""
    item = items().get(code or "")
    return item.names[language] if item else None


def food_name(code: str | None, language: str) -> str | None:
    """What a food or a group of foods is called; None for a code that is not the catalogue's."""
    food = foods().get(code or "")
    return food.names[language] if food else None


def method_name(code: str | None, language: str) -> str | None:
    """What a method is called; None for a code that is not the catalogue's."""
    names = words().methods.get(code or "")
    return names[language] if names else None


def outcome_words(outcome: Outcome, language: str) -> str:
    """A verdict as people read it: a screening word, never a legal finding."""
    return words().outcomes[outcome][language]


def unit_name(unit: str) -> str:
    """A UCUM unit as people read it; one that is not the catalogue's is shown as it is."""
    return words().units.get(unit, unit)


def public_names(
    *,
    item: str | None,
    food: str | None,
    food_name: str | None,
    method: str | None,
    standard: str | None,
    value: Value,
    limit: Limit | None,
) -> dict[str, dict[str, str]]:
    """One result in words, per language; what is not known is left out.

    `{"zh-CN": {"item": "农药残留", "food": "上海青", "method": "酶抑制法 GB/T 5009.199-2003",
    "value": "抑制率 12.6%", "limit": "合格：小于 50%"}, "en": …}`
    """
    names: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        said = {
            "item": item_name(item, language),
            "food": _food_words(food, food_name, language),
            "method": _method_words(method, standard, language),
            "value": _value_words(item, value, language),
            "limit": _limit_words(limit, language),
        }
        names[language] = {key: text for key, text in said.items() if text}
    return names


def _food_words(code: str | None, called: str | None, language: str) -> str | None:
    named = food_name(code, language)
    if named and (len(code or "") == A_FOOD or not called):
        return named
    return called


def _method_words(method: str | None, standard: str | None, language: str) -> str:
    return " ".join(part for part in (method_name(method, language), standard) if part)


def _value_words(item: str | None, value: Value, language: str) -> str | None:
    if value.grade is not None:
        return words().grades[value.grade][language]
    if value.number is None or value.comparator is None:
        return None
    amount = _amount(format(value.number, "f"), value.unit)
    if value.comparator is not Comparator.EQUAL:
        amount = f"{value.comparator} {amount}".replace("<=", "≤").replace(">=", "≥")
    entry = items().get(item or "")
    phrase = entry.says.get(language, "{}") if entry else "{}"
    return phrase.replace("{}", amount)


def _limit_words(limit: Limit | None, language: str) -> str | None:
    if limit is None:
        return None
    if limit.number is None:
        if limit.pass_when is not PassWhen.NOT_DETECTED:
            return None
        return words().limits["absent"][language]
    phrase = words().limits[limit.pass_when][language]
    return phrase.replace("{}", _amount(format(limit.number, "f"), limit.unit))


def _amount(number: str, unit: str | None) -> str:
    """A number with its unit: a space between them, but not before a percent sign."""
    shown = unit_name(unit) if unit else ""
    return f"{number}%" if shown == "%" else f"{number} {shown}".rstrip()
