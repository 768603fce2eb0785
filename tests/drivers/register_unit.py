"""A unit played from a list of what happens when, and a conversation held with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from drivers.protocols.base import (
    Answer,
    Arrived,
    Exchange,
    Missed,
    PollEvent,
    PollProtocol,
    Read,
    Step,
    Wait,
    Write,
)
from drivers.protocols.register_blocks import image_of, unpacked
from drivers.protocols.register_map import RegisterMap
from drivers.reading import Settlement

T = TypeVar("T")

STEP = 0.01
"""Seconds that one request takes."""


@dataclass
class PlayedUnit:
    """Registers and coils, and what happens to them at which second."""

    words: dict[int, int] = field(default_factory=dict)
    coils: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    is_silent: bool = False
    happens: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    writes: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    on_write: Callable[[Write], None] = lambda _: None
    loses_answers_to: Callable[[Step], bool] = lambda _: False

    def put(self, at: int, *words: int) -> None:
        """Write registers, now."""
        self.words.update(enumerate(words, start=at))

    def later(self, seconds: float, happens: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        self.happens.append((self.seconds + seconds, happens))
        self.happens.sort(key=lambda one: one[0])

    def put_slowly(self, at: int, words: tuple[int, ...], seconds: float) -> None:
        """Write registers one after the other, over so many seconds."""
        for place, word in enumerate(words):
            pause = seconds * place / max(1, len(words) - 1)
            self.later(pause, partial(self.put, at + place, word))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what happens in it happen."""
        self.seconds += seconds
        while self.happens and self.happens[0][0] <= self.seconds:
            self.happens.pop(0)[1]()

    def do(self, step: Step) -> Answer:
        """Answer one step, as a line would."""
        if isinstance(step, Wait):
            self.pass_time(step.seconds)
            return None
        self.pass_time(STEP)
        if self.is_silent:
            return None
        answer: Answer = ()
        if isinstance(step, Read):
            self.reads.append(step)
            table = self.words if step.function > 2 else self.coils
            answer = tuple(
                table.get(at, 0) for at in range(step.address, step.address + step.count)
            )
        elif isinstance(step, Write):
            self.writes.append((step.address, step.values))
            self.on_write(step)
        return None if self.loses_answers_to(step) else answer


def converse(exchange: Exchange[T], unit: PlayedUnit) -> T:
    """Hold a conversation with the unit to its end."""
    answer: Answer = None
    try:
        while True:
            answer = unit.do(exchange.send(answer))
    except StopIteration as done:
        result: T = done.value
        return result


def look(
    protocol: PollProtocol, unit: PlayedUnit, settlement: Settlement = Settlement.STORED
) -> list[PollEvent]:
    """One look, and what came of it settled."""
    events = list(converse(protocol.poll(), unit))
    for event in events:
        if isinstance(event, Arrived):
            converse(protocol.settle(event.held, settlement), unit)
    unit.pass_time(protocol.interval)
    return events


def missed(events: list[PollEvent]) -> int:
    """How many records these events say were missed."""
    return sum(event.count for event in events if isinstance(event, Missed))


def records(events: list[PollEvent], at: int = 0x0100, length: int = 4) -> list[tuple[int, ...]]:
    """The registers of each record that arrived, where they stood at one address."""
    found = []
    for event in events:
        if isinstance(event, Arrived):
            image = image_of(unpacked(event.record))
            found.append(tuple(image.get((3, at + place), -1) for place in range(length)))
    return found


def register_map(**parts: object) -> RegisterMap:
    """A map of a counter and one record of four registers, or what `parts` say instead."""
    usual: dict[str, object] = {
        "interval": "1",
        "timeout": "0.5",
        "slowest_answer": "2",
        "write_time": "0.3",
        "counter": {"at": "0x0011"},
        "record": {"at": "0x0100", "length": "4"},
    }
    said = {key: part for key, part in (usual | parts).items() if part is not None}
    return RegisterMap.model_validate(said)


COUNTER, RECORD = 0x0011, 0x0100
FIRST, SECOND = (1, 2, 3, 4), (5, 6, 7, 8)


def unit_with(counter: int, record: tuple[int, ...] = FIRST) -> PlayedUnit:
    unit = PlayedUnit()
    unit.put(COUNTER, counter)
    unit.put(RECORD, *record)
    return unit
