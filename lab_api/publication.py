"""What the public may see: exactly one state for every result, and the station's day. Pure.

A state is decided from the result as it stands, from the station's own card and from this
lab's settings, and from nothing else; the same facts always give the same decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.wire.result import Result
from gateway.wire.status import StationCard
from gateway.wire.words import Flag, Outcome, Purpose, Source, TimeFrom


class State(StrEnum):
    """Where a result stands towards the public; every id is in exactly one."""

    SHOWN = "shown"
    HELD = "held"
    UNASSIGNED = "unassigned"
    INVALID = "invalid"
    NOT_PUBLIC = "not_public"
    HISTORY = "history"
    WITHDRAWN = "withdrawn"


class Reason(StrEnum):
    """Why a result is not shown."""

    CHECKS_THE_INSTRUMENT = "checks-the-instrument"
    """A control, a blank, a QC or a proficiency test."""
    BEFORE_FIRST_CONTACT = "before-first-contact"
    NO_SAMPLE_NUMBER = "no-sample-number"
    CONFLICT = "conflict"
    """Two different bodies came as the same revision."""
    STATION_UNKNOWN = "station-unknown"
    NOT_PUBLISHED_HERE = "not-published-here"
    STATION_NOT_HEARD = "station-not-heard"
    """No status card yet, so neither its lab nor whether it is a demonstration is known."""
    OTHER_LAB = "other-lab"
    """The station names another publishing lab."""
    SAMPLE_NUMBER_UNSURE = "sample-number-unsure"
    FLAGGED = "flagged"
    OUTCOME_INVALID = "outcome-invalid"
    TIME_UNKNOWN = "time-unknown"
    DEMO_DIFFERS = "demo-differs"
    """Demonstration data from a real station, or real data from a demonstration."""
    POSITIVE = "positive"
    SUSPECT = "suspect"
    NOT_JUDGED = "not-judged"
    RULE_NOT_VERIFIED = "rule-not-verified"
    WAITS_FOR_REVIEW = "waits-for-review"


DEPENDS_ON_STATION = frozenset(
    {
        Reason.STATION_UNKNOWN,
        Reason.NOT_PUBLISHED_HERE,
        Reason.STATION_NOT_HEARD,
        Reason.OTHER_LAB,
        Reason.DEMO_DIFFERS,
    }
)
"""Reasons that may fall away when a station's card or its place in the settings changes."""

CHECKS = frozenset({Purpose.CONTROL, Purpose.BLANK, Purpose.QC, Purpose.PROFICIENCY})


@dataclass(frozen=True, slots=True)
class Standing:
    """What this lab knows of the station that a result comes from."""

    lab: str
    known: bool
    publish: bool
    card: StationCard | None

    def objection(self) -> Reason | None:
        """Why this lab announces nothing of the station; None where it is its publishing lab."""
        if not self.known:
            return Reason.STATION_UNKNOWN
        if not self.publish:
            return Reason.NOT_PUBLISHED_HERE
        if self.card is None:
            return Reason.STATION_NOT_HEARD
        return None if self.card.lab == self.lab else Reason.OTHER_LAB


@dataclass(frozen=True, slots=True)
class Decision:
    """A state, and the reason for every state but `shown`."""

    state: State
    reason: Reason | None = None


def decide(result: Result, standing: Standing, *, in_conflict: bool = False) -> Decision:
    """Which state a result is in, were it new; `withdrawn` is for what was shown before."""
    if result.test.purpose in CHECKS:
        return Decision(State.NOT_PUBLIC, Reason.CHECKS_THE_INSTRUMENT)
    if result.source is Source.HISTORY:
        return Decision(State.HISTORY, Reason.BEFORE_FIRST_CONTACT)
    if not result.sample.number:
        return Decision(State.UNASSIGNED, Reason.NO_SAMPLE_NUMBER)
    if in_conflict:
        return Decision(State.HELD, Reason.CONFLICT)
    if flagged := _flagged(result):
        return Decision(State.HELD, flagged)
    if result.verdict.outcome is Outcome.INVALID:
        return Decision(State.INVALID, Reason.OUTCOME_INVALID)
    if objection := standing.objection():
        return Decision(State.HELD, objection)
    held = _held(result, demo_station=standing.card is not None and standing.card.demo)
    return Decision(State.HELD, held) if held else Decision(State.SHOWN)


def _flagged(result: Result) -> Reason | None:
    if Flag.SAMPLE_NUMBER_UNSURE in result.flags:
        return Reason.SAMPLE_NUMBER_UNSURE
    return Reason.FLAGGED if result.flags else None


def _held(result: Result, *, demo_station: bool) -> Reason | None:
    """Why a sound result of a station we publish must wait; None when it need not."""
    when = result.effective_at
    if when is None or when.origin is TimeFrom.UNKNOWN:
        return Reason.TIME_UNKNOWN
    if result.demo is not demo_station:
        return Reason.DEMO_DIFFERS
    if not result.demo:
        # Until reviews exist, nothing real is shown: no person has signed it.
        verified = result.verdict.verified_rule
        return Reason.WAITS_FOR_REVIEW if verified else Reason.RULE_NOT_VERIFIED
    return {
        Outcome.PASS: None,
        Outcome.FAIL: Reason.POSITIVE,
        Outcome.SUSPECT: Reason.SUSPECT,
        Outcome.NOT_JUDGED: Reason.NOT_JUDGED,
        Outcome.INVALID: Reason.OUTCOME_INVALID,
    }[result.verdict.outcome]


def zone_of(card: StationCard, when: datetime) -> tzinfo:
    """The station's time zone; where this machine has no such zone, the offset `when` carries."""
    try:
        return ZoneInfo(card.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        offset = when.tzinfo
        assert offset is not None, "an aware datetime expected"
        return offset


def day_of(when: datetime, card: StationCard) -> str:
    """The station's day an instant belongs to, ISO 8601.

    A day that starts after noon starts the evening before its date: with `day_starts` 18:00,
    what is measured at 19:00 on the 23rd belongs to the 24th.
    """
    local = when.astimezone(zone_of(card, when))
    starts = time.fromisoformat(card.day_starts)
    begun = timedelta(hours=starts.hour, minutes=starts.minute)
    if starts.hour >= 12:
        begun -= timedelta(days=1)
    return (local.replace(tzinfo=None) - begun).date().isoformat()
