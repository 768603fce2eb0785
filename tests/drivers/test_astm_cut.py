"""A message that is cut before its L record: its bytes are kept, and it is no record."""

from __future__ import annotations

from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Arrived, Incomplete
from tests.astm_frames import frame
from tests.drivers.receiving import BODY, LAST, in_session, with_everything_but_the_last_frame
from tests.vectors.astm import ACK, ENQ, EOT, HEADER_FRAME_1, MESSAGE_RECORDS, NAK, RESULT_FRAME_2


def test_an_end_before_the_l_record_keeps_the_bytes_and_yields_no_record() -> None:
    (event,) = with_everything_but_the_last_frame().feed(EOT)

    assert isinstance(event, Incomplete)
    assert event.raw == b"".join(MESSAGE_RECORDS[:-1])


def test_a_bid_in_the_middle_of_a_message_keeps_its_bytes_and_is_answered() -> None:
    receiver = with_everything_but_the_last_frame()

    (event,) = receiver.feed(ENQ)

    assert isinstance(event, Incomplete)
    assert event.raw == b"".join(MESSAGE_RECORDS[:-1])
    assert receiver.outgoing() == ACK


def test_a_bid_in_the_middle_of_a_frame_is_answered_after_a_second_of_silence() -> None:
    receiver = AstmReceiver()
    in_session(receiver, BODY[0], BODY[1][:9], ENQ)
    assert receiver.silence_limit() == 1.0

    (event,) = receiver.silence()

    assert isinstance(event, Incomplete)
    assert event.raw == MESSAGE_RECORDS[0] + BODY[1][:9]
    assert receiver.outgoing() == ACK


def test_a_byte_damaged_into_a_bid_does_not_acknowledge_its_frame() -> None:
    receiver = AstmReceiver()
    in_session(receiver, HEADER_FRAME_1)

    receiver.feed(RESULT_FRAME_2.replace(b"OPC", b"O\x05C"))

    assert receiver.outgoing() == NAK


def test_a_header_before_the_l_record_keeps_the_bytes_and_begins_the_next_message() -> None:
    receiver = with_everything_but_the_last_frame()

    incomplete, arrived = [
        event
        for number, record in enumerate(MESSAGE_RECORDS, start=len(MESSAGE_RECORDS))
        for event in receiver.feed(frame(number, record))
    ]

    assert isinstance(incomplete, Incomplete)
    assert incomplete.raw == b"".join(MESSAGE_RECORDS[:-1])
    assert isinstance(arrived, Arrived)
    assert arrived.record == b"".join(MESSAGE_RECORDS)


def test_thirty_seconds_of_silence_keep_the_bytes() -> None:
    receiver = with_everything_but_the_last_frame()
    assert receiver.silence_limit() == 30.0

    (event,) = receiver.silence()

    assert isinstance(event, Incomplete)
    assert event.raw == b"".join(MESSAGE_RECORDS[:-1])


def test_silence_lasts_for_ever_while_a_message_is_held() -> None:
    receiver = with_everything_but_the_last_frame()
    receiver.feed(LAST)

    assert receiver.silence_limit() is None


def test_a_line_that_goes_keeps_the_bytes_of_a_frame_that_had_begun() -> None:
    receiver = AstmReceiver()
    in_session(receiver, BODY[0], BODY[1][:9])

    (event,) = receiver.cut()

    assert isinstance(event, Incomplete)
    assert event.raw == MESSAGE_RECORDS[0] + BODY[1][:9]


def test_a_message_beyond_the_limit_is_kept_as_far_as_it_goes_and_not_acknowledged() -> None:
    receiver = AstmReceiver(limit=300)
    in_session(receiver, HEADER_FRAME_1, frame(2, b"C" * 200))

    (event,) = receiver.feed(frame(3, b"C" * 200))

    assert isinstance(event, Incomplete)
    assert receiver.outgoing() == b""
