"""G6 and G13: models refuse what could not be kept, and keep numbers and nulls as they are."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from gateway.wire.generate.examples import EXAMPLES, RESULT, SHEET
from gateway.wire.model import Json
from gateway.wire.result import Limit, Result, Value
from gateway.wire.run import Run
from gateway.wire.status import StationCard
from gateway.wire.words import PassWhen

VALUE: Json = {
    "as_reported": "12.60",
    "number": "12.60",
    "comparator": "=",
    "unit": "%",
    "grade": None,
}


@pytest.mark.parametrize("text", ["N\x001", "\ud800", "a\udfffb"])
def test_nul_and_lone_surrogates_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="without NUL and lone surrogates expected"):
        Value.model_validate(VALUE | {"as_reported": text})


def test_nul_hidden_in_a_json_escape_is_refused() -> None:
    sent = json.dumps(VALUE | {"unit": "%\x00"})

    with pytest.raises(ValidationError, match="without NUL"):
        Value.model_validate_json(sent)


@pytest.mark.parametrize("number", ["12.60", "0.000", "-3.2", "100", "1E+3", "0E-5"])
def test_a_number_travels_as_an_exact_decimal_string(number: str) -> None:
    sent = Value.model_validate(VALUE | {"number": Decimal(number)}).body()["number"]

    assert (sent, Decimal(sent)) == (format(Decimal(number), "f"), Decimal(number))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "12,6", ""])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValidationError):
        Value.model_validate(VALUE | {"number": number})


def test_a_word_outside_its_set_is_refused() -> None:
    with pytest.raises(ValidationError, match="comparator"):
        Value.model_validate(VALUE | {"comparator": "~"})


def test_a_field_that_nobody_knows_yet_is_tolerated() -> None:
    payload = RESULT.body() | {"a_later_field": 1}

    assert Result.model_validate(payload) == RESULT


def test_what_is_unknown_is_null_and_not_left_out() -> None:
    assert EXAMPLES["result-unassigned"].body()["sample"]["number"] is None


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValidationError, match="received_at"):
        Result.model_validate(RESULT.body() | {"received_at": "2026-11-23T06:45:14"})


def test_a_time_keeps_its_offset() -> None:
    assert RESULT.body()["received_at"] == "2026-11-23T06:45:14.120+08:00"


def test_a_result_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RESULT.revision = 2  # type: ignore[misc]  # what mypy forbids has to fail at run time too


def test_a_sheet_ends_after_it_begins() -> None:
    with pytest.raises(ValidationError, match="'to' after 'from' expected"):
        Run.model_validate(SHEET.body() | {"to": SHEET.body()["from"]})


def test_instants_are_compared_and_not_their_text() -> None:
    payload = RESULT.body() | {"received_at": "2026-11-22T22:45:14.120Z"}

    assert Result.model_validate(payload).received_at == datetime.fromisoformat(
        "2026-11-23T06:45:14.120+08:00"
    )


@pytest.mark.parametrize("starts", ["99:99", "xx", "", "7:00"])
def test_a_day_starts_at_a_time_of_day(starts: str) -> None:
    with pytest.raises(ValidationError, match="a time such as 00:00"):
        StationCard(name="x", time_zone="Asia/Shanghai", day_starts=starts, lab="l", demo=True)


@pytest.mark.parametrize("number", ["1E99999999999999", "1E7000000", "1E-7000000"])
def test_a_number_has_places_that_can_be_written_down(number: str) -> None:
    with pytest.raises(ValidationError, match="at most 5000 places"):
        Limit(pass_when=PassWhen.LESS, number=Decimal(number), unit="%")
