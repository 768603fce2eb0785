"""A line with several instruments: opened once, asked in turn, lost once.

Each instrument has a session of its own; what they share is the cable, one question at a time,
and the little time that may be spent on those that do not answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from drivers.errors import ProfileError
from drivers.links.modbus import Manners, ModbusLine, open_modbus
from drivers.links.url import read_link_url
from drivers.profile import ModbusProfile, Profile, SerialDefaults
from drivers.protocols.register_poll import RegisterPoll
from drivers.sessions.base import LinkState, OnState
from drivers.sessions.poll import Budget, PollSession
from drivers.sessions.stream import say_nothing


class Bus:
    """One open line."""

    def __init__(
        self,
        line: ModbusLine,
        *,
        now: Callable[[], float] = time.monotonic,
        on_state: OnState = say_nothing,
    ) -> None:
        """`now` is a monotonic clock in seconds."""
        self.name = line.name
        self._line, self._now, self._on_state = line, now, on_state
        self._budget = Budget()
        self._units: set[int] = set()

    @property
    def line(self) -> ModbusLine:
        """The cable, with what passed over it."""
        return self._line

    def session(
        self,
        profile: Profile,
        unit: int,
        *,
        on_state: OnState = say_nothing,
        last: bytes | None = None,
    ) -> PollSession:
        """A session with the instrument at an address.

        `last` is the raw of the delivery that was stored last, if any, so that it is known what
        was missed since. Raises ProfileError for a profile that is not for registers, or an
        address that is taken.
        """
        if not isinstance(profile, ModbusProfile):
            raise ProfileError(
                f"{profile.profile}: protocol: modbus expected, {profile.protocol} found"
            )
        if not 1 <= unit <= 247:
            raise ProfileError(f"{self.name}: unit: 1 to 247 expected, {unit} found")
        if unit in self._units:
            raise ProfileError(f"{self.name}: unit: each once expected, {unit} twice found")
        self._units.add(unit)
        registers = profile.registers
        manners = Manners(
            registers.timeout, registers.slowest_answer, registers.turnaround_ms / 1000
        )
        return PollSession(
            self._line,
            unit,
            manners,
            RegisterPoll(registers, last),
            profile,
            budget=self._budget,
            now=self._now,
            on_state=on_state,
            on_closed=lambda: self._units.discard(unit),
        )

    async def close(self) -> None:
        """Let go of the line; every session on it ends. May be called again."""
        self._on_state(LinkState.STOPPED, None)
        await self._line.close()


async def open_bus(
    url: str,
    *,
    defaults: SerialDefaults | None = None,
    now: Callable[[], float] = time.monotonic,
    on_state: OnState = say_nothing,
) -> Bus:
    """Open a Modbus line; start a session for each instrument on it, and `close` it at the end.

    `defaults` say how a serial port is set where the URL does not. Raises ProfileError for a URL
    that cannot be meant, LinkLost for a cable that is not there.
    """
    on_state(LinkState.CONNECTING, None)
    place = read_link_url(url, defaults)
    if place.framing is None:
        raise ProfileError(f"link {url!r}: scheme: modbus+… expected, a line of bytes found")
    line = await open_modbus(place, now)
    on_state(LinkState.SPEAKING, None)
    return Bus(line, now=now, on_state=on_state)
