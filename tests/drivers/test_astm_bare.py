"""ASTM records without the low level."""

from __future__ import annotations

import pytest

from drivers.protocols.astm_bare import BareAstm
from drivers.protocols.base import Arrived, Asked, Garbled, Incomplete
from drivers.reading import Settlement
from tests.vectors.astm import MESSAGE_RECORDS

MESSAGE = b"".join(MESSAGE_RECORDS)


def test_a_message_ends_at_its_l_record() -> None:
    (event,) = BareAstm().feed(MESSAGE)

    assert isinstance(event, Arrived)
    assert event.record == MESSAGE


@pytest.mark.parametrize("settlement", Settlement)
def test_nobody_is_told_what_became_of_it(settlement: Settlement) -> None:
    bare = BareAstm()
    (event,) = bare.feed(MESSAGE)
    assert isinstance(event, Arrived)

    bare.settle(event.held, settlement)

    assert bare.outgoing() == b""


def test_messages_that_follow_each_other_are_each_held() -> None:
    events = BareAstm().feed(MESSAGE * 3)

    assert len({event.held for event in events if isinstance(event, Arrived)}) == 3


def test_an_l_record_without_line_end_is_believed_after_a_second() -> None:
    bare = BareAstm()
    bare.feed(MESSAGE.removesuffix(b"\r"))
    assert bare.silence_limit() == 1.0

    (event,) = bare.silence()

    assert isinstance(event, Arrived)


@pytest.mark.parametrize("how", ["silence", "cut", "next"])
def test_a_message_that_does_not_end_is_incomplete(how: str) -> None:
    bare = BareAstm()
    bare.feed(b"".join(MESSAGE_RECORDS[:-1]) + b"C|1|I|ha")

    if how == "next":
        events = bare.feed(b"lf\r" + MESSAGE_RECORDS[0])
    else:
        events = bare.silence() if how == "silence" else bare.cut()

    assert isinstance(events[0], Incomplete)
    assert events[0].raw.startswith(b"".join(MESSAGE_RECORDS[:-1]) + b"C|1|I|ha")


def test_a_line_outside_a_message_is_garbled() -> None:
    (event,) = BareAstm().feed(b"R|1|^^^OP|12.6\r")

    assert isinstance(event, Garbled)


def test_a_query_is_asked_and_answered_without_frames() -> None:
    bare = BareAstm()
    (event,) = bare.feed(b"H|\\^&\rQ|1|^1007149\rL|1|N\r")
    assert isinstance(event, Asked)

    bare.answer(event.held, [b"H|\\^&", b"L|1|I\r"])

    assert bare.outgoing() == b"H|\\^&\rL|1|I\r"
