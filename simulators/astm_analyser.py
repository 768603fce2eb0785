"""An analyser on an ASTM E1381 / CLSI LIS1-A link: it bids, sends, and waits to be believed.

::

    analyser                      host
    <ENQ>          ──────▶                     establishment: may I?
                   ◀──────        <ACK>        (<NAK>: busy, not before 10 s;  nothing: 15 s)
    <STX>1H|…      ──────▶                     transfer: one frame, one answer
                   ◀──────        <ACK>        (anything else: the same frame, six times at most)
    …
    <EOT>          ──────▶                     termination: back to neutral

A message is acknowledged when the frame that completes its L record is; only then may the
analyser forget it. Both may bid at once; then the analyser, having priority, bids again after
1 s, and the host waits 20 s. In neutral the analyser answers a host's bid and listens to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simulators.astm_frames import ACK, ENQ, EOT, LF, NAK, STX, Packing, checksum, frames
from simulators.astm_messages import Maker, Message, query_message
from simulators.kit.places import CableOut, Line

TRANSMISSIONS = 6
"""How often one frame is sent, at most, before the message is given up."""


@dataclass(frozen=True, slots=True)
class Timers:
    """The waits of E1381 and LIS1-A, in seconds; tests shorten them."""

    answer: float = 15.0
    """For the answer to <ENQ> or to a frame."""
    busy: float = 10.0
    """After a <NAK> to <ENQ>, at least."""
    contention: float = 1.0
    """After both sides have bid, at least."""
    interrupted: float = 15.0
    """After the receiver asked us to stop, at least."""
    host_frame: float = 30.0
    """For a host's next frame or <EOT>."""
    rest: float = 1.0
    """Before a message that was given up is offered again: the analyser's own choice."""


STANDARD = Timers()


class Outcome(StrEnum):
    """What became of one attempt to send a message."""

    ACKNOWLEDGED = "acknowledged"
    BUSY = "busy"  # the host answered our bid with <NAK>
    SILENT = "silent"  # no answer in time
    REFUSED = "refused"  # six transmissions of one frame without <ACK>
    INTERRUPTED = "interrupted"  # the host answered a frame with <EOT>


class AstmAnalyser:
    """Sends messages over a line, and counts those that were acknowledged."""

    def __init__(
        self,
        line: Line,
        *,
        timers: Timers = STANDARD,
        packing: Packing = Packing.RECORD,
        repeats_after_silence: bool = False,
    ) -> None:
        """With `repeats_after_silence` an unanswered frame is sent again, up to six times, where
        the standard has the sender give up at once; many analysers do."""
        self._line = line
        self._timers = timers
        self._packing = packing
        self._repeats_after_silence = repeats_after_silence
        self._heard = bytearray()
        self.acknowledged: list[str] = []
        """Names of the messages whose L record was acknowledged, in order."""
        self.host_said: list[bytes] = []
        """Texts of the messages a host has sent us."""

    async def deliver(self, message: Message) -> None:
        """Offer a message until it is acknowledged, through busy hosts and pulled cables."""
        while True:
            try:
                outcome = await self.send(message)
                if outcome is Outcome.ACKNOWLEDGED:
                    return
                await self.listen(self._wait_after(outcome))
            except CableOut:
                await asyncio.sleep(self._timers.rest)

    async def send(self, message: Message) -> Outcome:
        """Offer a message once. Raises CableOut."""
        await self.listen(0)
        refusal = await self._bid()
        if refusal is not None:
            return refusal
        outcome = await self._transfer(message)
        with contextlib.suppress(CableOut):
            # What was acknowledged stays so, even if the cable goes before we have said goodbye.
            await self._line.write(EOT)
        return outcome

    async def ask(self, maker: Maker, number: str, at: datetime, seconds: float) -> bytes | None:
        """Ask the host about a barcode; return the text of its answer, None if none comes."""
        before = len(self.host_said)
        await self.deliver(query_message(maker, number, at))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while len(self.host_said) == before and loop.time() < deadline:
            await self.listen(deadline - loop.time(), first_only=True)
        return self.host_said[-1] if len(self.host_said) > before else None

    async def listen(self, seconds: float, *, first_only: bool = False) -> None:
        """Stay in neutral for `seconds`, answering a host that bids. Raises CableOut."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            self._heard += await self._line.read(max(0.0, deadline - loop.time()))
            bid = self._heard.find(ENQ)
            # In neutral nothing but a bid means anything.
            del self._heard[: bid + 1 if bid >= 0 else len(self._heard)]
            if bid >= 0:
                await self._receive()
            if loop.time() >= deadline or (bid >= 0 and first_only):
                return

    async def babble(self, count: int, seed: int | str) -> None:
        """Send `count` random bytes, as a broken analyser or a wrong baud rate would."""
        noise = random.Random(seed).randbytes(count)
        for start in range(0, count, 64):
            await self._line.write(noise[start : start + 64])
            await asyncio.sleep(0)

    async def _bid(self) -> Outcome | None:
        """Ask for the line; return None when we have it, else why not."""
        for _ in range(TRANSMISSIONS):
            await self._line.write(ENQ)
            answer = await self._answer((ACK, NAK, ENQ))
            if answer == ACK:
                return None
            if answer == NAK:
                return Outcome.BUSY
            if not answer:
                break
            await asyncio.sleep(self._timers.contention)
        await self._line.write(EOT)
        return Outcome.SILENT

    async def _transfer(self, message: Message) -> Outcome:
        sent = frames(message.records, packing=self._packing)
        for place, one in enumerate(sent, start=1):
            outcome = await self._frame(one)
            if place == len(sent) and outcome in (Outcome.ACKNOWLEDGED, Outcome.INTERRUPTED):
                # <EOT> in place of <ACK> also says "accepted"; it only asks us to stop.
                self.acknowledged.append(message.name)
                return Outcome.ACKNOWLEDGED
            if outcome is not Outcome.ACKNOWLEDGED:
                return outcome
        raise ValueError(f"a message of at least one record expected, {message.name!r} has none")

    async def _frame(self, one: bytes) -> Outcome:
        """Send one frame until it is answered well, six times at most."""
        for _ in range(TRANSMISSIONS):
            await self._line.write(one)
            answer = await self._answer()
            if answer == ACK:
                return Outcome.ACKNOWLEDGED
            if answer == EOT:
                return Outcome.INTERRUPTED
            if not answer and not self._repeats_after_silence:
                return Outcome.SILENT
            # Whatever else it was, it was not <ACK>: the rest of it is not another answer.
            self._heard.clear()
        return Outcome.REFUSED

    async def _answer(self, wanted: tuple[bytes, ...] | None = None) -> bytes:
        """Return the next byte (of those wanted, where said) within the timer, b"" if none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timers.answer
        while True:
            while self._heard:
                byte = bytes(self._heard[:1])
                del self._heard[:1]
                if wanted is None or byte in wanted:
                    return byte
            left = deadline - loop.time()
            if left <= 0:
                return b""
            self._heard += await self._line.read(left)

    async def _receive(self) -> None:
        """Take what a host sends after its <ENQ>; the frames' answers are all we say."""
        await self._line.write(ACK)
        text = bytearray()
        while True:
            while (whole := self._heard.find(LF) + 1) == 0 and EOT not in self._heard[:1]:
                heard = await self._line.read(self._timers.host_frame)
                if not heard:
                    self._heard.clear()
                    return
                self._heard += heard
            if self._heard[:1] == EOT:
                del self._heard[:1]
                self.host_said.append(bytes(text))
                return
            one = bytes(self._heard[:whole])
            del self._heard[:whole]
            is_whole = one.startswith(STX) and one[-4:-2].upper() == checksum(one[1:-4])
            if is_whole:
                text += one[2:-5]
            await self._line.write(ACK if is_whole else NAK)

    def _wait_after(self, outcome: Outcome) -> float:
        if outcome is Outcome.BUSY:
            return self._timers.busy
        if outcome is Outcome.INTERRUPTED:
            return self._timers.interrupted
        return self._timers.rest
