"""Which state a result is in: every reason once, and the order of reasons."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from gateway.wire.result import Result
from gateway.wire.status import StationCard
from gateway.wire.words import Flag, Outcome, Purpose, Source
from lab_api.publication import Decision, Reason, Standing, State, day_of, decide
from tests.lab_api.station import CARD, CHINA, payload

DEMO = StationCard.model_validate(CARD)
REAL = StationCard.model_validate({**CARD, "demo": False})
IN_DEMO = Standing("lab1", known=True, publish=True, card=DEMO)
IN_REAL = Standing("lab1", known=True, publish=True, card=REAL)
PLACE = {"epoch": 1, "seq": 1, "chain": ""}


def result(**changes: Any) -> Result:
    return Result.model_validate({**payload(**changes), **PLACE, "raw_sha256": "00"})


def held(reason: Reason) -> Decision:
    return Decision(State.HELD, reason)


def test_a_pass_in_a_demonstration_is_shown_at_once() -> None:
    assert decide(result(), IN_DEMO) == Decision(State.SHOWN)


@pytest.mark.parametrize(
    ("outcome", "decision"),
    [
        ("fail", held(Reason.POSITIVE)),
        ("suspect", held(Reason.SUSPECT)),
        ("not_judged", held(Reason.NOT_JUDGED)),
        ("invalid", Decision(State.INVALID, Reason.OUTCOME_INVALID)),
    ],
)
def test_whatever_is_not_a_pass_waits_for_a_person(outcome: str, decision: Decision) -> None:
    assert decide(result(outcome=outcome), IN_DEMO) == decision


@pytest.mark.parametrize("outcome", ["pass", "fail", "suspect", "not_judged"])
def test_a_real_station_shows_nothing_that_no_signed_rule_judged(outcome: str) -> None:
    assert decide(result(outcome=outcome, demo=False), IN_REAL) == held(Reason.RULE_NOT_VERIFIED)


@pytest.mark.parametrize("outcome", ["pass", "fail", "suspect", "not_judged"])
def test_a_real_station_shows_nothing_without_review_even_by_a_signed_rule(outcome: str) -> None:
    real = result(outcome=outcome, demo=False, verified_rule=True)

    assert decide(real, IN_REAL) == held(Reason.WAITS_FOR_REVIEW)


@pytest.mark.parametrize("purpose", ["control", "blank", "qc", "proficiency"])
def test_what_checks_the_instrument_is_not_for_the_public(purpose: str) -> None:
    expected = Decision(State.NOT_PUBLIC, Reason.CHECKS_THE_INSTRUMENT)

    assert decide(result(purpose=purpose), IN_DEMO) == expected
    assert decide(result(purpose=purpose, outcome="invalid", number=None), IN_DEMO) == expected


@pytest.mark.parametrize("purpose", ["routine", "repeat", "rerun"])
def test_what_tests_the_goods_is_for_the_public(purpose: str) -> None:
    assert decide(result(purpose=purpose), IN_DEMO) == Decision(State.SHOWN)


def test_what_is_older_than_the_first_contact_is_history() -> None:
    assert decide(result(source="history"), IN_DEMO).state is State.HISTORY


@pytest.mark.parametrize("standing", [IN_DEMO, IN_REAL])
def test_without_a_sample_number_it_is_unassigned(standing: Standing) -> None:
    assert decide(result(number=None), standing) == Decision(
        State.UNASSIGNED, Reason.NO_SAMPLE_NUMBER
    )


@pytest.mark.parametrize("flag", list(Flag))
def test_every_flag_holds(flag: Flag) -> None:
    unsure = flag is Flag.SAMPLE_NUMBER_UNSURE
    reason = Reason.SAMPLE_NUMBER_UNSURE if unsure else Reason.FLAGGED

    assert decide(result(flags=[flag]), IN_DEMO) == held(reason)


def test_a_flagged_invalid_is_held_because_a_person_must_look() -> None:
    assert decide(result(flags=["suspicious"], outcome="invalid"), IN_DEMO) == held(Reason.FLAGGED)


def test_two_bodies_of_one_revision_hold_it() -> None:
    assert decide(result(), IN_DEMO, in_conflict=True) == held(Reason.CONFLICT)


@pytest.mark.parametrize(
    "effective_at", [None, {"at": "2026-11-24T12:00:00+08:00", "from": "unknown"}]
)
def test_a_time_nobody_knows_is_never_published_automatically(effective_at: Any) -> None:
    assert decide(result(effective_at=effective_at), IN_DEMO) == held(Reason.TIME_UNKNOWN)


def test_demonstration_data_is_not_shown_at_a_real_station() -> None:
    assert decide(result(demo=True), IN_REAL) == held(Reason.DEMO_DIFFERS)


def test_real_data_is_not_shown_in_a_demonstration() -> None:
    assert decide(result(demo=False), IN_DEMO) == held(Reason.DEMO_DIFFERS)


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing("lab1", known=False, publish=False, card=DEMO), Reason.STATION_UNKNOWN),
        (Standing("lab1", known=True, publish=False, card=DEMO), Reason.NOT_PUBLISHED_HERE),
        (Standing("lab1", known=True, publish=True, card=None), Reason.STATION_NOT_HEARD),
        (Standing("lab2", known=True, publish=True, card=DEMO), Reason.OTHER_LAB),
    ],
)
def test_only_the_publishing_lab_shows_anything(standing: Standing, reason: Reason) -> None:
    assert decide(result(), standing) == held(reason)


RESULTS = some.fixed_dictionaries(
    {
        "outcome": some.sampled_from(list(Outcome)),
        "purpose": some.sampled_from(list(Purpose)),
        "source": some.sampled_from(list(Source)),
        "flags": some.lists(some.sampled_from(list(Flag)), max_size=2),
        "number": some.sampled_from([None, "N1"]),
        "demo": some.booleans(),
        "verified_rule": some.booleans(),
    },
    optional={"effective_at": some.none()},
)
STANDINGS = some.builds(
    Standing,
    lab=some.sampled_from(["lab1", "lab2"]),
    known=some.booleans(),
    publish=some.booleans(),
    card=some.sampled_from([DEMO, REAL, None]),
)


def is_on_the_narrow_way(changes: dict[str, Any], standing: Standing) -> bool:
    """The only way to the public, written down a second time."""
    of_the_result = (
        changes["outcome"] is Outcome.PASS
        and changes["purpose"] in (Purpose.ROUTINE, Purpose.REPEAT, Purpose.RERUN)
        and changes["source"] is not Source.HISTORY
        and changes["flags"] == []
        and changes["number"] == "N1"
        and changes["demo"]
        and "effective_at" not in changes
    )
    return of_the_result and standing == IN_DEMO


@given(changes=RESULTS, standing=STANDINGS, in_conflict=some.booleans())
@example(
    changes={
        "outcome": Outcome.PASS,
        "purpose": Purpose.ROUTINE,
        "source": Source.INSTRUMENT,
        "flags": [],
        "number": "N1",
        "demo": True,
        "verified_rule": False,
    },
    standing=IN_DEMO,
    in_conflict=False,
)
def test_only_one_narrow_way_leads_to_the_public(
    changes: dict[str, Any], standing: Standing, in_conflict: bool
) -> None:
    decision = decide(result(**changes), standing, in_conflict=in_conflict)

    narrow = is_on_the_narrow_way(changes, standing) and not in_conflict
    assert (decision.state is State.SHOWN) is narrow
    assert (decision.reason is None) is narrow


@pytest.mark.parametrize(
    ("day_starts", "at", "day"),
    [
        ("00:00", "2026-11-24T00:00:00+08:00", "2026-11-24"),
        ("00:00", "2026-11-23T23:59:59+08:00", "2026-11-23"),
        ("18:00", "2026-11-23T18:00:00+08:00", "2026-11-24"),
        ("18:00", "2026-11-23T17:59:59+08:00", "2026-11-23"),
        ("04:30", "2026-11-24T04:29:59+08:00", "2026-11-23"),
        ("04:30", "2026-11-24T04:30:00+08:00", "2026-11-24"),
        ("00:00", "2026-11-23T16:00:00+00:00", "2026-11-24"),
    ],
)
def test_a_stations_day_starts_when_its_market_does(day_starts: str, at: str, day: str) -> None:
    card = DEMO.model_copy(update={"day_starts": day_starts})

    assert day_of(datetime.fromisoformat(at), card) == day


def test_where_this_machine_has_no_such_zone_the_instants_own_offset_counts() -> None:
    card = DEMO.model_copy(update={"time_zone": "Nowhere/Nothing"})

    assert day_of(datetime(2026, 11, 24, 0, 30, tzinfo=CHINA), card) == "2026-11-24"
