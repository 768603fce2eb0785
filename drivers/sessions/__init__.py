"""Links, protocols and profiles brought to life: what the gateway takes deliveries from."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime

from drivers.errors import ProfileError
from drivers.links import open_link, read_link_url
from drivers.profile import AstmProfile, Dy03ffProfile, Profile
from drivers.protocols.astm_bare import BareAstm
from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import AskProtocol, StreamProtocol
from drivers.protocols.dy03ff import Dy03ff
from drivers.sessions.ask import AskSession, Recollection
from drivers.sessions.base import Answers, Counts, LinkState, OnState, Session
from drivers.sessions.bus import Bus, open_bus
from drivers.sessions.poll import PollSession
from drivers.sessions.stream import StreamSession, no_answer, say_nothing

__all__ = [
    "Answers",
    "AskSession",
    "Bus",
    "Counts",
    "LinkState",
    "OnState",
    "PollSession",
    "Recollection",
    "Session",
    "StreamSession",
    "ask_protocol",
    "open_bus",
    "open_session",
    "stream_protocol",
]


def local_day() -> date:
    """Today, where this computer stands."""
    return datetime.now().astimezone().date()


def stream_protocol(profile: Profile) -> StreamProtocol:
    """The protocol that a profile's instrument speaks. Raises ProfileError."""
    if not isinstance(profile, AstmProfile):
        raise _misplaced(profile, "an instrument that speaks")
    return BareAstm() if profile.link_control == "none" else AstmReceiver()


def ask_protocol(profile: Profile, *, today: Callable[[], date] = local_day) -> AskProtocol:
    """The protocol in which a profile's instrument is asked. Raises ProfileError.

    `today` is for an instrument that does not say what its own clock shows.
    """
    if not isinstance(profile, Dy03ffProfile):
        raise _misplaced(profile, "an instrument that is asked")
    return Dy03ff(interval=profile.interval, days_back=profile.days_back, today=today)


def _misplaced(profile: Profile, expected: str) -> ProfileError:
    return ProfileError(
        f"{profile.profile}: protocol: {expected} expected, {profile.protocol} found"
    )


async def open_session(
    url: str,
    profile: Profile,
    *,
    now: Callable[[], float] = time.monotonic,
    on_state: OnState = say_nothing,
    answers: Answers = no_answer,
    recollection: Recollection | None = None,
) -> Session:
    """Open a link and start a session on it; read its `deliveries`, and `close` it at the end.

    `now` is a monotonic clock in seconds. `recollection` is the instrument's, where it is asked:
    with the same one the next session goes on where this one stops. Raises ProfileError for a URL
    that cannot be meant, or a profile that is not for a link of bytes; LinkLost for a cable that
    is not there.
    """
    on_state(LinkState.CONNECTING, None)
    if isinstance(profile, AstmProfile):
        speaks = stream_protocol(profile)
        link = await open_link(url, profile.serial)
        return StreamSession(link, speaks, profile, now=now, on_state=on_state, answers=answers)
    asked = (recollection or Recollection()).protocol(lambda: ask_protocol(profile))
    if read_link_url(url, profile.serial).listens_only:
        raise ProfileError(f"link {url!r}: mode: both expected where we ask, 'listen' found")
    link = await open_link(url, profile.serial)
    return AskSession(link, asked, profile, now=now, on_state=on_state, answers=answers)
