"""A Dayuan DY analyser: it tests when its keys are pressed, and speaks only when it is asked.

::

    host                                        analyser
    20 "DEVICE??"                    ──────▶    who are you?
                                     ◀──────    20 device, model, serial, the time
    42 page                          ──────▶    what can you test?
                                     ◀──────    42 two items; nothing beyond the last
    43 from, to                      ──────▶    which records of this span?
                                     ◀──────    43 from, to, first number, last number
    45 number                        ──────▶    tell me that one
                                     ◀──────    45 the record

(62, 63, 65 ask the same of gold strips, 72, 73, 75 of dry chemistry.) The memory stays as it is,
whatever is read; 46 clears it. A question that is spoilt, or asks for what does not exist, is not
answered. The clock is the analyser's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from simulators.dy03ff_frames import Question, answer, packed_time, take_question
from simulators.dy03ff_memory import Bank, Memory
from simulators.kit.places import CableOut, Line

TEST, CLEAR = 0x20, 0x46
_PAGE, _COUNT, _RECORD = 2, 3, 5
_WHO = b"DEVICE??"
_REST = 0.05
"""Seconds between looks at a cable that is out."""
_LISTENS = 0.5


class DyAnalyser:
    """Answers a host from a memory, and counts what it was asked."""

    def __init__(
        self,
        line: Line,
        memory: Memory,
        *,
        clock: Callable[[], datetime],
        model: str = "DY-3000",
        serial: str = "",
        answers_after: float = 0.0,
    ) -> None:
        """`answers_after` is how long it thinks, in seconds, before each answer."""
        self._line = line
        self._heard = bytearray()
        self._model = model
        self._serial = serial
        self.memory = memory
        self.clock = clock
        self.answers_after = answers_after
        self.told: dict[Bank, list[int]] = {bank: [] for bank in Bank}
        """Numbers of the records that were asked for and told, in order, repeats included."""
        self.asked: list[int] = []
        """Every command that was heard, in order."""
        self.erasures = 0
        """How often a host has cleared the memory, which no host may."""

    async def serve(self, told: Callable[[Bank, int], None] = lambda *_: None) -> None:
        """Answer for ever, through pulled cables; `told` hears of every record that was told."""
        while True:
            try:
                await self.listen(_LISTENS, told)
            except CableOut:
                # What was half heard belongs to a conversation that is over.
                self._heard.clear()
                await asyncio.sleep(_REST)

    async def listen(
        self, seconds: float, told: Callable[[Bank, int], None] = lambda *_: None
    ) -> None:
        """Answer what is asked within `seconds`. Raises CableOut."""
        self._heard += await self._line.read(seconds)
        while (question := take_question(self._heard)) is not None:
            self.asked.append(question.command)
            contents = self._contents(question)
            if contents is None:
                continue
            await asyncio.sleep(self.answers_after)
            await self._line.write(answer(question.command, question.parameter, contents))
            self._count(question, told)

    def _contents(self, question: Question) -> bytes | None:
        """Return what is answered; None for nothing at all."""
        command, parameter = question.command, question.parameter
        if command == TEST:
            return self._who() if question.contents == _WHO else None
        if command == CLEAR:
            self.erasures += 1
            self.memory.clear()
            return b""
        bank, asked = _of_bank(command)
        if bank is None:
            return None
        if asked == _PAGE:
            return self.memory.page(parameter >> 8 & 0xFF, bank)
        if asked == _COUNT:
            return self._span(question.contents, bank)
        return self.memory.packed(parameter, bank) if asked == _RECORD else None

    def _who(self) -> bytes:
        """Return three texts, each after its length, and the time on the analyser's clock."""
        texts = [text.encode("gb2312") for text in ("DAYUAN", self._model, self._serial)]
        named = b"".join(bytes((len(text),)) + text for text in texts)
        return named + packed_time(self.clock()).to_bytes(4, "little")

    def _span(self, contents: bytes, bank: Bank) -> bytes | None:
        if len(contents) != 8:
            return None
        start, end = (int.from_bytes(part, "little") for part in (contents[:4], contents[4:]))
        numbers = self.memory.between(start, end, bank)
        return contents + b"".join(number.to_bytes(2, "little") for number in numbers)

    def _count(self, question: Question, told: Callable[[Bank, int], None]) -> None:
        bank, asked = _of_bank(question.command)
        if bank is not None and asked == _RECORD:
            self.told[bank].append(question.parameter)
            told(bank, question.parameter)


def _of_bank(command: int) -> tuple[Bank | None, int]:
    """Return which memory a command asks about, and what it asks."""
    bank = next((one for one in Bank if one.value == command & 0xF0), None)
    return bank, command & 0x0F
