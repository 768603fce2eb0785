"""What every session is to the gateway, and how it says what its link is doing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from drivers.reading import Delivery, Query


class LinkState(StrEnum):
    """What a link is doing."""

    CONNECTING = "connecting"
    SPEAKING = "speaking"
    SILENT = "silent"
    GARBLED = "garbled"
    LOST = "lost"
    STOPPED = "stopped"
    FAULTED = "faulted"


OnState: TypeAlias = Callable[[LinkState, str | None], None]
"""Told of every change, with the reason in plain words."""
Answers: TypeAlias = Callable[[Query], Awaitable[Sequence[bytes] | None]]
"""Gives the records that answer an instrument's query; no records where nothing is known of its
sample, None where nobody here answers queries and nothing is said."""


@dataclass(slots=True)
class Counts:
    """What came over a link in one session."""

    octets: int = 0
    records: int = 0
    incomplete: int = 0
    garbled_octets: int = 0
    unkept_octets: int = 0
    """Garbled, and beyond what is kept of a flood."""


class Session(Protocol):
    """One link, one protocol and one profile, alive."""

    accepting: bool
    """False while storage is short: a bid is refused, so that the instrument keeps its results."""
    answers: Answers
    """Asked for the work of an instrument that queries its host."""
    counts: Counts
    """What came so far."""

    def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield deliveries for as long as the link lives; the next only after the last is settled.

        Raises LinkLost, ProtocolFault.
        """

    async def close(self) -> None:
        """Let go of the link. May be called again."""
