"""Several Modbus units on one cable, as slaves: each answers for itself, or does not.

On a serial line everybody hears everything, so that the answer of a unit that took too long comes
in the middle of somebody else's exchange. A unit works off its requests one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.kit.places import CableOut, Line
from simulators.modbus_frames import Framing, Request, take_request
from simulators.modbus_registers import WRITES, Refusal, Registers, answered

_BROADCAST = 0
_REST = 0.05
"""Seconds between looks at a cable that is out."""
_LISTENS = 0.5
_SILENCE = 0.1
"""Seconds without a byte after which what was half heard is no request: generous, because the 3.5
characters of the standard cannot be measured here."""


@dataclass
class Unit:
    """One slave and its moods; they may be changed while the bus runs."""

    registers: Registers
    silent: bool = False
    """Dead, or switched off: it answers nothing and obeys nothing."""
    answers_after: float = 0.0
    """Seconds from a request to its answer."""
    answers_writes_after: float = 0.0
    """Seconds more from a write, which it obeys at once, to its answer."""
    refuses: Refusal | None = None
    """Answers everything with this exception."""
    asked: int = 0
    """Requests that reached it, whether it answered or not."""
    _owed: asyncio.Queue[tuple[float, bytes]] = field(default_factory=asyncio.Queue, init=False)
    _owes: int = field(default=0, init=False)

    def owe(self, wait: float, said: bytes) -> None:
        """Answer later, after whatever else is owed."""
        self._owes += 1
        self._owed.put_nowait((wait, said))

    @property
    def owes(self) -> bool:
        return self._owes > 0

    async def next_owed(self) -> bytes:
        """Return the next answer when its time has come."""
        wait, said = await self._owed.get()
        await asyncio.sleep(wait)
        self._owes -= 1
        return said


class ModbusBus:
    """The units of one cable, by address."""

    def __init__(self, line: Line, units: Mapping[int, Unit], framing: Framing) -> None:
        self._line = line
        self._heard = bytearray()
        self._framing = framing
        self.units = units

    async def serve(self) -> None:
        """Answer for ever, through pulled cables."""
        async with asyncio.TaskGroup() as at_work:
            for unit in self.units.values():
                at_work.create_task(self._answer_later(unit))
            while True:
                try:
                    await self._listen()
                except CableOut:
                    self._heard.clear()
                    await asyncio.sleep(_REST)

    async def _listen(self) -> None:
        before = asyncio.get_running_loop().time()
        heard = await self._line.read(_LISTENS)
        if asyncio.get_running_loop().time() - before > _SILENCE:
            self._heard.clear()
        self._heard += heard
        while (request := take_request(self._heard, self._framing)) is not None:
            if request.unit == _BROADCAST:
                for unit in self.units.values():
                    self._obey(unit, request)
            elif request.unit in self.units:
                await self._answer(self.units[request.unit], request)

    async def _answer(self, unit: Unit, request: Request) -> None:
        said = self._obey(unit, request)
        if said is None:
            return
        wait = unit.answers_after
        if request.pdu[0] in WRITES:
            wait += unit.answers_writes_after
        if wait or unit.owes:
            unit.owe(wait, request.wrapped(said))
        else:
            await self._line.write(request.wrapped(said))

    @staticmethod
    def _obey(unit: Unit, request: Request) -> bytes | None:
        """Do what is asked, at once; return what will be said."""
        unit.asked += 1
        if unit.silent:
            return None
        if unit.refuses is not None:
            return bytes((request.pdu[0] | 0x80, unit.refuses))
        return answered(request.pdu, unit.registers)

    async def _answer_later(self, unit: Unit) -> None:
        while True:
            said = await unit.next_owed()
            if not unit.silent:
                with contextlib.suppress(CableOut):
                    await self._line.write(said)
