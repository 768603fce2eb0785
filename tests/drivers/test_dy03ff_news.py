"""Only what is new is asked for, and nothing becomes a second result (CUSTODY.md 4; G2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.drivers.dy_instrument import (
    DRY_CHEMISTRY,
    GOLD_STRIP,
    NOON,
    DyInstrument,
    channel,
    days_before,
    photometric,
    strip,
)
from tests.drivers.dy_talk import identities, talk, values

# -- only what is new ------------------------------------------------------------------------


def test_only_what_is_new_is_handed_over() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    talking = talk(instrument)
    talking.one()
    instrument.remember(624, 503)

    assert values(talking.one()) == ["62.4", "50.3"]
    assert talking.one() == []


def test_a_growing_day_is_not_read_from_its_beginning() -> None:
    instrument = DyInstrument()
    instrument.remember(*range(1, 101))
    talking = talk(instrument)
    talking.one()
    instrument.asked.clear()
    instrument.remember(624)
    talking.one()

    assert instrument.numbers_asked == [1, 100, 101]


@pytest.mark.parametrize("number", [1, 2, 3], ids=["first", "middle", "last"])
def test_a_record_that_is_deleted_while_another_is_made_hides_nothing(number: int) -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624, 503)
    talking = talk(instrument)
    before = talking.one()
    instrument.delete(number)
    instrument.remember(777)

    new = identities(talking.one()).keys() - identities(before).keys()

    assert len(new) == 1


def test_a_list_that_was_cleared_and_grew_again_is_read_whole() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)
    talking = talk(instrument)
    talking.one()
    instrument.records[0x40].clear()
    instrument.remember(11, 12, 13)

    assert values(talking.one()) == ["1.1", "1.2", "1.3"]


def test_a_record_marked_as_deleted_stays_the_same_record() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)
    talking = talk(instrument)
    talking.one()
    at, contents = instrument.records[0x40][0]
    instrument.records[0x40][0] = at, b"\0" + contents[1:]

    assert talking.one() == []


def test_two_equal_records_of_one_list_are_two() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 126, 624, 126)

    records = talk(instrument).one()

    assert [record.occurrence for record in records] == [0, 1, 0, 2]
    assert set(identities(records).values()) == {1}


def test_an_equal_record_that_comes_later_is_counted_on() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    talking = talk(instrument)
    talking.one()
    instrument.remember(126)

    assert [record.occurrence for record in talking.one()] == [1]


@given(
    first=some.lists(some.integers(1, 5), max_size=8),
    deleted=some.lists(some.integers(0, 7), max_size=4),
    more=some.lists(some.integers(6, 9), max_size=8),
)
def test_reading_a_list_again_adds_no_identity(
    first: list[int], deleted: list[int], more: list[int]
) -> None:
    instrument = DyInstrument()
    instrument.remember(*first)
    talking = talk(instrument)
    seen = identities(talking.one())
    for number in sorted(set(deleted), reverse=True):
        if number < len(instrument.records.get(0x40, [])):
            instrument.delete(number + 1)
    instrument.remember(*more)
    seen |= identities(talking.one())

    after_a_restart = identities(talk(instrument).one())

    assert after_a_restart.keys() <= seen.keys()


def test_records_that_share_a_channels_bytes_are_two() -> None:
    instrument = DyInstrument()
    instrument.keep(photometric(channel(1, 126), channel(2, 500)))
    instrument.keep(photometric(channel(1, 126), channel(2, 501)))

    assert len(identities(talk(instrument).one())) == 4


def test_where_a_record_stands_in_its_list_does_not_identify_it() -> None:
    first, second = DyInstrument(), DyInstrument()
    first.remember(126, 624)
    second.remember(624, 126)

    assert identities(talk(first).one()) == identities(talk(second).one())


# -- which days ------------------------------------------------------------------------------


def test_older_days_are_read_once_one_a_conversation_down_to_a_bound() -> None:
    instrument = DyInstrument()
    for count in range(6):
        instrument.remember(count + 1, at=days_before(count))
    talking = talk(instrument, days_back=4)

    read = [values(talking.one()) for _ in range(5)]

    assert read == [["0.1", "0.2", "0.3"], ["0.4"], ["0.5"], [], []]


def test_after_midnight_the_new_day_is_read_and_the_old_one_too() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    talking = talk(instrument)
    talking.one()
    tomorrow = NOON + timedelta(days=1)
    instrument.remember(624)
    instrument.remember(503, at=tomorrow)
    instrument.clock = tomorrow

    assert values(talking.one()) == ["50.3", "62.4"]


def test_the_days_are_those_of_the_instruments_clock() -> None:
    instrument = DyInstrument(clock=days_before(5000))
    instrument.remember(126, at=days_before(5000))

    assert values(talk(instrument).one()) == ["12.6"]


def test_without_a_clock_of_its_own_the_days_around_ours_are_read() -> None:
    instrument = DyInstrument(clock=None)
    for count in (-1, 0, 1):
        instrument.remember(624, at=days_before(count))

    assert len(talk(instrument).one()) == 3


def test_another_instrument_on_the_same_cable_is_read_from_its_beginning() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    talking = talk(instrument)
    talking.one()
    instrument.serial = "SN24A0118"

    assert values(talking.one()) == ["12.6"]


def test_strips_and_dry_chemistry_have_lists_of_their_own() -> None:
    instrument = DyInstrument()
    instrument.keep(strip(1), kind=GOLD_STRIP)
    instrument.keep(strip(2), kind=DRY_CHEMISTRY)

    assert values(talk(instrument).one()) == ["阳性", "阴性"]
