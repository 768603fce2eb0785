"""A bad cable: what goes wrong between an analyser and a gateway, and can be told again by a seed.

A cable knows nothing of frames; it sees what is written at once, and an analyser writes a frame
at once. A frame comes twice when the *answer* to it is spoilt: the sender cannot know, and
repeats.

Two things it never does, because the link protocol has no defence against them and a count of
acknowledged messages would mean nothing any more: it makes no control byte out of another byte,
and it spoils one byte of a write, not two (one pair in 256 would leave the checksum right).
"""

from __future__ import annotations

import asyncio
import random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from simulators.kit.places import Line

Chance = Annotated[float, Field(ge=0, le=1)]
_FIRST_PRINTABLE = 0x20


class Faults(BaseModel):
    """How often, of all writes, each thing happens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corrupt: Chance = 0
    """One byte arrives as another."""
    drop: Chance = 0
    """One byte does not arrive."""
    noise: Chance = 0
    """Up to twelve bytes that nobody sent come first."""
    repeat: Chance = 0
    """The answer is spoilt, so that the frame is sent again."""
    pause: Chance = 0
    """It stops half-way, for up to a fifth of a second."""
    late: Chance = 0
    """It comes later than anybody waits for it."""
    lateness: Annotated[float, Field(gt=0)] = 3.0
    """How late that is, in seconds."""
    split: bool = False
    """Everything arrives in pieces."""

    @property
    def any(self) -> bool:
        return self != Faults()


class BadLine:
    """A line with faults in front of a good one."""

    def __init__(self, line: Line, faults: Faults, seed: int | str) -> None:
        self._line = line
        self._faults = faults
        self._random = random.Random(seed)

    async def read(self, seconds: float) -> bytes:
        heard = await self._line.read(seconds)
        if heard and self._happens(self._faults.repeat):
            # ACK becomes F and NAK becomes U: neither is an answer.
            return bytes([heard[0] | 0x40]) + heard[1:]
        return heard

    async def write(self, sent: bytes) -> None:
        if self._happens(self._faults.corrupt):
            sent = self._corrupted(sent)
        if self._happens(self._faults.drop):
            lost = self._random.randrange(len(sent))
            sent = sent[:lost] + sent[lost + 1 :]
        if self._happens(self._faults.noise):
            sent = self._noise() + sent
        if self._happens(self._faults.late):
            await asyncio.sleep(self._faults.lateness)
        for piece in self._pieces(sent):
            await self._line.write(piece)
            # A turn of the loop, so that the other side may read each piece by itself.
            await asyncio.sleep(self._pause())

    def _happens(self, chance: float) -> bool:
        return self._random.random() < chance

    def _corrupted(self, sent: bytes) -> bytes:
        place = self._random.randrange(len(sent))
        others = [byte for byte in range(_FIRST_PRINTABLE, 256) if byte != sent[place]]
        return sent[:place] + bytes([self._random.choice(others)]) + sent[place + 1 :]

    def _noise(self) -> bytes:
        count = self._random.randint(1, 12)
        return bytes(self._random.choices(range(_FIRST_PRINTABLE, 256), k=count))

    def _pieces(self, sent: bytes) -> list[bytes]:
        if not self._faults.split:
            return [sent] if sent else []
        pieces = []
        while sent:
            length = self._random.randint(1, 16)
            pieces.append(sent[:length])
            sent = sent[length:]
        return pieces

    def _pause(self) -> float:
        return self._random.uniform(0.02, 0.2) if self._happens(self._faults.pause) else 0
