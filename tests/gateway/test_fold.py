"""G6 nothing is invented, G7 verdicts are honest, G12 honest time; CUSTODY.md 17."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from drivers.reading import Purpose as Said
from drivers.reading import Reading
from gateway.fold import Facts, fold, result_id
from gateway.wire.result import ResultBody
from gateway.wire.run import Run, SheetLine
from gateway.wire.words import Flag, Outcome, Purpose, TimeFrom
from tests.gateway.stations import NOON, PLACE, READER, reading

SHEET = Run(
    run="r1",
    version=1,
    instrument="pest-1",
    covers_from=NOON - timedelta(hours=1),
    covers_to=NOON,
    samples=(SheetLine(number="N1", food="01040201", stall="A-013"),),
)


def facts(said: Reading, received: datetime = NOON) -> Facts:
    return Facts(uuid4(), said, READER, None, received, True, "00" * 32)


def test_what_nobody_said_stays_null() -> None:
    body = fold(facts(reading(sample=None, measured_at=None)), PLACE)

    assert body.sample.model_dump(exclude_none=True) == {}
    assert (body.measured_at, body.test.basis, body.test.kit) == (None, None, None)


def test_a_paired_reading_is_judged_by_its_food() -> None:
    body = fold(facts(reading("12.6")), PLACE, [SHEET])

    assert (body.verdict.outcome, body.sample.stall) == (Outcome.PASS, "A-013")


def test_the_boundary_of_fifty_percent_fails() -> None:
    body = fold(facts(reading("50.0")), PLACE, [SHEET])

    assert body.verdict.outcome is Outcome.FAIL


def test_a_reading_without_a_rule_is_not_judged() -> None:
    assert fold(facts(reading()), PLACE).verdict.outcome is Outcome.NOT_JUDGED


def test_an_invalid_reading_is_invalid_and_has_no_number() -> None:
    body = fold(facts(reading("---.-")), PLACE, [SHEET])

    assert (body.verdict.outcome, body.value.number) == (Outcome.INVALID, None)


def test_no_rule_is_verified_by_nobody() -> None:
    assert not fold(facts(reading()), PLACE, [SHEET]).verdict.verified_rule


def test_quality_control_is_named_so() -> None:
    body = fold(facts(replace(reading(), purpose=Said.QC)), PLACE)

    assert body.test.purpose is Purpose.QC


@pytest.mark.parametrize(
    ("says", "doubted"),
    [
        ("2026-11-24T11:58:00", False),
        ("2026-11-24T12:06:00", True),
        ("2000-01-01T00:00:00", True),
        ("2011-01-02T17:31:44", True),
        ("2026-11-24T20:00:00", True),
        ("2026-11-24T04:00:30", True),
        ("2026-11-23T13:00:00", False),
    ],
)
def test_a_wrong_instrument_clock_is_flagged_and_never_silently_replaced(
    says: str, doubted: bool
) -> None:
    body = fold(facts(reading(measured_at=says)), PLACE)

    assert (Flag.CLOCK_IMPLAUSIBLE in body.flags) is doubted
    assert body.measured_at == datetime.fromisoformat(says).replace(tzinfo=PLACE.zone)
    assert body.effective_at is not None
    assert body.effective_at.origin is (TimeFrom.RECEIVED if doubted else TimeFrom.INSTRUMENT)


def test_a_number_taken_from_another_field_needs_a_person() -> None:
    body = fold(facts(replace(reading(), extras={"sample_from": "P.3"})), PLACE)

    assert Flag.SAMPLE_NUMBER_UNSURE in body.flags


def test_the_same_facts_give_the_same_result() -> None:
    known = facts(reading())

    assert fold(known, PLACE, [SHEET]) == fold(known, PLACE, [SHEET])


def test_result_ids_tell_station_instrument_record_and_occurrence_apart() -> None:
    other = replace(PLACE, station="s0008")
    ids = {
        result_id(PLACE, "a", b"1", 0),
        result_id(PLACE, "a", b"1", 1),
        result_id(PLACE, "a", b"2", 0),
        result_id(PLACE, "b", b"1", 0),
        result_id(other, "a", b"1", 0),
    }

    assert len(ids) == 5


@pytest.mark.parametrize("says", ["1900-01-01T00:00:00", "0001-01-01T00:00:00", "2026-13-01"])
def test_a_time_that_has_no_word_on_the_wire_is_kept_as_text_and_flagged(says: str) -> None:
    body = fold(facts(replace(reading(measured_at=says), instrument_text="as sent")), PLACE)

    assert (body.measured_at, body.clock.instrument_text) == (None, "as sent")
    assert Flag.CLOCK_IMPLAUSIBLE in body.flags
    assert ResultBody.model_validate_json(body.to_bytes()) == body
