"""A receiver in a session, for the tests of the ASTM link."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Arrived, Event
from tests.vectors.astm import ENQ, MESSAGE_FRAMES, MESSAGE_RECORDS

MESSAGE = b"".join(MESSAGE_RECORDS)
*BODY, LAST = MESSAGE_FRAMES


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
