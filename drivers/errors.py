"""What can go wrong between a cable and a delivery, named by what the supervisor should do."""

from __future__ import annotations

import re

_UNSHOWABLE = re.compile("[\0\ud800-\udfff]")


def shown(text: str) -> str:
    """A text that every store and every wire can carry (CUSTODY.md 10)."""
    return _UNSHOWABLE.sub("\ufffd", text)


class DriverError(Exception):
    """Anything a session may raise. The message names what was expected and what was found."""

    def __init__(self, message: str) -> None:
        super().__init__(shown(message))


class LinkLost(DriverError):
    """The cable is gone or the peer hung up: reconnect with back-off."""


class ProtocolFault(DriverError):
    """It spoke, but not this protocol: reconnect, count, show the bytes.

    `seen` holds the bytes that could not be placed, at most a protocol's limit of them.
    """

    def __init__(self, message: str, seen: bytes = b"") -> None:
        super().__init__(message)
        self.seen = seen


class ProfileError(DriverError):
    """A profile or a link URL that cannot be used: stop this instrument and say why."""
