"""Links, protocols and profiles brought to life: what the gateway takes deliveries from."""

from __future__ import annotations

import time
from collections.abc import Callable

from drivers.links import open_link
from drivers.profile import Profile
from drivers.protocols.astm_bare import BareAstm
from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import StreamProtocol
from drivers.sessions.base import Answers, Counts, LinkState, OnState, Session
from drivers.sessions.stream import StreamSession, no_answer, say_nothing

__all__ = [
    "Answers",
    "Counts",
    "LinkState",
    "OnState",
    "Session",
    "StreamSession",
    "open_session",
    "stream_protocol",
]


def stream_protocol(profile: Profile) -> StreamProtocol:
    """The protocol that a profile's instrument speaks."""
    return BareAstm() if profile.link_control == "none" else AstmReceiver()


async def open_session(
    url: str,
    profile: Profile,
    *,
    now: Callable[[], float] = time.monotonic,
    on_state: OnState = say_nothing,
    answers: Answers = no_answer,
) -> Session:
    """Open a link and start a session on it; read its `deliveries`, and `close` it at the end.

    `now` is a monotonic clock in seconds. Raises ProfileError for a URL that cannot be meant,
    LinkLost for a cable that is not there.
    """
    on_state(LinkState.CONNECTING, None)
    link = await open_link(url, profile.serial)
    return StreamSession(
        link, stream_protocol(profile), profile, now=now, on_state=on_state, answers=answers
    )
