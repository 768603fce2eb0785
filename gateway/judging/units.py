"""Units as UCUM writes them, and which amounts may be compared.

An inhibition in `%` is not an amount: nothing turns it into mg/kg, and nothing here tries.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gateway.wire.catalogue import plain


@dataclass(frozen=True, slots=True)
class Scale:
    """What a unit counts, and the power of ten by which it counts it."""

    counts: str
    power: int


_SCALES = {
    "ug/kg": Scale("mass in mass", -9),
    "mg/kg": Scale("mass in mass", -6),
    "g/kg": Scale("mass in mass", -3),
    "mg/(100.g)": Scale("mass in mass", -5),
    "g/(100.g)": Scale("mass in mass", -2),
    "ug/L": Scale("mass in volume", -6),
    "mg/L": Scale("mass in volume", -3),
    "g/L": Scale("mass in volume", 0),
    "g/(100.mL)": Scale("mass in volume", 1),
    "%": Scale("share", 0),
    "Cel": Scale("temperature", 0),
    "{RLU}": Scale("light", 0),
    "{Abs}": Scale("absorbance", 0),
    "[pH]": Scale("acidity", 0),
    "[CFU]/g": Scale("colonies", 0),
    "meq/kg": Scale("peroxide", 0),
}

_SPELLINGS = {
    "mcg/kg": "ug/kg",
    "微克/千克": "ug/kg",
    "毫克/千克": "mg/kg",
    "毫克/公斤": "mg/kg",
    "克/千克": "g/kg",
    "毫克/升": "mg/L",
    "mg/100g": "mg/(100.g)",
    "g/100g": "g/(100.g)",
    "g/100ml": "g/(100.mL)",
    "℃": "Cel",
    "°c": "Cel",
    "abs": "{Abs}",
    "ph": "[pH]",
    "cfu/g": "[CFU]/g",
}


def _key(spelling: str) -> str:
    # Two letters look like the micro sign: U+00B5 and the Greek U+03BC.
    return plain(spelling).replace(" ", "").replace("\u00b5", "u").replace("\u03bc", "u")


_UCUM = _SPELLINGS | {_key(unit): unit for unit in _SCALES}


def ucum(spelling: str) -> str | None:
    """The UCUM unit that a spelling certainly means; None for any other.

    ppm is none of them: what it is a part of depends on what was measured.

    >>> ucum("μg/KG")
    'ug/kg'
    """
    return _UCUM.get(_key(spelling))


def is_known(unit: str) -> bool:
    """Whether a UCUM unit is one that amounts are compared in."""
    return unit in _SCALES


def in_unit(number: Decimal, unit: str, wanted: str) -> Decimal | None:
    """An amount in another unit, exactly; None where the two cannot be compared.

    >>> in_unit(Decimal("0.20"), "g/kg", "mg/kg")
    Decimal('200')
    """
    have, want = _SCALES.get(unit), _SCALES.get(wanted)
    if unit == wanted:
        return number
    if have is None or want is None or have.counts != want.counts:
        return None
    return _shifted(number, have.power - want.power)


def _shifted(number: Decimal, power: int) -> Decimal:
    # Rebuilt from its digits: arithmetic would round at the context's precision.
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"a finite number expected, {number} found")
    return Decimal((sign, digits, exponent + power))
