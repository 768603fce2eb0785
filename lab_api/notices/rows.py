"""A result as one line of a board: what the public may read of it, and no more. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.wire.catalogue import LANGUAGES, outcome_words, public_names
from gateway.wire.notice import Row
from gateway.wire.result import Result

NOT_CONTENT = {"notice", "revision", "published_at"}
"""What may differ between two rows that tell the public the same."""


@dataclass(frozen=True, slots=True)
class Public:
    """What makes a row of a result: its notice, its public code, and when it was decided."""

    notice: str
    code: str
    at: datetime


def row_of(result: Result, public: Public) -> Row:
    """The public row of a result that may be shown."""
    assert result.effective_at is not None, "only what has a time is shown"
    test, sample = result.test, result.sample
    return Row(
        notice=public.notice,
        code=public.code,
        result=result.id,
        revision=result.revision,
        sample=sample.number,
        food=sample.food,
        food_name=sample.food_name,
        stall=sample.stall,
        origin=sample.origin,
        item=test.item,
        method=test.method,
        standard=test.standard,
        value=result.value,
        unit=result.value.unit,
        limit=result.verdict.limit,
        verdict=result.verdict.outcome,
        words={name: outcome_words(result.verdict.outcome, name) for name in LANGUAGES},
        names=public_names(
            item=test.item,
            food=sample.food,
            food_name=sample.food_name,
            method=test.method,
            standard=test.standard,
            value=result.value,
            limit=result.verdict.limit,
        ),
        measured_at=result.measured_at,
        effective_at=result.effective_at.at,
        published_at=public.at,
        demo=result.demo,
    )


def tells_the_same(row: Row, other: Row) -> bool:
    """Whether the public reads the same in both."""
    return row.model_dump(exclude=NOT_CONTENT) == other.model_dump(exclude=NOT_CONTENT)
