"""Counter, record, release: what CUSTODY.md 19 asks of records that change while they are read."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers.protocols.base import Arrived, Held, Step, Stranger, Unsteady, Write
from drivers.protocols.register_poll import TURNS, RegisterPoll
from drivers.reading import Settlement
from tests.drivers.register_unit import (
    COUNTER,
    FIRST,
    RECORD,
    SECOND,
    PlayedUnit,
    converse,
    look,
    missed,
    records,
    register_map,
    unit_with,
)


def test_a_counter_that_rises_brings_its_record_once() -> None:
    unit, poll = unit_with(7), RegisterPoll(register_map())

    assert records(look(poll, unit)) == [FIRST]
    assert look(poll, unit) == []

    unit.put(RECORD, *SECOND)
    unit.put(COUNTER, 8)

    assert records(look(poll, unit)) == [SECOND]


def test_a_record_is_read_between_two_looks_at_the_counter_twice_and_write_time_apart() -> None:
    unit = unit_with(7)
    begun: list[float] = []

    def note(_: Step) -> bool:
        begun.append(unit.seconds)
        return False

    unit.loses_answers_to = note

    look(RegisterPoll(register_map()), unit)

    assert [read.address for read in unit.reads] == [
        *(COUNTER, RECORD, COUNTER),
        *(COUNTER, RECORD, COUNTER),
    ]
    assert begun[3] - begun[2] >= 0.3


def test_it_is_read_only_once_where_reading_has_an_effect() -> None:
    unit = unit_with(7)

    look(RegisterPoll(register_map(read="once")), unit)

    assert [read.address for read in unit.reads] == [COUNTER, RECORD, COUNTER]


def test_a_counter_of_0_at_the_first_contact_is_an_instrument_without_records() -> None:
    assert look(RegisterPoll(register_map()), unit_with(0)) == []


@pytest.mark.parametrize("counter_first", [True, False])
@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.25])
def test_a_record_that_takes_500_ms_to_write_is_never_read_torn(
    counter_first: bool, seconds: float
) -> None:
    unit, poll = unit_with(7), RegisterPoll(register_map(write_time="0.5"))
    look(poll, unit)
    unit.put_slowly(RECORD, SECOND, 0.5)
    unit.later(0.0 if counter_first else 0.5, partial(unit.put, COUNTER, 8))
    unit.pass_time(seconds)

    found = [record for _ in range(4) for record in records(look(poll, unit))]

    assert found == [SECOND]


@given(
    tears=some.lists(some.tuples(some.floats(0, 3), some.floats(0, 0.5)), max_size=6),
    counter_first=some.booleans(),
)
def test_whenever_records_are_written_none_is_read_torn(
    tears: list[tuple[float, float]], counter_first: bool
) -> None:
    unit, poll = unit_with(1, (1, 1, 1, 1)), RegisterPoll(register_map(write_time="0.5"))
    for number, (pause, takes) in enumerate(tears, start=2):
        unit.put_slowly(RECORD, (number,) * 4, takes)
        unit.later(0.0 if counter_first else takes, partial(unit.put, COUNTER, number))
        for record in records(look(poll, unit)):
            assert len(set(record)) == 1, record
        unit.pass_time(pause)

    last = [record for _ in range(3) for record in records(look(poll, unit))]

    assert all(len(set(record)) == 1 for record in last)


def test_a_record_that_never_holds_still_is_told_and_tried_again() -> None:
    unit, poll = unit_with(7), RegisterPoll(register_map())
    for turn in range(10 * TURNS):
        unit.later(turn * 0.2, partial(unit.put, RECORD, turn))

    (told,) = look(poll, unit)
    unit.pass_time(30)

    assert isinstance(told, Unsteady)
    assert len(records(look(poll, unit))) == 1


# -- releasing -----------------------------------------------------------------------------------

BY_COUNTER = register_map(release={"at": "0x0013", "by": "counter"})
BY_COIL = register_map(release={"at": "1", "by": "coil"}, latch={"at": "0"})


def test_what_is_stored_is_released_by_the_number_that_was_stored() -> None:
    unit = unit_with(7)

    look(RegisterPoll(BY_COUNTER), unit)

    assert unit.writes == [(0x0013, (7,))]


def test_what_could_not_be_stored_is_not_released_and_comes_again() -> None:
    unit, poll = unit_with(7), RegisterPoll(BY_COUNTER)

    first = look(poll, unit, Settlement.RETRY)

    assert unit.writes == []
    assert records(look(poll, unit)) == records(first) == [FIRST]


def test_what_can_only_be_kept_as_bytes_is_released_too() -> None:
    unit = unit_with(7)

    look(RegisterPoll(BY_COUNTER), unit, Settlement.REFUSED)

    assert unit.writes == [(0x0013, (7,))]


def test_a_page_is_latched_while_it_is_read_and_let_go_after_the_release() -> None:
    unit = unit_with(7)

    look(RegisterPoll(BY_COIL), unit)

    assert unit.writes == [(0, (0,)), (0, (1,)), (1, (1,)), (0, (0,))]


def test_after_a_release_without_an_answer_the_counter_is_read_before_it_is_written_again() -> None:
    unit, poll = unit_with(7), RegisterPoll(BY_COUNTER)
    unit.loses_answers_to = lambda step: isinstance(step, Write)
    look(poll, unit)
    unit.loses_answers_to = lambda step: False
    unit.reads.clear()
    read_before_the_write: list[int] = []
    unit.on_write = lambda _: read_before_the_write.extend(read.address for read in unit.reads)

    assert look(poll, unit) == []

    assert read_before_the_write[0] == COUNTER
    assert unit.writes == [(0x0013, (7,))] * 2


def test_what_came_after_a_release_without_an_answer_is_never_released_unread() -> None:
    unit, poll = unit_with(7), RegisterPoll(BY_COIL)
    unit.loses_answers_to = lambda step: isinstance(step, Write) and step.address == 1
    look(poll, unit)
    unit.loses_answers_to = lambda step: False
    unit.put(COUNTER, 8)
    unit.put(RECORD, *SECOND)
    unit.writes.clear()

    events = list(converse(poll.poll(), unit))

    assert records(events) == [SECOND]
    assert (1, (1,)) not in unit.writes


def test_a_release_that_took_effect_without_an_answer_is_not_repeated() -> None:
    pending = {"at": "0x0010", "bit": "4"}
    poll = RegisterPoll(register_map(release={"at": "1", "by": "coil"}, pending=pending))
    unit = unit_with(7)
    unit.put(0x0010, 0b10000)
    unit.on_write = lambda _: unit.put(0x0010, 0)
    unit.loses_answers_to = lambda step: isinstance(step, Write)
    look(poll, unit)
    unit.loses_answers_to = lambda step: False

    look(poll, unit)

    assert unit.writes == [(1, (1,))]


def test_a_unit_that_answers_no_write_in_time_is_read_all_the_same() -> None:
    unit, poll = unit_with(7), RegisterPoll(BY_COIL)
    unit.loses_answers_to = lambda step: isinstance(step, Write)
    first = records(look(poll, unit))
    unit.put(COUNTER, 8)
    unit.put(RECORD, *SECOND)

    assert (first, records(look(poll, unit))) == ([FIRST], [SECOND])


def test_what_is_not_held_cannot_be_settled() -> None:
    with pytest.raises(KeyError):
        RegisterPoll(register_map()).settle(Held(1), Settlement.STORED)


def test_a_record_is_settled_once() -> None:
    unit, poll = unit_with(7), RegisterPoll(register_map())
    (arrived,) = converse(poll.poll(), unit)
    assert isinstance(arrived, Arrived)
    converse(poll.settle(arrived.held, Settlement.STORED), unit)

    with pytest.raises(KeyError):
        poll.settle(arrived.held, Settlement.STORED)


# -- without a counter ---------------------------------------------------------------------------

STAMPED = register_map(counter=None, record={"at": "0x0100", "length": "4", "stamp": ["+0", "+1"]})
EVENT = register_map(counter=None, event={"at": "0x0010", "bit": "4"})


def test_without_a_counter_a_record_s_time_tells_a_new_one() -> None:
    poll = RegisterPoll(STAMPED)

    assert records(look(poll, unit_with(0, (1, 1, 9, 9)))) == [(1, 1, 9, 9)]
    assert look(poll, unit_with(0, (1, 1, 8, 8))) == []
    assert records(look(poll, unit_with(0, (1, 2, 9, 9)))) == [(1, 2, 9, 9)]


def test_without_counter_and_time_only_a_declared_event_brings_a_record() -> None:
    unit, poll = unit_with(0), RegisterPoll(EVENT)
    assert look(poll, unit) == []
    unit.put(RECORD, *SECOND)
    assert look(poll, unit) == []

    unit.put(0x0010, 0b10000)

    assert records(look(poll, unit)) == [SECOND]
    assert look(poll, unit) == []


def test_an_event_that_was_there_before_us_is_of_unknown_age_and_brings_nothing() -> None:
    unit = unit_with(0)
    unit.put(0x0010, 0b10000)

    assert look(RegisterPoll(EVENT), unit) == []


def test_an_event_whose_record_was_not_stored_is_not_over() -> None:
    unit, poll = unit_with(0), RegisterPoll(EVENT)
    look(poll, unit)
    unit.put(0x0010, 0b10000)
    look(poll, unit, Settlement.RETRY)

    assert records(look(poll, unit)) == [FIRST]


def test_an_event_that_is_taken_away_late_does_not_bring_its_record_twice() -> None:
    poll = RegisterPoll(
        register_map(
            counter=None,
            event={"at": "0x0010", "bit": "4"},
            release={"at": "1", "by": "coil"},
        )
    )
    unit = unit_with(0)
    unit.put(0x0010, 0b10000)
    unit.on_write = lambda _: unit.later(5.0, partial(unit.put, 0x0010, 0))

    found = [record for _ in range(8) for record in records(look(poll, unit))]

    assert found == [FIRST]


# -- who answers ---------------------------------------------------------------------------------

NAMED = register_map(identify={"at": "0", "count": "4", "begins": ["SC-1"]})


def named(name: bytes, counter: int = 7) -> PlayedUnit:
    unit = unit_with(counter)
    padded = name.ljust(8, b"\0")
    unit.put(0, *(int.from_bytes(padded[at : at + 2], "big") for at in range(0, 8, 2)))
    return unit


def test_an_instrument_that_is_not_the_one_meant_is_not_believed() -> None:
    (stranger,) = look(RegisterPoll(NAMED), named(b"XY-9"))

    assert stranger == Stranger("'SC-1' expected, 'XY-9' found")


def test_who_answers_is_asked_again_after_a_silence() -> None:
    unit, poll = named(b"SC-1 A"), RegisterPoll(NAMED)
    look(poll, unit)
    unit.is_silent = True
    look(poll, unit)

    assert isinstance(look(poll, named(b"XY-9"))[0], Stranger)


def test_another_instrument_of_the_kind_counts_for_itself() -> None:
    unit, poll = named(b"SC-1 A", 7), RegisterPoll(NAMED)
    look(poll, unit)
    unit.is_silent = True
    look(poll, unit)

    events = look(poll, named(b"SC-1 B", 900))

    assert (records(events), missed(events)) == ([FIRST], 0)


def test_a_silent_unit_is_asked_one_question_and_left_alone() -> None:
    unit, poll = unit_with(7), RegisterPoll(register_map())
    unit.is_silent = True
    asked: list[object] = []
    exchange = poll.poll()
    asked.append(next(exchange))

    with pytest.raises(StopIteration):
        exchange.send(None)

    assert len(asked) == 1
