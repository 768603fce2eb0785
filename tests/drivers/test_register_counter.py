"""What a counter tells: what is new, what was missed, what was reset (CUSTODY.md 19)."""

from __future__ import annotations

import pytest

from drivers.protocols.base import Arrived
from drivers.protocols.register_poll import RegisterPoll
from tests.drivers.register_unit import (
    COUNTER,
    FIRST,
    RECORD,
    SECOND,
    PlayedUnit,
    look,
    missed,
    records,
    register_map,
    unit_with,
)


@pytest.mark.parametrize(
    ("after_last", "numbers"), [("0", [65534, 65535, 0, 1]), ("1", [65534, 65535, 1, 2])]
)
def test_a_counter_that_turns_over_misses_nothing(after_last: str, numbers: list[int]) -> None:
    counter = {"at": "0x0011", "after_last": after_last}
    poll = RegisterPoll(register_map(counter=counter))

    for number in numbers:
        events = look(poll, unit_with(number, (number, 0, 0, 0)))

        assert (records(events), missed(events)) == ([(number, 0, 0, 0)], 0)


def test_a_counter_that_turns_over_unread_tells_how_many_were_missed() -> None:
    poll = RegisterPoll(register_map())
    look(poll, unit_with(65530))

    assert missed(look(poll, unit_with(4, SECOND))) == 9


def test_a_counter_that_ends_at_9999_turns_over_there() -> None:
    poll = RegisterPoll(register_map(counter={"at": "0x0011", "last": "9999", "after_last": "1"}))
    look(poll, unit_with(9998))

    events = look(poll, unit_with(2, SECOND))

    assert (records(events), missed(events)) == ([SECOND], 2)


def test_a_counter_of_32_bits_is_read_in_its_order() -> None:
    counter = {"at": "0x0011", "type": "u32", "order": "CDAB"}
    poll = RegisterPoll(register_map(counter=counter))
    unit = unit_with(0)
    unit.put(COUNTER, 0xFFFF, 0x0000)
    look(poll, unit)

    unit.put(COUNTER, 0x0001, 0x0001)
    unit.put(RECORD, *SECOND)

    assert missed(look(poll, unit)) == 1


@pytest.mark.parametrize("counter", [0, 1, 4000])
def test_a_reset_that_shows_the_same_record_again_brings_nothing(counter: int) -> None:
    poll = RegisterPoll(register_map())
    look(poll, unit_with(4711))

    assert look(poll, unit_with(counter)) == []
    assert records(look(poll, unit_with(counter + 1, SECOND))) == [SECOND]


def test_a_reset_with_another_record_brings_it_and_claims_to_have_missed_nothing() -> None:
    poll = RegisterPoll(register_map())
    look(poll, unit_with(4711))

    events = look(poll, unit_with(3, SECOND))

    assert (records(events), missed(events)) == ([SECOND], 0)


def test_the_same_values_measured_again_are_another_record() -> None:
    poll = RegisterPoll(register_map())
    look(poll, unit_with(7))

    assert records(look(poll, unit_with(8))) == [FIRST]


@pytest.mark.parametrize(("depth", "lost"), [(1, 6), (5, 2), (7, 0), (50, 0)])
def test_a_jump_beyond_the_depth_tells_how_many_were_missed(depth: int, lost: int) -> None:
    poll = RegisterPoll(register_map(counter={"at": "0x0011", "depth": str(depth)}))
    look(poll, unit_with(10))

    assert missed(look(poll, unit_with(17, SECOND))) == lost


def test_what_was_missed_before_the_first_contact_nobody_knows() -> None:
    assert missed(look(RegisterPoll(register_map()), unit_with(4711))) == 0


def test_what_was_missed_while_we_were_away_is_known_from_the_last_record() -> None:
    (last,) = (
        event.record
        for event in look(RegisterPoll(register_map()), unit_with(10))
        if isinstance(event, Arrived)
    )

    assert missed(look(RegisterPoll(register_map(), last), unit_with(14, SECOND))) == 3
    assert look(RegisterPoll(register_map(), last), unit_with(10)) == []


@pytest.mark.parametrize("last", [b"", b"\x01", b"nonsense", b"\x03\x00\x11\x00\x09\x00"])
def test_a_last_record_of_another_kind_is_no_last_record(last: bytes) -> None:
    assert records(look(RegisterPoll(register_map(), last), unit_with(7))) == [FIRST]


# -- pages ---------------------------------------------------------------------------------------

PAGE = register_map(
    record={
        "at": "0x0100",
        "length": "4",
        "every": "8",
        "most": "4",
        "count_at": "0x0012",
        "number": {"at": "+0"},
        "empty": {"at": "+1", "values": ["0"]},
        "stamp": ["+3"],
    }
)


def page_of(counter: int, *numbers: int) -> PlayedUnit:
    """A page whose channels carry these numbers; 0 is an empty one."""
    unit = PlayedUnit()
    unit.put(COUNTER, counter, len(numbers))
    for place, number in enumerate(numbers):
        unit.put(RECORD + 8 * place, number, int(number > 0), 0, number)
    return unit


def numbers_in(events: list[object]) -> list[int]:
    return [
        number
        for place in range(4)
        for number, is_there, *_ in records(events, RECORD + 8 * place)  # type: ignore[arg-type] # any events
        if is_there == 1
    ]


def test_a_page_is_read_with_as_many_records_as_it_says_it_has() -> None:
    unit = page_of(2, 1, 2)

    events = look(RegisterPoll(PAGE), unit)

    assert numbers_in(list(events)) == [1, 2]
    assert max(read.address + read.count for read in unit.reads) == RECORD + 8 + 4


def test_of_a_page_only_what_is_new_is_handed_over() -> None:
    poll = RegisterPoll(PAGE)
    look(poll, page_of(2, 1, 2, 0, 0))

    assert numbers_in(list(look(poll, page_of(3, 1, 2, 3, 0)))) == [3]
    assert numbers_in(list(look(poll, page_of(4, 4, 2, 3, 0)))) == [4]


@pytest.mark.parametrize(
    ("counter", "numbers", "lost"),
    [
        (12, (11, 12, 9, 10), 0),
        (14, (13, 14, 9, 10), 2),
        (18, (15, 16, 17, 18), 4),
        # One load of the whole page under one number.
        (11, (11, 11, 11, 11), 0),
        (13, (13, 13, 13, 13), 2),
        (13, (0, 0, 0, 0), 3),
    ],
)
def test_the_numbers_that_records_carry_tell_what_was_missed(
    counter: int, numbers: tuple[int, ...], lost: int
) -> None:
    poll = RegisterPoll(PAGE)
    look(poll, page_of(10, 7, 8, 9, 10))

    assert missed(look(poll, page_of(counter, *numbers))) == lost


def test_a_page_without_a_record_hands_nothing_over() -> None:
    assert look(RegisterPoll(PAGE), page_of(3, 0, 0, 0, 0)) == []
