"""What an instrument said, as a value that can be compared.

`as_reported` is for ever what was sent; the rest is filled only as far as it is certain, and
what cannot be read is null in every field. An answer that says that nothing was measured
(`NA`, `---.-`, 无效) has the grade `invalid`: it is neither a pass nor dropped.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal

from gateway.judging.units import ucum
from gateway.wire.catalogue import plain
from gateway.wire.result import Value
from gateway.wire.words import Comparator, Grade

_INVALID = frozenset(
    {
        *("na", "n/a", "nan", "inf", "-inf", "err", "error", "invalid", "no result", "no value"),
        *("overflow", "over", "out of range", "超量程", "超范围", "溢出"),
        *("无效", "对照无效", "无结果", "检测无效", "数据无效"),
    }
)
_BLANKED = re.compile(r"(?=(?:.*[-*]){2})[-*.]+")
"""What a display shows in place of digits: `---.-`, `*****`, `.***`."""

_GRADES = {
    **dict.fromkeys(("阴性", "阴性(-)", "未检出", "not detected"), Grade.NEGATIVE),
    **dict.fromkeys(("neg", "negative", "nonreactive", "non-reactive"), Grade.NEGATIVE),
    **dict.fromkeys(("弱阳性", "weak positive", "weakly positive"), Grade.WEAK_POSITIVE),
    **dict.fromkeys(("阳性", "阳性(+)", "检出", "detected"), Grade.POSITIVE),
    **dict.fromkeys(("pos", "positive", "reactive"), Grade.POSITIVE),
}
"""Words that can mean nothing else; ND is not one, being *not determined* to some."""

_COMPARATORS = {
    "": Comparator.EQUAL,
    "=": Comparator.EQUAL,
    "<": Comparator.LESS,
    ">": Comparator.MORE,
    **dict.fromkeys(("<=", "≤", "≦"), Comparator.LESS_OR_EQUAL),
    **dict.fromkeys((">=", "≥", "≧"), Comparator.MORE_OR_EQUAL),
}
_MEASURED = re.compile(
    r"(?P<comparator>[<>]=?|[=≤≥≦≧])? *"
    r"(?P<number>[+-]?(?:[0-9]+(?:[.,][0-9]+)?|\.[0-9]+)(?:e[+-]?[0-9]{1,2})?) *"
    r"(?P<unit>[^0-9].*)?"
)
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
"""1,234 is one and a bit to some and over a thousand to others."""

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")


def normalise(reported: str | None, unit: str | None, *, sentinels: Collection[str] = ()) -> Value:
    """Read a value as far as it is certain; never fails, never invents.

    `sentinels` are the texts by which this instrument says that it has no value. The number is
    exact; `unit` is UCUM where the spelling is known, else as sent, and null where the value
    and the unit beside it contradict each other.

    >>> normalise("＜0.05", "mg/kg").comparator
    <Comparator.LESS: '<'>
    """
    said, unit = _sendable(reported), _sendable(unit)
    known = unit and (ucum(unit) or unit)
    text = plain(said or "")
    if grade := _grade(text, sentinels):
        return Value(as_reported=said, number=None, comparator=None, unit=known, grade=grade)
    found = _MEASURED.fullmatch(text)
    number = _exact(found["number"]) if found else None
    within = ucum(found["unit"]) if found and found["unit"] else None
    if found is None or number is None or (found["unit"] and within is None):
        return Value(as_reported=said, number=None, comparator=None, unit=known, grade=None)
    return Value(
        as_reported=said,
        number=number,
        comparator=_COMPARATORS[found["comparator"] or ""],
        unit=_agreed(within, known),
        grade=None,
    )


def _sendable(text: str | None) -> str | None:
    """Text that may travel: U+FFFD for what no model lets through, null for nothing."""
    if text is None or not text.strip():
        return None
    return _UNSENDABLE.sub("\ufffd", text)


def _grade(text: str, sentinels: Collection[str]) -> Grade | None:
    if text in _INVALID or _BLANKED.fullmatch(text):
        return Grade.INVALID
    if text and text in {plain(sentinel) for sentinel in sentinels}:
        return Grade.INVALID
    return _GRADES.get(text)


def _exact(digits: str) -> Decimal | None:
    if _THOUSANDS.fullmatch(digits):
        return None
    return Decimal(digits.replace(",", "."))


def _agreed(within: str | None, beside: str | None) -> str | None:
    """The unit written into the value, or the one beside it; null where they differ."""
    if within and beside and within != beside:
        return None
    return within or beside
