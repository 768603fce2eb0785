"""G6: what cannot be read stays null; G7: numbers are exact, and invalid is never a value."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.judging import normalise
from gateway.wire.result import Value
from gateway.wire.words import Grade
from tests.vectors import judging as vectors

ANY_TEXT = some.text(some.characters(exclude_categories=()), max_size=30)
SENT_LIKE = some.text(alphabet="0123456789.,<>=≤≥+-*eE% 阴阳性无效NaA／．", max_size=12)


@pytest.mark.parametrize("row", vectors.ALL, ids=lambda row: str(row[0]))
def test_a_value_is_read_as_far_as_it_is_certain(row: vectors.Row) -> None:
    sent, unit, number, comparator, ucum, grade = row

    value = normalise(sent, unit)

    assert (
        value.number and format(value.number, "f"),
        value.comparator,
        value.unit,
        value.grade,
    ) == (number, comparator, ucum, grade)


@pytest.mark.parametrize("row", [row for row in vectors.ALL if (row[0] or "").strip()])
def test_what_was_sent_is_kept_for_ever(row: vectors.Row) -> None:
    assert normalise(row[0], row[1]).as_reported == row[0]


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_nothing_sent_is_null(sent: str | None) -> None:
    assert normalise(sent, None).as_reported is None


def test_an_instruments_own_sentinel_is_invalid_and_never_a_number() -> None:
    value = normalise("3276.6", "%", sentinels={"3276.6"})

    assert (value.grade, value.number) == (Grade.INVALID, None)


def test_a_sentinel_is_known_in_any_width_and_case() -> None:
    assert normalise("Ｏｖｅｒ!", None, sentinels={"OVER!"}).grade is Grade.INVALID


def test_a_number_near_a_sentinel_is_a_number() -> None:
    assert normalise("3276.5", "%", sentinels={"3276.6"}).grade is None


@pytest.mark.parametrize("sent", ["12\x006", "\ud80012.6"])
def test_what_no_reader_could_take_is_shown_as_a_replacement(sent: str) -> None:
    assert "\ufffd" in (normalise(sent, None).as_reported or "")


@given(sent=ANY_TEXT | SENT_LIKE, unit=ANY_TEXT | some.none())
def test_any_text_at_all_gives_a_value_that_may_travel(sent: str, unit: str | None) -> None:
    value = normalise(sent, unit)

    assert Value.model_validate_json(value.to_bytes()) == value


@given(sent=ANY_TEXT | SENT_LIKE)
def test_a_value_has_a_number_or_a_grade_and_never_both(sent: str) -> None:
    value = normalise(sent, None)

    assert value.number is None or value.grade is None


@given(sent=ANY_TEXT | SENT_LIKE)
def test_a_number_is_made_of_digits_that_were_sent(sent: str) -> None:
    value = normalise(sent, None)
    digits = "".join(str(d) for d in value.number.as_tuple().digits) if value.number else ""

    plain = "".join(str(ord(c) - 0xFF10) if "０" <= c <= "９" else c for c in sent)
    assert digits.lstrip("0") in plain.replace(".", "").replace(",", "").replace("．", "")


@given(number=some.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_an_exact_decimal_is_read_back_exactly(number: Decimal) -> None:
    assert normalise(f"{number:f}", "%").number == number
