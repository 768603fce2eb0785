"""What time it is, and whether anyone should believe it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Gives the present as an aware datetime."""

UNSYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2): the kernel knows of nobody who keeps its clock right."""


def wall_clock(zone: ZoneInfo) -> Clock:
    """The machine's clock in the station's time zone."""
    return lambda: datetime.now(zone)


def is_synchronised() -> bool:
    """Whether the kernel's clock is kept by someone (NTP); False where that cannot be told."""
    size_of_timex = 256  # struct timex is 208 bytes on 64-bit Linux; modes = 0 only reads
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(size_of_timex))
    except (OSError, AttributeError):
        return False
    return isinstance(state, int) and 0 <= state < UNSYNCHRONISED


@dataclass(frozen=True, slots=True)
class StationDay:
    """Which day a station counts an instant to; it may start the evening before."""

    zone: ZoneInfo
    starts: timedelta
    """After midnight; a start in the afternoon belongs to the next day."""

    def of(self, when: datetime) -> str:
        """The day of `when`, ISO 8601.

        >>> from datetime import UTC
        >>> day = StationDay(ZoneInfo("Asia/Shanghai"), timedelta(hours=18))
        >>> day.of(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
        '2026-11-24'
        """
        shift = self.starts if self.starts < timedelta(hours=12) else self.starts - timedelta(1)
        return (when.astimezone(self.zone) - shift).date().isoformat()
