"""CUSTODY.md 9 and E1381 / LIS1-A, one claim each, at the protocol itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Arrived, Asked, Event, Garbled, Incomplete
from drivers.reading import Settlement
from tests.astm_frames import frame, frames_of
from tests.vectors.astm import (
    ACK,
    CHINESE_FRAME_3_GBK,
    ENQ,
    EOT,
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

MESSAGE = b"".join(MESSAGE_RECORDS)
*BODY, LAST = MESSAGE_FRAMES
QUERY = (b"H|\\^&\r", b"Q|1|^1007149||ALL||||||||O\r", TERMINATOR_RECORD)


def in_session(receiver: AstmReceiver, *said: bytes) -> list[Event]:
    """Bid, say it all, and take the answers away."""
    receiver.feed(ENQ)
    events = [event for piece in said for event in receiver.feed(piece)]
    receiver.outgoing()
    return events


def arrived(events: Sequence[Event]) -> Arrived:
    (event,) = events
    assert isinstance(event, Arrived)
    return event


def with_everything_but_the_last_frame() -> AstmReceiver:
    receiver = AstmReceiver()
    in_session(receiver, *BODY)
    return receiver


# -- the held acknowledgement ------------------------------------------------------------------


def test_a_bid_is_acknowledged() -> None:
    receiver = AstmReceiver()

    receiver.feed(ENQ)

    assert receiver.outgoing() == ACK


def test_a_bid_is_refused_while_storage_is_short() -> None:
    receiver = AstmReceiver()
    receiver.accepting = False

    receiver.feed(ENQ)

    assert receiver.outgoing() == NAK


def test_frames_before_the_last_are_acknowledged_at_once() -> None:
    receiver = AstmReceiver()
    receiver.feed(ENQ)
    receiver.outgoing()

    answers = [(receiver.feed(said), receiver.outgoing()) for said in BODY]

    assert answers == [([], ACK)] * len(BODY)


def test_the_last_frame_is_not_acknowledged_until_the_message_is_stored() -> None:
    receiver = with_everything_but_the_last_frame()

    event = arrived(receiver.feed(LAST))

    assert (event.record, receiver.outgoing()) == (MESSAGE, b"")
    receiver.settle(event.held, Settlement.STORED)
    assert receiver.outgoing() == ACK


def test_what_was_refused_is_released_like_what_was_stored() -> None:
    receiver = with_everything_but_the_last_frame()
    event = arrived(receiver.feed(LAST))

    receiver.settle(event.held, Settlement.REFUSED)

    assert receiver.outgoing() == ACK


def test_retry_is_silence() -> None:
    receiver = with_everything_but_the_last_frame()
    event = arrived(receiver.feed(LAST))

    receiver.settle(event.held, Settlement.RETRY)

    assert receiver.outgoing() == b""


def test_after_retry_a_repeated_last_frame_arrives_again() -> None:
    receiver = with_everything_but_the_last_frame()
    receiver.settle(arrived(receiver.feed(LAST)).held, Settlement.RETRY)

    assert arrived(receiver.feed(LAST)).record == MESSAGE


def test_a_message_given_back_is_not_called_incomplete_when_its_sender_ends() -> None:
    receiver = with_everything_but_the_last_frame()
    receiver.settle(arrived(receiver.feed(LAST)).held, Settlement.RETRY)

    assert receiver.feed(EOT) == []


@pytest.mark.parametrize("said", [ENQ, EOT, LAST, b"x"])
def test_nothing_is_answered_after_the_sender_has_spoken_again(said: bytes) -> None:
    receiver = with_everything_but_the_last_frame()
    event = arrived(receiver.feed(LAST))
    receiver.feed(said)

    receiver.settle(event.held, Settlement.STORED)

    assert receiver.outgoing() == b""


def test_a_bid_made_while_a_message_is_held_is_answered_once_it_is_settled() -> None:
    receiver = with_everything_but_the_last_frame()
    event = arrived(receiver.feed(LAST))
    receiver.feed(EOT + ENQ)
    receiver.settle(event.held, Settlement.STORED)

    receiver.feed(b"")

    assert receiver.outgoing() == ACK


def test_bids_that_were_given_up_while_a_message_was_held_are_answered_once_together() -> None:
    receiver = with_everything_but_the_last_frame()
    event = arrived(receiver.feed(LAST))
    for said in (EOT, ENQ, EOT, ENQ, EOT, ENQ):
        receiver.feed(said)
    receiver.settle(event.held, Settlement.STORED)

    receiver.feed(b"")

    assert receiver.outgoing() == ACK


def test_a_last_frame_repeated_while_it_is_held_is_answered_once() -> None:
    receiver = with_everything_but_the_last_frame()
    event = arrived(receiver.feed(LAST))
    receiver.feed(LAST)
    receiver.settle(event.held, Settlement.STORED)

    assert (receiver.feed(b""), receiver.outgoing()) == ([], ACK)


@pytest.mark.parametrize("padding", [b"\r", b"\n", b"\0", b"\r\n\0"])
def test_padding_is_not_speaking(padding: bytes) -> None:
    receiver = with_everything_but_the_last_frame()
    event = arrived(receiver.feed(LAST))
    receiver.feed(padding)

    receiver.settle(event.held, Settlement.STORED)

    assert receiver.outgoing() == ACK


# -- frames --------------------------------------------------------------------------------------


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


# -- what is cut ---------------------------------------------------------------------------------


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


# -- queries -------------------------------------------------------------------------------------


def ask(receiver: AstmReceiver) -> Asked:
    (event,) = in_session(receiver, *frames_of(QUERY))
    assert isinstance(event, Asked)
    return event


def test_a_query_is_asked_and_held_like_a_result() -> None:
    receiver = AstmReceiver()

    asked = ask(receiver)

    assert asked.query == b"".join(QUERY)
    receiver.settle(asked.held, Settlement.STORED)
    assert receiver.outgoing() == ACK


def hear_answer(receiver: AstmReceiver, records: Sequence[bytes]) -> list[bytes]:
    """What the host says to an instrument that acknowledges everything."""
    asked = ask(receiver)
    receiver.settle(asked.held, Settlement.STORED)
    receiver.outgoing()
    receiver.feed(EOT)
    receiver.answer(asked.held, records)
    said = []
    while utterance := receiver.outgoing():
        said.append(utterance)
        receiver.feed(ACK)
    return said


def test_an_answer_goes_out_in_a_session_of_our_own() -> None:
    order = (b"H|\\^&\r", b"P|1\r", b"O|1|1007149\r", TERMINATOR_RECORD)

    assert hear_answer(AstmReceiver(), order) == [ENQ, *frames_of(order), EOT]


def test_no_work_is_said_as_no_information() -> None:
    nothing = (b"H|\\^&\r", b"L|1|I\r")

    assert hear_answer(AstmReceiver(), ()) == [ENQ, *frames_of(nothing), EOT]


def test_an_answer_waits_until_the_instrument_has_ended_its_session() -> None:
    receiver = AstmReceiver()
    asked = ask(receiver)
    receiver.settle(asked.held, Settlement.STORED)
    receiver.outgoing()
    receiver.answer(asked.held, ())
    assert receiver.outgoing() == b""

    receiver.feed(EOT)

    assert receiver.outgoing() == ENQ


def answering() -> AstmReceiver:
    """A host that has just bid to answer a query."""
    receiver = AstmReceiver()
    asked = ask(receiver)
    receiver.settle(asked.held, Settlement.STORED)
    receiver.feed(EOT)
    receiver.answer(asked.held, ())
    assert receiver.outgoing().endswith(ENQ)
    return receiver


def test_an_older_query_is_not_answered() -> None:
    receiver = AstmReceiver()
    old = ask(receiver)
    receiver.settle(old.held, Settlement.STORED)
    newer = ask(receiver)
    receiver.settle(newer.held, Settlement.STORED)
    receiver.feed(EOT)
    receiver.outgoing()

    receiver.answer(old.held, ())

    assert receiver.outgoing() == b""


def test_where_both_bid_the_instrument_goes_first() -> None:
    receiver = answering()
    receiver.feed(ENQ)
    assert (receiver.outgoing(), receiver.silence_limit()) == (b"", 20.0)

    receiver.feed(ENQ)

    assert receiver.outgoing() == ACK


def test_after_contention_we_bid_again_when_the_line_has_been_quiet() -> None:
    receiver = answering()
    receiver.feed(ENQ)

    receiver.silence()

    assert receiver.outgoing() == ENQ


def test_to_a_busy_instrument_we_bid_again_after_ten_seconds() -> None:
    receiver = answering()
    receiver.feed(NAK)
    assert receiver.silence_limit() == 10.0

    receiver.silence()

    assert receiver.outgoing() == ENQ


def test_an_instrument_that_does_not_answer_our_bid_is_left_alone() -> None:
    receiver = answering()
    assert receiver.silence_limit() == 15.0

    receiver.silence()

    assert (receiver.outgoing(), receiver.silence_limit()) == (EOT, None)


def test_a_refused_frame_is_said_six_times_at_most() -> None:
    receiver = answering()
    receiver.feed(ACK)
    said = [receiver.outgoing()]
    for _ in range(6):
        receiver.feed(NAK)
        said.append(receiver.outgoing())

    assert said == [frames_of([b"H|\\^&\r"])[0]] * 6 + [EOT]


def test_an_instrument_that_says_stop_is_obeyed() -> None:
    receiver = answering()
    receiver.feed(ACK)
    receiver.outgoing()

    receiver.feed(EOT)

    assert receiver.outgoing() == EOT


def test_an_instrument_that_bids_while_we_answer_is_listened_to() -> None:
    receiver = answering()
    receiver.feed(ACK)
    receiver.outgoing()

    receiver.feed(ENQ)

    assert receiver.outgoing() == ACK
