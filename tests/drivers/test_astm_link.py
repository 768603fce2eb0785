"""CUSTODY.md 9 at the protocol itself: what is answered, when, and when never."""

from __future__ import annotations

import pytest

from drivers.protocols.astm_link import AstmReceiver
from drivers.reading import Settlement
from tests.astm_frames import frames_of
from tests.drivers.receiving import (
    BODY,
    LAST,
    MESSAGE,
    arrived,
    in_session,
    with_everything_but_the_last_frame,
)
from tests.vectors.astm import ACK, ENQ, EOT, NAK


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


@pytest.mark.parametrize("preamble", [b"XYZ preamble\r", b"Hello\r", b"C|1|I|first\r"])
def test_a_message_is_whole_by_its_own_delimiter_whatever_comes_before_its_header(
    preamble: bytes,
) -> None:
    records = (preamble + b"H!`^&\rR!1!^^^OP!1\rL!1!N\r",)

    events = in_session(AstmReceiver(), *frames_of(records))

    assert arrived(events).record == records[0]
