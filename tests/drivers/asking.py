"""Plays the other end of a conversation in which we ask, without a link and without time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from drivers.protocols.base import Answer, Answered, Arrived, AskProtocol, Exchange, Hear, Say
from drivers.reading import Settlement

T = TypeVar("T")
Answering = Callable[[bytes], bytes]
"""What an instrument says to a question; b"" for nothing."""


def carried(exchange: Exchange[T], answering: Answering) -> T:
    """Carry an exchange to its end; what is answered is heard at once, or never."""
    heard, answer = bytearray(), None
    while True:
        try:
            step = exchange.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        answer = None
        if isinstance(step, Say):
            heard.clear()
            heard += answering(step.data)
        else:
            assert isinstance(step, Hear)
            answer = _heard(step, heard)


def _heard(step: Hear, heard: bytearray) -> Answer:
    end = step.framing(bytes(heard))
    taken = bytes(heard[: len(heard) if end is None else end])
    del heard[: len(taken)]
    return taken or None


def from_list(answers: Iterable[bytes]) -> Answering:
    """An instrument that answers from a list, one a question, whatever it is asked."""
    left = iter(answers)
    return lambda question: next(left, b"")


@dataclass
class Conversations:
    """Plays the gateway: stores every record at once, and writes down all that happens."""

    protocol: AskProtocol
    answering: Answering
    settlement: Settlement = Settlement.STORED
    events: list[Answered] = field(default_factory=list)

    def next(self) -> Sequence[Answered]:
        """What asking once brings, unsettled."""
        return carried(self.protocol.ask(), self.answering)

    def one(self, most: int = 10_000) -> list[Arrived]:
        """One conversation to its end: its records."""
        records: list[Arrived] = []
        for _ in range(most):
            events = self.next()
            self.events += events
            arrived = [event for event in events if isinstance(event, Arrived)]
            if not arrived:
                break
            records += arrived
            settling = self.protocol.settle(arrived[0].held, self.settlement)
            carried(settling, self.answering)
        return records

    def several(self, count: int) -> list[Arrived]:
        """Several conversations: all their records."""
        return [record for _ in range(count) for record in self.one()]
