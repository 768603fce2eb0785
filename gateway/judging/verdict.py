"""A value and a rule → a verdict: pass only what certainly passes, fail only what certainly fails.

What lies between is *suspect*; what no rule reaches, or cannot be compared, is *not judged*; and
a test that says it is invalid is *invalid* whatever its number (domain reference §3.1).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gateway.judging.rules import Rule, Rules
from gateway.judging.units import in_unit, is_known
from gateway.wire.catalogue import plain
from gateway.wire.result import Limit, Value, Verdict
from gateway.wire.words import Comparator, Flag, Grade, Outcome, PassWhen, Purpose

_COMPARE = {
    PassWhen.LESS: operator.lt,
    PassWhen.LESS_OR_EQUAL: operator.le,
    PassWhen.MORE: operator.gt,
    PassWhen.MORE_OR_EQUAL: operator.ge,
    # A substance is detected at or above the limit of detection, and not below it.
    PassWhen.NOT_DETECTED: operator.lt,
}
_FLOORS = (PassWhen.MORE, PassWhen.MORE_OR_EQUAL)
_UPWARDS = (Comparator.MORE, Comparator.MORE_OR_EQUAL)
_STRICT = (Comparator.LESS, Comparator.MORE)

_BY_GRADE = {
    Grade.NEGATIVE: Outcome.PASS,
    Grade.WEAK_POSITIVE: Outcome.SUSPECT,
    Grade.POSITIVE: Outcome.FAIL,
}
_UNJUDGED = (Purpose.CONTROL, Purpose.BLANK, Purpose.QC)
"""What is no food has no limit."""

_SAID = {
    **dict.fromkeys(("合格", "阴性", "未检出", "pass", "neg", "negative"), Outcome.PASS),
    **dict.fromkeys(("不合格", "超标", "阳性", "检出", "fail", "pos", "positive"), Outcome.FAIL),
    **dict.fromkeys(("可疑", "弱阳性", "suspect"), Outcome.SUSPECT),
    **dict.fromkeys(("无效", "检测无效", "对照无效", "invalid"), Outcome.INVALID),
}
"""Words by which an instrument certainly gives a verdict; A, N and H are none of them."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, what a person must know about it, and what it was reached by."""

    verdict: Verdict
    flags: tuple[Flag, ...] = ()
    method: str | None = None
    standard: str | None = None
    """Of the rule, or as given; null where neither is known."""


def judge(
    value: Value,
    *,
    item: str | None,
    food: str | None,
    at: date | None,
    rules: Rules,
    reported: str | None = None,
    purpose: Purpose = Purpose.ROUTINE,
    method: str | None = None,
    standard: str | None = None,
) -> Judgement:
    """Judge a value by the rule for its item and food on the station's day `at`.

    `reported` is the instrument's own verdict: carried, never obeyed, and a disagreement is
    flagged. Only its word that the test is invalid stands, because no number outlives that.
    """
    rule = None
    if purpose not in _UNJUDGED:
        rule = rules.find(item, food, at, method, standard)
    said = _SAID.get(plain(reported or ""))
    doubt = _unit_doubt(value, rule) if rule else None
    outcome = _decided(value, rule, said, doubt)
    flags = [doubt] if doubt else []
    if _disagrees(outcome, said):
        flags.append(Flag.VERDICTS_DISAGREE)
    return Judgement(
        verdict=_verdict(outcome, reported, rule, rules.version),
        flags=tuple(flags),
        method=method or (rule.method if rule else None),
        standard=standard or (rule.standard if rule else None),
    )


def _decided(value: Value, rule: Rule | None, said: Outcome | None, doubt: Flag | None) -> Outcome:
    if value.grade is Grade.INVALID or said is Outcome.INVALID:
        return Outcome.INVALID
    if rule is None or doubt is not None:
        return Outcome.NOT_JUDGED
    return _outcome(value, rule)


def _outcome(value: Value, rule: Rule) -> Outcome:
    """How a value that may be compared stands to a rule."""
    if value.number is not None and value.comparator is not None and value.unit is not None:
        number = in_unit(value.number, value.unit, rule.unit)
        if number is not None:
            return _stands(number, value.comparator, rule.pass_when, rule.threshold)
    if value.grade is not None and rule.pass_when is PassWhen.NOT_DETECTED:
        return _BY_GRADE[value.grade]
    return Outcome.NOT_JUDGED


def _stands(number: Decimal, sign: Comparator, passes: PassWhen, threshold: Decimal) -> Outcome:
    """Judge all that `sign number` may mean: one verdict only where every such value has it."""
    at_the_number = _COMPARE[passes](number, threshold)
    if sign is Comparator.EQUAL:
        return Outcome.PASS if at_the_number else Outcome.FAIL
    # "<50" leaves 50 itself out, so that it lies below a limit of 50 though 50 does not.
    just_beyond = sign in _STRICT and number == threshold
    towards_passing = (sign in _UPWARDS) is (passes in _FLOORS)
    if towards_passing:
        return Outcome.PASS if at_the_number or just_beyond else Outcome.SUSPECT
    return Outcome.FAIL if not at_the_number or just_beyond else Outcome.SUSPECT


def _unit_doubt(value: Value, rule: Rule) -> Flag | None:
    if value.number is None:
        return None
    if value.unit is None or not is_known(value.unit):
        return Flag.UNIT_UNKNOWN
    return Flag.UNIT_DIFFERS if in_unit(value.number, value.unit, rule.unit) is None else None


def _disagrees(outcome: Outcome, said: Outcome | None) -> bool:
    return said is not None and outcome in (Outcome.PASS, Outcome.FAIL) and said is not outcome


def _verdict(outcome: Outcome, reported: str | None, rule: Rule | None, version: str) -> Verdict:
    if outcome in (Outcome.INVALID, Outcome.NOT_JUDGED):
        rule = None  # it decided nothing, and its limit beside this value would mislead
    limit = None
    if rule is not None:
        limit = Limit(pass_when=rule.pass_when, number=rule.threshold, unit=rule.unit)
    return Verdict(
        outcome=outcome,
        reported=reported,
        rule=rule.id if rule else None,
        rules_version=version,
        limit=limit,
        verified_rule=rule is not None and rule.verified_by is not None,
    )
