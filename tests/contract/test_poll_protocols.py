"""The promises every protocol of registers keeps. A new map joins by one line in `MAPS`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers import load_profiles, understand
from drivers.profile import ModbusProfile
from drivers.protocols.base import (
    Answer,
    Arrived,
    Exchange,
    Held,
    PollEvent,
    Read,
    Step,
    Wait,
    Write,
)
from drivers.protocols.register_map import RegisterMap
from drivers.protocols.register_poll import RegisterPoll
from drivers.reading import Settlement
from tests.drivers.register_unit import register_map

PROFILES = {
    name: profile for name, profile in load_profiles().items() if isinstance(profile, ModbusProfile)
}
MAPS: dict[str, RegisterMap] = {
    "a counter": register_map(),
    "a counter and a release": register_map(release={"at": "0x0013", "by": "counter"}),
    "a counter of 32 bits": register_map(counter={"at": "0x0011", "type": "u32"}),
    "a time": register_map(counter=None, record={"at": "0", "length": "3", "stamp": ["+0"]}),
    "an event": register_map(counter=None, event={"at": "0x0010", "bit": "0"}),
    **{name: profile.registers for name, profile in PROFILES.items()},
}
each = pytest.mark.parametrize("registers", MAPS.values(), ids=MAPS.keys())

STEPS = 500
"""More than any look takes; one that took more would not end."""
LIMIT = 16 * 1024
"""Bytes of the longest record."""

REGISTERS = some.integers(0, 0xFFFF) | some.sampled_from([0, 1, 2, 0x8000, 0xFFFF])
PLAYED = some.lists(some.lists(REGISTERS, min_size=1, max_size=4) | some.none(), max_size=40)
"""What a unit says to one question after the other: registers over and over, or nothing."""


def told(step: Step, said: list[int] | None) -> Answer:
    """An answer of the length that was asked for, which is all that a line promises."""
    if isinstance(step, Wait) or said is None:
        return None
    count = step.count if isinstance(step, Read) else 0
    return tuple((said * (count // len(said) + 1))[:count])


def look(poll: RegisterPoll, played: list[list[int] | None]) -> list[PollEvent]:
    exchange: Exchange[object] = poll.poll()
    events = played_out(exchange, played)
    assert isinstance(events, list)
    return events


def played_out(
    exchange: Exchange[object], played: list[list[int] | None], steps: list[Step] | None = None
) -> object:
    """What came of a conversation with what is played; every step of it is noted."""
    answer: Answer = None
    try:
        for _ in range(STEPS):
            step = exchange.send(answer)
            if steps is not None:
                steps.append(step)
            answer = told(step, played.pop(0) if played else None)
    except StopIteration as done:
        return done.value
    raise AssertionError(f"a conversation of at most {STEPS} steps expected")


@each
@given(played=PLAYED, settlements=some.lists(some.sampled_from(Settlement), max_size=8))
def test_any_registers_give_events_and_never_an_exception(
    registers: RegisterMap, played: list[list[int] | None], settlements: list[Settlement]
) -> None:
    poll = RegisterPoll(registers)
    for settlement in [*settlements, Settlement.STORED]:
        for event in look(poll, played):
            if isinstance(event, Arrived):
                played_out(poll.settle(event.held, settlement), played)


@each
@given(last=some.binary(max_size=64), played=PLAYED)
def test_any_bytes_may_be_the_last_record(
    registers: RegisterMap, last: bytes, played: list[list[int] | None]
) -> None:
    look(RegisterPoll(registers, last), played)


@each
@given(word=REGISTERS)
def test_a_record_is_never_longer_than_the_limit(registers: RegisterMap, word: int) -> None:
    for event in look(RegisterPoll(registers), [[word]] * STEPS):
        if isinstance(event, Arrived):
            assert len(event.record) <= LIMIT


@each
def test_nothing_is_written_before_a_record_is_settled_but_a_latch(registers: RegisterMap) -> None:
    steps: list[Step] = []
    played_out(RegisterPoll(registers).poll(), [[1]] * STEPS, steps)

    written = {step.address for step in steps if isinstance(step, Write)}
    assert written <= ({registers.latch.at.number} if registers.latch else set())


@each
def test_what_is_not_held_cannot_be_settled(registers: RegisterMap) -> None:
    with pytest.raises(KeyError):
        RegisterPoll(registers).settle(Held(99), Settlement.STORED)


@each
def test_a_record_that_is_asked_for_again_is_not_held_twice(registers: RegisterMap) -> None:
    poll = RegisterPoll(registers)
    held = [
        event.held
        for word in ([0], [1], [2])
        for event in look(poll, [word] * STEPS)
        if isinstance(event, Arrived)
    ]

    for one in held[:-1]:
        with pytest.raises(KeyError):
            poll.settle(one, Settlement.STORED)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
@given(words=some.lists(REGISTERS, min_size=1, max_size=50))
def test_any_registers_that_arrive_are_understood(profile: ModbusProfile, words: list[int]) -> None:
    for event in look(RegisterPoll(profile.registers), [words] * STEPS):
        if isinstance(event, Arrived):
            understand(profile, event.record)
