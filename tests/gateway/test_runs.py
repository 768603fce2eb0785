"""CUSTODY.md 15: a result is paired with a sample only where there is one way to do it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.runs import Taken, pair
from gateway.wire.run import Run, SheetLine
from tests.gateway.stations import NOON, reading


def sheet(run: str, *lines: SheetLine, instrument: str = "pest-1", begins: datetime = NOON) -> Run:
    return Run(
        run=run,
        version=1,
        instrument=instrument,
        covers_from=begins,
        covers_to=begins + timedelta(hours=1),
        samples=lines,
    )


BY_CHANNEL = sheet("r1", SheetLine(number="N1", channel="3", food="010409"))
BY_NUMBER = sheet("r1", SheetLine(number="N1", food="010409"))


def test_a_number_is_found_on_the_sheet_that_carries_it() -> None:
    found = pair(reading(sample="N1"), "pest-1", NOON, [BY_NUMBER])

    assert found is not None
    assert found.line.food == "010409"


def test_a_number_on_two_sheets_belongs_to_nobody() -> None:
    again = sheet("r2", SheetLine(number="N1", food="010408"))

    assert pair(reading(sample="N1"), "pest-1", NOON, [BY_NUMBER, again]) is None


def test_a_channel_is_found_where_one_sheet_covers_the_time() -> None:
    found = pair(reading(sample=None, channel="3"), "pest-1", NOON, [BY_CHANNEL])

    assert found is not None
    assert found.line.number == "N1"


@pytest.mark.parametrize(
    ("sheets", "measured", "taken"),
    [
        ([], NOON, frozenset()),
        ([BY_CHANNEL], NOON - timedelta(minutes=1), frozenset()),
        ([BY_CHANNEL], None, frozenset()),
        ([BY_CHANNEL, sheet("r2", SheetLine(number="N9", channel="9"))], NOON, frozenset()),
        ([BY_CHANNEL], NOON, frozenset({Taken("r1", "3", "opc-inhibition")})),
        ([sheet("r1", *BY_CHANNEL.samples, instrument="other")], NOON, frozenset()),
    ],
    ids=["no sheet", "before it", "clock not believed", "two cover it", "taken", "another's"],
)
def test_a_channel_without_one_certain_place_stays_unassigned(
    sheets: list[Run], measured: datetime | None, taken: frozenset[Taken]
) -> None:
    said = reading(sample=None, channel="3")

    assert pair(said, "pest-1", measured, sheets, taken) is None
