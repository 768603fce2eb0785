"""Modbus units on a cable in memory, each with its own speed, and everything that disturbs them.

The frames are pymodbus's; which register holds what is written here: every register holds its
own address, so that an answer to another question is seen for what it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from pymodbus.framer import FramerRTU

from drivers.errors import LinkLost
from drivers.links import MemoryInstrument, MemoryLink, memory_pair

WRITES = (5, 6, 16)


def rtu(unit: int, pdu: bytes) -> bytes:
    """A frame with its CRC."""
    body = bytes((unit,)) + pdu
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def tcp(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A frame with its header."""
    header = transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big")
    return header + bytes((unit,)) + pdu


def read_answer(function: int, address: int, count: int) -> bytes:
    """An answer in which every register holds its own address."""
    words = b"".join((at & 0xFFFF).to_bytes(2, "big") for at in range(address, address + count))
    return bytes((function, 2 * count)) + words


@dataclass
class PlayedUnitOnLine:
    """One unit: how slow it is, and what it does with a request."""

    delays: list[float] = field(default_factory=list)
    """Seconds to each answer in turn; at once where the list has ended."""
    is_dead: bool = False
    asked_at: list[float] = field(default_factory=list)
    answer: Callable[[bytes], bytes] = lambda pdu: default_answer(pdu)


def default_answer(pdu: bytes) -> bytes:
    """What an obedient unit answers."""
    if pdu[0] in WRITES:
        return pdu[:5]
    address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    return read_answer(pdu[0], address, count)


class PlayedLine:
    """A cable that can be opened again, and the units on it, whoever has it open."""

    def __init__(self, units: dict[int, PlayedUnitOnLine], *, is_tcp: bool = False) -> None:
        self.units = units
        self.opened = 0
        self.is_unplugged = False
        self.heard_at: list[float] = []
        self.said_at: list[float] = []
        self.before: bytes = b""
        """What is heard before every answer."""
        self._is_tcp = is_tcp
        self._instrument: MemoryInstrument | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = {unit: asyncio.Lock() for unit in units}

    async def open(self) -> MemoryLink:
        """Open the cable."""
        if self.is_unplugged:
            raise LinkLost("played line: nothing is plugged in there")
        link, self._instrument = memory_pair("played line")
        self.opened += 1
        self._start(self._serve(link, self._instrument))
        return link

    def unplug(self) -> None:
        """Pull it."""
        self.is_unplugged = True
        assert self._instrument is not None
        self._instrument.unplug()

    def say(self, octets: bytes) -> None:
        """Something on the line that nobody asked for."""
        assert self._instrument is not None
        self.said_at.append(asyncio.get_running_loop().time())
        self._instrument.say(octets)

    async def close(self) -> None:
        """Stop playing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: MemoryLink, instrument: MemoryInstrument) -> None:
        while True:
            await link.has_spoken.wait()
            sent = instrument.hear()
            self.heard_at.append(asyncio.get_running_loop().time())
            transaction, unit, pdu = self._request(sent)
            if (played := self.units.get(unit)) is not None and not played.is_dead:
                self._start(self._answer(played, transaction, unit, pdu))

    def _request(self, sent: bytes) -> tuple[int, int, bytes]:
        if self._is_tcp:
            return int.from_bytes(sent[:2], "big"), sent[6], sent[7:]
        assert rtu(sent[0], sent[1:-2]) == sent
        return 0, sent[0], sent[1:-2]

    async def _answer(
        self, unit: PlayedUnitOnLine, transaction: int, number: int, pdu: bytes
    ) -> None:
        """Answer one after the other, over whatever cable is open by then."""
        unit.asked_at.append(asyncio.get_running_loop().time())
        delay = unit.delays.pop(0) if unit.delays else 0.001
        async with self._turns[number]:
            await asyncio.sleep(delay)
            said = unit.answer(pdu)
            whole = tcp(transaction, number, said) if self._is_tcp else rtu(number, said)
            self.say(self.before + whole)
