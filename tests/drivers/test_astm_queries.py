"""Host queries, and how a host answers them in a session of its own (E1381 6.2, 6.3)."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Asked
from drivers.reading import Settlement
from tests.astm_frames import frames_of
from tests.drivers.receiving import in_session
from tests.vectors.astm import ACK, ENQ, EOT, NAK, TERMINATOR_RECORD

QUERY = (b"H|\\^&\r", b"Q|1|^1007149||ALL||||||||O\r", TERMINATOR_RECORD)


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
