"""A Modbus line: one question at a time, whoever asks, and no answer taken for another's.

The trap is the late answer. On RTU nothing in a frame says which question it answers; a unit
that is slow once would have its answer taken for that of the next question, and a wrong register
would be believed without a sign of it. So after a question without an answer, or one that was
cancelled, the cable is closed and opened again, and that unit is not asked until the slowest
answer it can give has had its time; what arrives meanwhile is dropped. Other units are asked at
once: their answers carry their own number.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.errors import LinkLost
from drivers.links.base import Link
from drivers.links.modbus_frames import (
    NOBODY_BEHIND,
    Frames,
    OutOfStep,
    Question,
    Refused,
    RtuFrames,
    TcpFrames,
    answer_of,
    question,
)
from drivers.links.serial import open_serial
from drivers.links.tcp import dial_tcp
from drivers.links.url import Framing, LinkPlace, SerialPlace
from drivers.protocols.base import Read, Write

LONGEST = 260
"""Bytes of the longest answer there is."""
NOISE_REST = 0.01
"""Seconds to let others run after a piece that answers nothing."""
SILENCES = 20
"""How often we wait for a line that others talk on before we talk all the same."""
TICK = 1e-6
"""Seconds by which a timer may come early."""
MUTE_AFTER = 3
"""Questions in a row without an answer after which a TCP connection may be dead."""
TRIES = (0.0, 0.3, 1.0)
"""Seconds before each attempt to open the cable again; a serial server frees a port slowly."""
_FAST = 19200
_FAST_GAP = 0.00175
"""Modbus over Serial Line 1.02, 2.5.1.1: above 19200 baud the silence is fixed."""


class NoAnswer(Exception):
    """A unit did not answer in its time."""

    def __init__(self, why: str, seconds: float) -> None:
        """`seconds` is how long it kept the line from the others."""
        super().__init__(why)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Manners:
    """How one unit wants to be asked."""

    timeout: float
    """Seconds for an answer."""
    slowest_answer: float
    """Seconds after which an answer does not come any more."""
    turnaround: float = 0.0
    """Seconds of silence before it is asked."""


@dataclass(slots=True)
class Traffic:
    """What passed over the line."""

    octets: int = 0
    asked: int = 0
    answered: int = 0
    stray_octets: int = 0
    """Heard while nobody waited for an answer: another master, noise, a late answer."""
    reopened: int = 0


async def open_modbus(place: LinkPlace, now: Callable[[], float] = time.monotonic) -> ModbusLine:
    """Open a Modbus line. Raises LinkLost for a cable that is not there."""

    async def opened() -> Link:
        return open_serial(place) if isinstance(place, SerialPlace) else await dial_tcp(place)

    frames: Frames = TcpFrames() if place.framing is Framing.TCP else RtuFrames()
    character = character_time(place) if isinstance(place, SerialPlace) else 0.0
    line = ModbusLine(opened, frames, character=character, now=now)
    await line.open()
    return line


def character_time(place: SerialPlace) -> float:
    """Seconds that one character takes on a serial line, with start, parity and stop bits."""
    said = place.settings
    bits = 1 + int(said.bits) + (said.parity != "none") + float(said.stop)
    # The standard counts 11 bits whatever the setting.
    return max(11.0, bits) / said.baud


class ModbusLine:
    """One cable with units on it."""

    def __init__(
        self,
        opened: Callable[[], Awaitable[Link]],
        frames: Frames,
        *,
        character: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`opened` opens the cable, and opens it again; `character` is one's time in seconds."""
        self.name = "a Modbus line"
        self.traffic = Traffic()
        self.lost = asyncio.Event()
        """Set once the cable is gone for good."""
        self.why_lost: LinkLost | None = None
        self._opened, self._frames, self._now = opened, frames, now
        self._character = character
        self._gap = 3.5 * character if character * _FAST >= 11 else _FAST_GAP if character else 0.0
        self._turn = asyncio.Lock()
        self._link: Link | None = None
        self._reader: asyncio.Task[None] | None = None
        self._heard = bytearray()
        self._heard_at = now()
        self._question: Question | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._transaction = 0
        self._is_doubtful = False
        """A question was sent and its answer did not come whole."""
        self._unanswered = 0
        self._owing: dict[int, float] = {}
        """Until when each unit may still send an answer that nobody waits for."""

    async def open(self) -> None:
        """Open the cable. Raises LinkLost."""
        self._link = await self._opened()
        self.name = self._link.name
        self._reader = asyncio.create_task(self._listen(self._link))
        self._reader.add_done_callback(self._report)

    async def close(self) -> None:
        """Let go of the cable; whoever asks gets LinkLost. May be called again."""
        self._lose(LinkLost(f"{self.name}: closed"))
        await self._let_go()

    async def ask(self, unit: int, step: Read | Write, manners: Manners) -> tuple[int, ...]:
        """Do a step at a unit: the registers it read, none for a write.

        Raises NoAnswer, Refused, LinkLost.
        """
        while True:
            await self._outwait(unit)
            async with self._turn:
                if self._owes(unit) > TICK:
                    continue
                await self._make_ready(manners)
                return await self._exchange(unit, step, manners)

    # -- one question ------------------------------------------------------------------------

    async def _exchange(self, unit: int, step: Read | Write, manners: Manners) -> tuple[int, ...]:
        self._transaction = self._transaction % 0xFFFF + 1
        asked = question(unit, step, self._transaction)
        sent = self._frames.frame(asked)
        begun = self._now()
        patience = manners.timeout + (len(sent) + asked.length + 3) * self._character
        self._doubt(unit, begun + max(manners.slowest_answer, patience))
        self.traffic.asked += 1
        try:
            pdu = await self._answered(asked, sent, patience)
        except TimeoutError:
            why = f"unit {unit}: an answer within {manners.timeout:g} s expected, none came"
            raise NoAnswer(why, self._now() - begun) from None
        except OutOfStep as fault:
            self._is_doubtful = True
            raise NoAnswer(f"unit {unit}: {fault}", self._now() - begun) from None
        self._believe(unit)
        try:
            return answer_of(asked, pdu)
        except Refused as refused:
            if refused.code in NOBODY_BEHIND:
                raise NoAnswer(str(refused), self._now() - begun) from None
            raise

    def _doubt(self, unit: int, until: float) -> None:
        """Until the answer is here, also if we are cancelled, what comes may be a late answer."""
        self._unanswered += 1
        if self._frames.tell_late_answers:
            self._is_doubtful = self._unanswered > MUTE_AFTER
        else:
            self._is_doubtful = True
            self._owing[unit] = until

    def _believe(self, unit: int) -> None:
        self._is_doubtful = False
        self._unanswered = 0
        self._owing.pop(unit, None)
        self.traffic.answered += 1

    async def _answered(self, asked: Question, sent: bytes, patience: float) -> bytes:
        assert self._link is not None
        self._heard.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._question = asked
        try:
            async with asyncio.timeout(patience):
                await self._link.write(sent)
                return await self._answer
        finally:
            self._question = None
            if not self._answer.cancel() and not self._answer.cancelled():
                self._answer.exception()  # nobody else will ask for it

    # -- between questions -------------------------------------------------------------------

    def _owes(self, unit: int) -> float:
        """Seconds for which a unit may still send an answer that nobody waits for."""
        return self._owing.get(unit, 0.0) - self._now()

    async def _outwait(self, unit: int) -> None:
        while (left := self._owes(unit)) > TICK:
            self._raise_if_lost()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.lost.wait()
        self._raise_if_lost()

    async def _make_ready(self, manners: Manners) -> None:
        """A cable that is open and has been silent for as long as the next unit wants."""
        self._raise_if_lost()
        if self._is_doubtful:
            await self._reopen()
        silence = max(self._gap, manners.turnaround)
        for _ in range(SILENCES):
            if (left := self._heard_at + silence - self._now()) <= 0:
                break
            await asyncio.sleep(left)
        self._raise_if_lost()

    async def _reopen(self) -> None:
        await self._let_go()
        for pause in TRIES:
            await asyncio.sleep(pause)
            self._raise_if_lost()
            try:
                await self.open()
            except LinkLost as lost:
                why = lost
                continue
            self._is_doubtful = False
            self.traffic.reopened += 1
            return
        self._lose(why)
        raise why

    async def _let_go(self) -> None:
        reader, self._reader = self._reader, None
        link, self._link = self._link, None
        try:
            if reader is not None:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
        finally:
            if link is not None:
                await link.close()

    # -- the cable ---------------------------------------------------------------------------

    async def _listen(self, link: Link) -> None:
        """Read for ever, also when nothing was asked: an unplugged cable is seen at once."""
        try:
            while True:
                heard = await link.read()
                self.traffic.octets += len(heard)
                self._heard_at = self._now()
                if not self._hear(heard) and len(heard) > LONGEST:
                    await asyncio.sleep(NOISE_REST)
        except LinkLost as lost:
            self._lose(lost)

    def _report(self, reader: asyncio.Task[None]) -> None:
        """A fault of ours must not leave a line that nobody listens to."""
        if not reader.cancelled() and (fault := reader.exception()) is not None:
            self._lose(LinkLost(f"{self.name}: a fault of this program: {fault!r}"))

    def _hear(self, heard: bytes) -> bool:
        """Take what was heard; True when it completes the answer."""
        if self._question is None or self._answer is None or self._answer.done():
            self.traffic.stray_octets += len(heard)
            return False
        self._heard += heard
        try:
            pdu = self._frames.find(self._heard, self._question)
        except OutOfStep as fault:
            self._answer.set_exception(fault)
            return False
        if pdu is None:
            return False
        self._answer.set_result(pdu)
        return True

    def _lose(self, why: LinkLost) -> None:
        if self.why_lost is None:
            self.why_lost = why
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self.why_lost)
        self.lost.set()

    def _raise_if_lost(self) -> None:
        if self.why_lost is not None:
            raise self.why_lost
