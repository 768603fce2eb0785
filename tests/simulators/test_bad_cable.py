"""An analyser on a bad cable, and a host that follows the standard to the letter."""

import asyncio
from pathlib import Path

import pytest

from simulators.astm_analyser import AstmAnalyser, Timers
from simulators.astm_messages import Message
from simulators.kit.faults import BadLine, Faults
from simulators.kit.places import Pty
from tests.simulators.host import PtyHost, working
from tests.vectors import astm

IMPATIENT = Timers(answer=0.08, busy=0.05, contention=0.05, interrupted=0.05, rest=0.01)
MESSAGES = [
    Message(
        f"N{number:04d}",
        tuple(record.replace(b"-0001", b"-%04d" % number) for record in astm.MESSAGE_RECORDS),
    )
    for number in range(1, 11)
]
NEVER_IN_TEXT = astm.STX + astm.EOT + astm.ENQ + astm.LF
AWFUL = Faults(corrupt=0.08, drop=0.03, noise=0.2, repeat=0.08, pause=0.05, split=True)


class Strict:
    """A receiver of E1381: acknowledges whole frames in sequence, and forgets unfinished texts."""

    def __init__(self, host: PtyHost) -> None:
        self.host = host
        self.taken: list[bytes] = []
        self._text = b""
        self._last = 0

    async def receive(self) -> None:
        while True:
            await self.host.listens()
            while (word := self._next_word()) is not None:
                self._hear(word)

    def _next_word(self) -> bytes | None:
        """Take one control byte, one frame, or one byte of noise; None when more is needed."""
        heard = self.host.heard
        if not heard:
            return None
        length = 1
        if heard[:1] == astm.STX:
            ends = [place for place, byte in enumerate(heard) if place and byte in NEVER_IN_TEXT]
            if not ends:
                return None
            # A frame whose <LF> was lost ends where the sender begins something new.
            length = ends[0] + (heard[ends[0]] == astm.LF[0])
        word = bytes(heard[:length])
        del heard[:length]
        return word

    def _hear(self, word: bytes) -> None:
        if word == astm.ENQ:
            self._text, self._last = b"", 0
            self.host.says(astm.ACK)
        elif word.startswith(astm.STX):
            self._frame(word)

    def _frame(self, frame: bytes) -> None:
        if not frame.endswith(astm.LF):
            return
        is_sound = frame[-4:-2] == b"%02X" % (sum(frame[1:-4]) % 256)
        number = frame[1] - 0x30
        if is_sound and number == (self._last + 1) % 8:
            self._last = number
            self._text += frame[2:-5]
            if self._text.endswith(astm.TERMINATOR_RECORD):
                self.taken.append(self._text)
            self.host.says(astm.ACK)
        else:
            self.host.says(astm.ACK if is_sound and number == self._last else astm.NAK)


@pytest.mark.parametrize("seed", range(2))
async def test_every_message_gets_through_unharmed_and_none_counts_that_did_not(
    tmp_path: Path, seed: int
) -> None:
    place = Pty(tmp_path / "pest-1")
    await place.plug()
    host = PtyHost(place.path)
    strict = Strict(host)
    analyser = AstmAnalyser(BadLine(place, AWFUL, seed), timers=IMPATIENT)
    async with working(asyncio.create_task(strict.receive())):
        for message in MESSAGES:
            await analyser.deliver(message)
    host.close()
    await place.unplug()

    assert analyser.acknowledged == [message.name for message in MESSAGES]
    assert set(strict.taken) == {b"".join(message.records) for message in MESSAGES}
