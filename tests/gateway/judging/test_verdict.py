"""G7: a pass is certain, a fail is certain, and what lies between says so."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.judging import Judgement, Rules, judge, load_rules, normalise
from gateway.wire.words import Flag, Outcome, Purpose

RULES = load_rules()
DAY = date(2026, 11, 23)
LEAF, BRAISED, FISH, SQUID, OIL = "01040201", "06010101", "04010101", "04040101", "08010101"


def judged(
    sent: str | None,
    unit: str | None = "%",
    *,
    item: str | None = "opc-inhibition",
    food: str | None = LEAF,
    day: date = DAY,
    reported: str | None = None,
    purpose: Purpose = Purpose.ROUTINE,
    rules: Rules = RULES,
) -> Judgement:
    value = normalise(sent, unit)
    return judge(
        value, item=item, food=food, at=day, rules=rules, reported=reported, purpose=purpose
    )


@pytest.mark.parametrize(
    ("sent", "unit", "item", "food", "outcome"),
    [
        # Inhibition passes below 50 and not at it (GB/T 5009.199: 50 % or more is a positive).
        ("0", "%", "opc-inhibition", LEAF, "pass"),
        ("-3.2", "%", "opc-inhibition", LEAF, "pass"),
        ("49.9", "%", "opc-inhibition", LEAF, "pass"),
        ("49.99999999999999999999999999999999", "%", "opc-inhibition", LEAF, "pass"),
        ("50", "%", "opc-inhibition", LEAF, "fail"),
        ("50.0", "%", "opc-inhibition", LEAF, "fail"),
        ("62.4", "%", "opc-inhibition", LEAF, "fail"),
        # A limit of 30 mg/kg passes at it, in whatever unit of mass in mass it is sent.
        ("30", "mg/kg", "nitrite", BRAISED, "pass"),
        ("30.01", "mg/kg", "nitrite", BRAISED, "fail"),
        ("0.030", "g/kg", "nitrite", BRAISED, "pass"),
        ("30001", "μg/kg", "nitrite", BRAISED, "fail"),
        ("27", "%", "polar-compounds", OIL, "pass"),
        ("27.5", "%", "polar-compounds", OIL, "fail"),
        # What must not be detected is detected at the limit of detection, not above it.
        ("0", "mg/kg", "formaldehyde", SQUID, "pass"),
        ("4.9", "mg/kg", "formaldehyde", SQUID, "pass"),
        ("5", "mg/kg", "formaldehyde", SQUID, "fail"),
        ("阴性", None, "malachite-green", FISH, "pass"),
        ("未检出", None, "malachite-green", FISH, "pass"),
        ("弱阳性", None, "malachite-green", FISH, "suspect"),
        ("阳性", None, "malachite-green", FISH, "fail"),
    ],
)
def test_a_value_is_judged_by_its_rule(
    sent: str, unit: str | None, item: str, food: str, outcome: str
) -> None:
    assert judged(sent, unit, item=item, food=food).verdict.outcome == outcome


@pytest.mark.parametrize(
    ("sent", "item", "food", "unit", "outcome"),
    [
        ("<0.05", "nitrite", BRAISED, "mg/kg", "pass"),
        ("<30", "nitrite", BRAISED, "mg/kg", "pass"),
        ("≤30", "nitrite", BRAISED, "mg/kg", "pass"),
        ("<30.01", "nitrite", BRAISED, "mg/kg", "suspect"),
        (">30", "nitrite", BRAISED, "mg/kg", "fail"),
        ("≥30", "nitrite", BRAISED, "mg/kg", "suspect"),
        (">8", "nitrite", BRAISED, "mg/kg", "suspect"),
        ("<50", "opc-inhibition", LEAF, "%", "pass"),
        ("≤50", "opc-inhibition", LEAF, "%", "suspect"),
        (">50", "opc-inhibition", LEAF, "%", "fail"),
        ("≥50", "opc-inhibition", LEAF, "%", "fail"),
        (">49", "opc-inhibition", LEAF, "%", "suspect"),
        ("<5", "formaldehyde", SQUID, "mg/kg", "pass"),
        ("<10", "formaldehyde", SQUID, "mg/kg", "suspect"),
        (">5", "formaldehyde", SQUID, "mg/kg", "fail"),
    ],
)
def test_a_bound_is_judged_only_where_every_value_it_allows_agrees(
    sent: str, item: str, food: str, unit: str, outcome: str
) -> None:
    assert judged(sent, unit, item=item, food=food).verdict.outcome == outcome


@given(
    bound=some.integers(0, 100),
    sign=some.sampled_from(["<", "<=", ">", ">="]),
    steps=some.integers(0, 50),
)
def test_no_value_that_a_bound_allows_is_judged_against_it(
    bound: int, sign: str, steps: int
) -> None:
    distance = Decimal(steps) if "=" in sign else Decimal(steps) + Decimal("0.001")
    allowed = bound + distance if ">" in sign else bound - distance
    whole = judged(f"{sign}{bound}").verdict.outcome

    one = judged(str(allowed)).verdict.outcome

    assert whole in (one, Outcome.SUSPECT)


@pytest.mark.parametrize(
    ("sent", "unit", "flag"),
    [
        ("0.5", "mg/kg", Flag.UNIT_DIFFERS),
        ("12.6", None, Flag.UNIT_UNKNOWN),
        ("12.6", "1", Flag.UNIT_UNKNOWN),
        ("12.6", "ppm", Flag.UNIT_UNKNOWN),
        ("12.6%", "mg/kg", Flag.UNIT_UNKNOWN),
    ],
)
def test_an_inhibition_is_never_compared_with_another_unit(
    sent: str, unit: str | None, flag: Flag
) -> None:
    judgement = judged(sent, unit)

    assert (judgement.verdict.outcome, judgement.flags) == (Outcome.NOT_JUDGED, (flag,))


@pytest.mark.parametrize("sent", ["NA", "---.-", "*****", "无效", "NaN"])
def test_an_invalid_test_is_neither_a_pass_nor_dropped(sent: str) -> None:
    assert judged(sent, reported="合格").verdict.outcome is Outcome.INVALID


def test_a_test_that_its_instrument_calls_invalid_is_invalid_whatever_its_number() -> None:
    assert judged("12.6", reported="无效").verdict.outcome is Outcome.INVALID


def test_an_invalid_test_without_a_rule_is_still_invalid() -> None:
    assert judged("NA", item=None).verdict.outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("sent", "item", "food"),
    [
        ("12.6", "opc-inhibition", FISH),
        ("12.6", "opc-inhibition", None),
        ("12.6", None, LEAF),
        ("spoilt", "opc-inhibition", LEAF),
        (None, "opc-inhibition", LEAF),
        # A strip's answer says nothing of how much there is.
        ("阴性", "opc-inhibition", LEAF),
        ("阴性", "nitrite", BRAISED),
    ],
)
def test_without_rule_or_certain_value_nothing_is_judged(
    sent: str | None, item: str | None, food: str | None
) -> None:
    verdict = judged(sent, item=item, food=food).verdict

    assert (verdict.outcome, verdict.rule, verdict.limit) == (Outcome.NOT_JUDGED, None, None)


@pytest.mark.parametrize("purpose", [Purpose.QC, Purpose.CONTROL, Purpose.BLANK])
def test_what_is_no_food_has_no_limit(purpose: Purpose) -> None:
    assert judged("12.6", purpose=purpose).verdict.outcome is Outcome.NOT_JUDGED


@pytest.mark.parametrize(
    ("sent", "reported", "outcome"),
    [
        ("50", "合格", Outcome.FAIL),
        ("62.4", "Pass", Outcome.FAIL),
        ("12.6", "不合格", Outcome.PASS),
        ("12.6", "阳性", Outcome.PASS),
        ("12.6", "可疑", Outcome.PASS),
        ("12.6", "POS", Outcome.PASS),
    ],
)
def test_the_instruments_verdict_is_carried_never_obeyed_and_disagreement_is_flagged(
    sent: str, reported: str, outcome: Outcome
) -> None:
    judgement = judged(sent, reported=reported)

    assert judgement.verdict.outcome is outcome
    assert judgement.verdict.reported == reported
    assert judgement.flags == (Flag.VERDICTS_DISAGREE,)


@pytest.mark.parametrize("reported", ["合格", "阴性", "NEG", "N", "A", "H", "1", "02", None])
def test_agreement_and_letters_that_are_no_words_flag_nothing(reported: str | None) -> None:
    assert judged("12.6", reported=reported).flags == ()


def test_a_verdict_names_its_rule_its_version_and_its_limit() -> None:
    verdict = judged("12.6").verdict

    assert (verdict.rule, verdict.rules_version) == ("opc-inhibition-gbt5009.199", "2026.11")
    assert verdict.limit is not None
    assert verdict.limit.body() == {"pass_when": "lt", "number": "50", "unit": "%"}


def test_a_judgement_says_by_which_method_and_standard() -> None:
    judgement = judged("12.6")

    assert (judgement.method, judgement.standard) == ("INH", "GB/T 5009.199-2003")


def test_a_method_that_nobody_named_stays_null() -> None:
    assert judged("12", "mg/kg", item="nitrite", food=BRAISED).method is None


def test_a_verdict_by_a_rule_that_no_person_verified_says_so() -> None:
    assert judged("12.6").verdict.verified_rule is False


def test_a_verdict_by_a_verified_rule_says_so() -> None:
    rule = RULES.find("opc-inhibition", LEAF, DAY)
    assert rule is not None
    verified = Rules.of("1", [rule.model_copy(update={"verified_by": "a person"})])

    assert judged("12.6", rules=verified).verdict.verified_rule is True


def test_one_number_has_two_verdicts_by_two_standards() -> None:
    value = normalise("62.4", "%")

    by_agriculture = judge(
        value, item="opc-inhibition", food=LEAF, at=DAY, rules=RULES, standard="NY/T 448-2001"
    )

    assert by_agriculture.verdict.outcome is Outcome.PASS
    assert judged("62.4").verdict.outcome is Outcome.FAIL
