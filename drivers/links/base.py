"""What every cable is to a session: bytes in, bytes out, and the news that it is gone."""

from __future__ import annotations

from typing import Protocol

WRITE_WITHIN = 5.0
"""Seconds a peer may refuse to take what we say before its link counts as lost."""


class Link(Protocol):
    """One open cable."""

    name: str
    """For people: what the URL leads to."""

    engaged: bool
    """Told by the session: whether a peer is in the middle of something."""

    async def read(self) -> bytes:
        """Wait for bytes, in whatever pieces they come. Raises LinkLost.

        b"" says that one peer has gone and the next will follow on the same link: whatever was
        unfinished is cut, and what is written from now on goes to the next.
        """

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises LinkLost."""

    async def close(self) -> None:
        """Let go of the cable; whoever reads gets LinkLost. May be called again."""
