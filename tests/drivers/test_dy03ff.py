"""The conversation with a Dayuan "03 FF" instrument (domain reference 2.8c; CUSTODY.md 18)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers import understand
from drivers.protocols.base import Arrived, Hear, Say
from drivers.protocols.dy03ff_frames import answer_end, packed_day, question, unpacked
from drivers.protocols.dy03ff_questions import ANSWER_WITHIN
from drivers.reading import Settlement
from tests.drivers.asking import Conversations, carried
from tests.drivers.dy_instrument import (
    DyInstrument,
    channel,
    frame,
    photometric,
)
from tests.drivers.dy_talk import DAY, PROFILE, protocol, talk, values
from tests.vectors import dy03ff as vectors

# -- the frames of the paper -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "wire"),
    [
        (question(0x20, contents=b"DEVICE??"), vectors.TEST),
        (question(0x42), vectors.ITEM_PAGE_0),
        (question(0x43, contents=b"".join(packed_day(DAY))), vectors.COUNT_OF_20261123),
        (question(0x45, 1), vectors.RECORD_1),
    ],
    ids=["test D4/18", "items BE", "count B7/00", "record B8"],
)
def test_a_question_is_written_as_the_paper_writes_it(asked: bytes, wire: bytes) -> None:
    assert asked == wire


def test_a_day_begins_and_ends_as_the_paper_says() -> None:
    assert packed_day(DAY) == (vectors.DAY_20261123_BEGINS, vectors.DAY_20261123_ENDS)


def test_a_packed_time_is_the_instruments_local_time() -> None:
    at = unpacked(vectors.TIME_20261123_064512)

    assert at is not None
    assert at.isoformat() == "2026-11-23T06:45:12"


@pytest.mark.parametrize("octets", [bytes(4), b"\xff\xff\xff\xff", vectors.DAY_20261123_ENDS])
def test_a_packed_time_that_is_no_instant_is_unknown(octets: bytes) -> None:
    assert unpacked(octets) is None


# -- the conversation ------------------------------------------------------------------------


def test_a_conversation_reads_like_the_manual() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    talk(instrument).one()

    who, today, record, page, *others = instrument.asked
    assert (who, today) == (vectors.TEST, vectors.COUNT_OF_20261123)
    assert (record, page) == (vectors.RECORD_1, vectors.ITEM_PAGE_0)
    yesterday = b"".join(packed_day(DAY - timedelta(days=1)))
    assert [one[2] for one in others] == [0x63, 0x73, 0x43, 0x63, 0x73]
    assert [one[12:] for one in others[2:]] == [yesterday] * 3


def test_it_says_and_hears_in_turns() -> None:
    exchange = protocol().ask()

    assert next(exchange) == Say(vectors.TEST)
    assert exchange.send(None) == Hear(answer_end, ANSWER_WITHIN)


def test_a_record_is_its_answer_with_the_page_of_its_item_before_it() -> None:
    instrument = DyInstrument()
    instrument.remember(126)

    (record,) = talk(instrument).one()

    contents = instrument.records[0x40][0][1]
    page = frame(0x42, 0, b"".join(instrument.items[0x40]))
    assert record.record == page + frame(0x45, 1, contents)


def test_the_instruments_own_serial_number_comes_with_a_record() -> None:
    instrument = DyInstrument(serial="SN24A0117")
    instrument.remember(126)

    assert talk(instrument).one()[0].device_serial == "SN24A0117"


def test_the_next_record_is_asked_for_only_when_the_last_is_settled() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)
    talking = talk(instrument)
    (first,) = talking.next()
    assert isinstance(first, Arrived)

    assert list(talking.next()) == []
    assert instrument.numbers_asked == [1]
    carried(talking.protocol.settle(first.held, Settlement.STORED), instrument.answer)
    talking.next()
    assert instrument.numbers_asked == [1, 2]


def test_what_could_not_be_understood_is_passed_like_what_was_stored() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)
    talking = Conversations(protocol(), instrument.answer, Settlement.REFUSED)

    assert len(talking.one()) == 2
    assert talking.one() == []


def test_retry_ends_the_conversation_and_the_record_is_asked_for_again() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)
    talking = talk(instrument)
    (first,) = talking.next()
    assert isinstance(first, Arrived)
    carried(talking.protocol.settle(first.held, Settlement.RETRY), instrument.answer)
    instrument.asked.clear()

    again = talking.one()

    assert instrument.asked[0] == vectors.TEST
    assert values(again) == ["12.6", "62.4"]


def test_what_is_not_held_cannot_be_settled() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    talking = talk(instrument)
    (first,) = talking.next()
    assert isinstance(first, Arrived)
    talking.protocol.settle(first.held, Settlement.STORED)

    with pytest.raises(KeyError):
        talking.protocol.settle(first.held, Settlement.STORED)


# -- the items -------------------------------------------------------------------------------


def test_a_page_of_items_is_read_once_a_conversation() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)
    talk(instrument).one()

    assert [one[2] for one in instrument.asked].count(0x42) == 1


def test_an_item_that_was_changed_between_two_conversations_is_seen() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    talking = talk(instrument)
    talking.one()
    instrument.items[0x40] = instrument.items[0x40][::-1]
    instrument.remember(624)

    (record,) = talking.one()

    assert [one.item for one in understand(PROFILE, record.record)] == ["formaldehyde"]


def test_an_item_beyond_the_first_page_is_looked_up_on_its_own_page() -> None:
    instrument = DyInstrument()
    instrument.items[0x40] += instrument.items[0x40]
    instrument.keep(photometric(channel(1, 123), number=3))

    (record,) = talk(instrument).one()

    assert [one.item for one in understand(PROFILE, record.record)] == ["formaldehyde"]


def test_a_page_that_is_not_answered_holds_its_records_back_but_not_for_ever() -> None:
    instrument = DyInstrument(deaf_to={0x42})
    instrument.remember(126)
    talking = talk(instrument)

    records = [talking.one() for _ in range(3)]

    assert [len(one) for one in records] == [0, 0, 1]
    assert values(records[2]) == [None]
