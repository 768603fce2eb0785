"""The words that travel: closed sets, the same for every reader."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """A verdict: a screening word, never a legal finding."""

    PASS = "pass"
    FAIL = "fail"
    SUSPECT = "suspect"
    INVALID = "invalid"
    NOT_JUDGED = "not_judged"


class Source(StrEnum):
    """Where a result came from; `history` is older than the first contact."""

    INSTRUMENT = "instrument"
    TICKET = "ticket"
    FILE = "file"
    MANUAL = "manual"
    HISTORY = "history"


class Purpose(StrEnum):
    """Why a test was run."""

    ROUTINE = "routine"
    REPEAT = "repeat"
    RERUN = "rerun"
    CONTROL = "control"
    BLANK = "blank"
    QC = "qc"
    PROFICIENCY = "proficiency"


class Basis(StrEnum):
    """On whose behalf."""

    SELF_CHECK = "self_check"
    SUPERVISION = "supervision"
    COMMISSIONED = "commissioned"
    SUBMITTED = "submitted"


class Comparator(StrEnum):
    """How `number` bounds what was measured."""

    EQUAL = "="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    MORE = ">"
    MORE_OR_EQUAL = ">="


class PassWhen(StrEnum):
    """When a value passes its limit: the comparator is never implied."""

    LESS = "lt"
    LESS_OR_EQUAL = "le"
    MORE = "gt"
    MORE_OR_EQUAL = "ge"
    NOT_DETECTED = "not_detected"


class Grade(StrEnum):
    """A qualitative answer."""

    NEGATIVE = "negative"
    WEAK_POSITIVE = "weak_positive"
    POSITIVE = "positive"
    INVALID = "invalid"


class TimeFrom(StrEnum):
    """Whose clock `effective_at` comes from."""

    INSTRUMENT = "instrument"
    RECEIVED = "received"
    RUN = "run"
    OPERATOR = "operator"
    UNKNOWN = "unknown"


class LinkState(StrEnum):
    """What a link is doing."""

    CONNECTING = "connecting"
    SPEAKING = "speaking"
    SILENT = "silent"
    GARBLED = "garbled"
    LOST = "lost"
    STOPPED = "stopped"
    FAULTED = "faulted"


class Flag(StrEnum):
    """What a person must know about a result; each holds it back from the public."""

    VERDICTS_DISAGREE = "verdicts-disagree"
    SAMPLE_NUMBER_UNSURE = "sample-number-unsure"
    CLOCK_IMPLAUSIBLE = "clock-implausible"
    UNIT_UNKNOWN = "unit-unknown"
    UNIT_DIFFERS = "unit-differs"
    NOT_FINAL = "not-final"
    TRAINING = "training"
    """Said by the instrument to be for training or debugging."""
    SUSPICIOUS = "suspicious"
    DELETED = "deleted"
    """Marked as deleted in the instrument's own memory."""
    CONTROL_INVALID = "control-invalid"
    """The control of its run was not valid."""
