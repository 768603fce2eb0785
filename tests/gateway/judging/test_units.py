from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.judging.units import in_unit, ucum

SPELLINGS = [
    ("ug/kg", "ug/kg"),
    ("µg/kg", "ug/kg"),
    ("μg/kg", "ug/kg"),
    ("UG/KG", "ug/kg"),
    ("微克/千克", "ug/kg"),
    ("mg/kg", "mg/kg"),
    ("mg / kg", "mg/kg"),
    ("％", "%"),
    ("℃", "Cel"),
    ("°C", "Cel"),
    ("{RLU}", "{RLU}"),
    ("mg/100g", "mg/(100.g)"),
    ("CFU/g", "[CFU]/g"),
]


@pytest.mark.parametrize(("sent", "unit"), SPELLINGS)
def test_a_spelling_is_known_for_its_unit(sent: str, unit: str) -> None:
    assert ucum(sent) == unit


@pytest.mark.parametrize("sent", ["1", "ppm", "ppb", "mg/dl", "Ratio", "", "kg"])
def test_a_unit_that_means_nothing_certain_is_not_known(sent: str) -> None:
    assert ucum(sent) is None


@pytest.mark.parametrize(
    ("number", "unit", "wanted", "amount"),
    [
        ("0.2", "g/kg", "mg/kg", "200"),
        ("30", "mg/kg", "g/kg", "0.030"),
        ("2", "ug/kg", "mg/kg", "0.002"),
        ("15", "mg/(100.g)", "mg/kg", "150"),
        ("0.4", "g/(100.mL)", "g/L", "4"),
        ("12.60", "%", "%", "12.60"),
    ],
)
def test_amounts_of_one_kind_are_compared(number: str, unit: str, wanted: str, amount: str) -> None:
    assert in_unit(Decimal(number), unit, wanted) == Decimal(amount)


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [("%", "mg/kg"), ("mg/L", "mg/kg"), ("{RLU}", "%"), ("ppm", "mg/kg"), ("%", "g/(100.g)")],
)
def test_amounts_of_different_kinds_are_not(unit: str, wanted: str) -> None:
    assert in_unit(Decimal(1), unit, wanted) is None


@given(number=some.decimals(allow_nan=False, allow_infinity=False))
def test_there_and_back_is_the_same_number(number: Decimal) -> None:
    there = in_unit(number, "ug/kg", "g/kg")

    assert there is not None
    assert in_unit(there, "g/kg", "ug/kg") == number
