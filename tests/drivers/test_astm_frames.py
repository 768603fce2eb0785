"""E1381 / LIS1-A 6.3 to 6.5: which frames are believed, and what they make together."""

from __future__ import annotations

import pytest

from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Arrived, Garbled
from drivers.reading import Settlement
from tests.astm_frames import frame, frames_of
from tests.drivers.receiving import (
    BODY,
    LAST,
    MESSAGE,
    arrived,
    in_session,
    with_everything_but_the_last_frame,
)
from tests.vectors.astm import (
    ACK,
    CHINESE_FRAME_3_GBK,
    ENQ,
    HEADER_FRAME_1,
    LONG_FRAME_3,
    LONG_FRAME_4,
    LONG_RECORD,
    MESSAGE_FRAMES,
    MESSAGE_RECORDS,
    NAK,
    RESULT_FRAME_2,
    TERMINATOR_RECORD,
)


def test_a_repeated_frame_is_acknowledged_again_and_counts_once() -> None:
    receiver = AstmReceiver()
    in_session(receiver, *BODY[:2])

    receiver.feed(BODY[1])

    assert receiver.outgoing() == ACK
    events = [event for said in (*BODY[2:], LAST) for event in receiver.feed(said)]
    assert arrived(events).record == MESSAGE


def test_a_repeated_last_frame_whose_acknowledgement_was_lost_is_one_record() -> None:
    receiver = with_everything_but_the_last_frame()
    receiver.settle(arrived(receiver.feed(LAST)).held, Settlement.STORED)
    receiver.outgoing()

    assert (receiver.feed(LAST), receiver.outgoing()) == ([], ACK)


def test_a_corrupted_intermediate_frame_is_refused_and_its_value_never_appears() -> None:
    receiver = AstmReceiver()
    in_session(receiver, HEADER_FRAME_1, RESULT_FRAME_2)
    damaged = LONG_FRAME_3.replace(b"A", b"B", 1)

    (garbled,) = receiver.feed(damaged)

    assert isinstance(garbled, Garbled)
    assert receiver.outgoing() == NAK
    rest = (LONG_FRAME_3, LONG_FRAME_4, frame(5, TERMINATOR_RECORD))
    events = [event for said in rest for event in receiver.feed(said)]
    assert LONG_RECORD in arrived(events).record
    assert b"B" not in arrived(events).record.partition(b"C|1")[2]


def test_a_record_split_over_frames_is_joined() -> None:
    receiver = AstmReceiver()

    events = in_session(
        receiver, HEADER_FRAME_1, frame(2, b"R|1\r"), LONG_FRAME_3, LONG_FRAME_4, frame(5, b"L|1\r")
    )

    assert LONG_RECORD in arrived(events).record


def test_an_l_inside_a_split_record_does_not_end_the_message() -> None:
    split = [frame(1, b"H|\\^&\rC|1|I|x", b"\x17"), frame(2, b"L|1|N\r"), frame(3, b"L|1|N\r")]

    assert arrived(in_session(AstmReceiver(), *split)).record.endswith(b"xL|1|N\rL|1|N\r")


@pytest.mark.parametrize("ending", [b"\x03", b"\x17"])
def test_a_message_ends_with_its_l_record_however_its_frame_ends(ending: bytes) -> None:
    said = [frame(1, b"H|\\^&\r", ending), frame(2, b"L|1|N\r", ending)]

    assert arrived(in_session(AstmReceiver(), *said)).record == b"H|\\^&\rL|1|N\r"


def test_all_records_in_one_frame_are_one_message() -> None:
    assert arrived(in_session(AstmReceiver(), frame(1, MESSAGE))).record == MESSAGE


def test_a_message_cut_blindly_every_240_bytes_is_whole() -> None:
    events = in_session(AstmReceiver(), *frames_of(MESSAGE_RECORDS, per_record=False))

    assert arrived(events).record == MESSAGE


def test_an_l_record_whose_line_end_comes_in_a_frame_of_its_own_ends_the_message() -> None:
    said = [frame(1, b"H|\\^&\rL|1|N", b"\x17"), frame(2, b"\r")]

    assert arrived(in_session(AstmReceiver(), *said)).record == b"H|\\^&\rL|1|N\r"


def test_another_field_delimiter_is_understood() -> None:
    assert arrived(in_session(AstmReceiver(), frame(1, b"H!\\^&\r"), frame(2, b"L!1\r")))


def test_several_messages_in_one_session_are_held_one_by_one() -> None:
    receiver, records = AstmReceiver(), []
    receiver.feed(ENQ)
    for number, said in enumerate((*MESSAGE_RECORDS, *MESSAGE_RECORDS), start=1):
        for event in receiver.feed(frame(number, said)):
            assert isinstance(event, Arrived)
            records.append(event.record)
            receiver.settle(event.held, Settlement.STORED)

    assert records == [MESSAGE, MESSAGE]


def test_a_second_message_that_counts_its_frames_from_1_again_is_accepted() -> None:
    receiver = with_everything_but_the_last_frame()
    receiver.settle(arrived(receiver.feed(LAST)).held, Settlement.STORED)

    events = [event for said in MESSAGE_FRAMES for event in receiver.feed(said)]

    assert arrived(events).record == MESSAGE


def test_a_skipped_frame_number_is_refused() -> None:
    receiver = AstmReceiver()
    in_session(receiver, BODY[0])

    (garbled,) = receiver.feed(BODY[2])

    assert isinstance(garbled, Garbled)
    assert garbled.reason == "frame number 2 expected, 3 found"
    assert receiver.outgoing() == NAK


def test_a_new_frame_with_the_last_number_is_refused_and_not_taken_for_a_repetition() -> None:
    receiver = AstmReceiver()
    in_session(receiver, BODY[0])

    receiver.feed(frame(1, b"R|1|^^^OPC-INH|99.9|%\r"))

    assert receiver.outgoing() == NAK


def test_a_checksum_in_lower_case_is_as_good() -> None:
    receiver = AstmReceiver()
    receiver.feed(ENQ)
    receiver.outgoing()

    receiver.feed(HEADER_FRAME_1.replace(b"E5", b"e5"))

    assert receiver.outgoing() == ACK


def test_gbk_text_is_carried_as_it_is() -> None:
    receiver = AstmReceiver()
    said = (HEADER_FRAME_1, frame(2, b"P|1\r"), CHINESE_FRAME_3_GBK, frame(4, b"L|1|N\r"))

    assert "甲醛".encode("gbk") in arrived(in_session(receiver, *said)).record


@pytest.mark.parametrize(
    ("place", "answer"),
    [(0, NAK), (1, NAK), (5, NAK), (-5, NAK), (-4, NAK), (-3, NAK), (-2, ACK)],
    ids=["STX", "FN", "text", "ETX", "C1", "C2", "CR"],
)
def test_a_frame_that_lost_a_byte_on_the_way_is_refused(place: int, answer: bytes) -> None:
    receiver = AstmReceiver()
    in_session(receiver, HEADER_FRAME_1)
    damaged = bytearray(RESULT_FRAME_2)
    del damaged[place]

    receiver.feed(bytes(damaged))

    assert receiver.outgoing() == answer  # without its CR the frame is whole all the same


def test_a_frame_without_its_line_feed_is_taken_after_a_second_of_silence() -> None:
    receiver = AstmReceiver()
    in_session(receiver)
    receiver.feed(HEADER_FRAME_1.removesuffix(b"\n"))

    assert receiver.silence_limit() == 1.0
    receiver.silence()
    assert receiver.outgoing() == ACK


def test_a_damaged_frame_is_refused_once_however_it_falls_apart() -> None:
    receiver = AstmReceiver()
    in_session(receiver, HEADER_FRAME_1)

    receiver.feed(RESULT_FRAME_2.replace(b"OPC", b"O\x03C"))

    assert receiver.outgoing() == NAK


def test_noise_before_a_frame_is_skipped() -> None:
    receiver = AstmReceiver()
    in_session(receiver, HEADER_FRAME_1)

    receiver.feed(b"\xff#!~" + RESULT_FRAME_2)

    assert receiver.outgoing() == ACK


def test_a_frame_without_a_bid_is_not_answered() -> None:
    receiver = AstmReceiver()

    (garbled,) = receiver.feed(HEADER_FRAME_1.replace(b"\x05", b""))

    assert isinstance(garbled, Garbled)
    assert receiver.outgoing() == b""
