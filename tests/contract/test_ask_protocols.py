"""The promises of every protocol in which we ask. A new one joins by one line in `PROTOCOLS`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers import LinkLost, Profile, Settlement, profile_named
from drivers.links import MemoryInstrument, memory_pair
from drivers.protocols.base import (
    Answer,
    Arrived,
    AskProtocol,
    Garbled,
    Hear,
    Held,
    Say,
    Unanswered,
)
from drivers.protocols.dy03ff import Dy03ff
from drivers.sessions import AskSession
from drivers.sessions.ask import LIMIT
from tests.drivers import virtual_time
from tests.drivers.asking import Conversations
from tests.drivers.dy_instrument import DyInstrument, channel, frame, photometric

MOST_STEPS = 5_000
"""Of one conversation with whatever answers at random."""


def dy_instrument() -> Callable[[bytes], bytes]:
    instrument = DyInstrument()
    instrument.keep(photometric(channel(0, 596), channel(1, 126), channel(2, 624)))
    instrument.keep(photometric(channel(1, 250), number=1))
    return instrument.answer


@dataclass(frozen=True)
class Questioned:
    """A protocol, and an instrument that answers in it with two records."""

    profile: Profile
    make: Callable[[], AskProtocol]
    instrument: Callable[[], Callable[[bytes], bytes]]
    utterances: tuple[bytes, ...]
    """Things that an instrument of this protocol may say."""


PROTOCOLS = {
    "dy03ff": Questioned(
        profile_named("dayuan-dy03ff"),
        lambda: Dy03ff(interval=5, days_back=2, today=lambda: date(2026, 11, 23)),
        dy_instrument,
        (
            frame(0x20, 0, b"\x02DY\x02DY\x01S\x00\x00\x77\x35"),
            frame(0x43, 0, bytes(8) + b"\x01\x00\x02\x00"),
            frame(0x43, 0, bytes(8) + b"\x00\x00\xff\xff"),
            frame(0x43, 0, b""),
            frame(0x42, 0, bytes(256)),
            frame(0x45, 1, photometric(channel(1, 126))),
            frame(0x45, 2, b""),
        ),
    ),
}
each = pytest.mark.parametrize("questioned", PROTOCOLS.values(), ids=PROTOCOLS.keys())


# -- the protocol alone ----------------------------------------------------------------------


@each
def test_a_clean_conversation_gives_its_records_and_then_none(questioned: Questioned) -> None:
    talking = Conversations(questioned.make(), questioned.instrument())

    assert (len(talking.one()), len(talking.one())) == (2, 0)
    assert not any(isinstance(one, Garbled | Unanswered) for one in talking.events)


@each
def test_a_record_is_settled_once(questioned: Questioned) -> None:
    talking = Conversations(questioned.make(), questioned.instrument())
    *_, arrived = talking.next()
    assert isinstance(arrived, Arrived)
    talking.protocol.settle(arrived.held, Settlement.STORED)

    with pytest.raises(KeyError):
        talking.protocol.settle(arrived.held, Settlement.STORED)


@each
def test_what_is_not_held_cannot_be_settled(questioned: Questioned) -> None:
    with pytest.raises(KeyError):
        questioned.make().settle(Held(99), Settlement.STORED)


@each
def test_what_was_cut_is_not_held_any_more_and_is_asked_for_again(questioned: Questioned) -> None:
    talking = Conversations(questioned.make(), questioned.instrument())
    *_, arrived = talking.next()
    assert isinstance(arrived, Arrived)
    talking.protocol.cut()

    with pytest.raises(KeyError):
        talking.protocol.settle(arrived.held, Settlement.STORED)
    assert len(talking.one()) == 2


@each
def test_a_silent_instrument_is_told_as_unanswered(questioned: Questioned) -> None:
    talking = Conversations(questioned.make(), lambda question: b"")

    assert talking.one() == []
    assert [type(one) for one in talking.events] == [Unanswered]


@each
def test_what_is_said_in_place_of_an_answer_is_kept(questioned: Questioned) -> None:
    talking = Conversations(questioned.make(), lambda question: b"\xa5noise")

    talking.one()

    *garbled, last = talking.events
    assert {one.data for one in garbled if isinstance(one, Garbled)} == {b"\xa5noise"}
    assert isinstance(last, Unanswered)


@each
@given(conversation=some.data())
def test_any_bytes_give_events_and_never_an_exception(
    questioned: Questioned, conversation: some.DataObject
) -> None:
    protocol = questioned.make()
    said = some.one_of(
        some.none(),
        some.binary(max_size=30),
        some.sampled_from(questioned.utterances),
    )
    settlements = some.sampled_from(Settlement)
    for _ in range(conversation.draw(some.integers(1, 6))):
        if conversation.draw(some.booleans()):
            protocol.cut()
        exchange = protocol.ask()
        heard: Answer = None
        events: Sequence[object] = ()
        for _ in range(40):
            try:
                step = exchange.send(heard)
            except StopIteration as done:
                events = done.value
                break
            heard = conversation.draw(said) if isinstance(step, Hear) else None
        for event in events:
            if isinstance(event, Arrived):
                list(protocol.settle(event.held, conversation.draw(settlements)))


@each
@given(answers=some.lists(some.binary(max_size=30), max_size=5))
def test_asking_comes_to_an_end_whatever_is_answered(
    questioned: Questioned, answers: list[bytes]
) -> None:
    possible = [*answers, *questioned.utterances, b""]
    exchange = questioned.make().ask()
    heard: Answer = None
    for place in range(MOST_STEPS):
        try:
            step = exchange.send(heard)
        except StopIteration:
            return
        heard = possible[place * 7 % len(possible)] or None if isinstance(step, Hear) else None
    raise AssertionError(f"an end within {MOST_STEPS} steps expected")


@each
@given(wire=some.data())
def test_where_an_answer_ends_does_not_depend_on_its_pieces(
    questioned: Questioned, wire: some.DataObject
) -> None:
    exchange = questioned.make().ask()
    step = next(exchange)
    while isinstance(step, Say):
        step = exchange.send(None)
    assert isinstance(step, Hear)
    parts = some.one_of(some.binary(max_size=20), some.sampled_from(questioned.utterances))
    said = b"".join(wire.draw(some.lists(parts, max_size=5)))

    ends = [step.framing(said[:count]) for count in range(len(said) + 1)]

    found = [end for end in ends if end is not None]
    assert len(set(found)) <= 1
    assert ends[-1] == (found[0] if found else None)


# -- in a session ----------------------------------------------------------------------------


def cut_at(wire: bytes, places: Iterable[int]) -> list[bytes]:
    edges = sorted({0, len(wire), *(place % (len(wire) + 1) for place in places)})
    return [wire[start:end] for start, end in pairwise(edges)]


async def answer(
    end: MemoryInstrument, answering: Callable[[bytes], bytes], places: Sequence[int]
) -> None:
    while True:
        if question := await end.listen(1000):
            for piece in cut_at(answering(question), places):
                end.say(piece)
                await asyncio.sleep(0.001)


async def records_heard(questioned: Questioned, places: Sequence[int]) -> list[bytes]:
    """The records of half a minute, the answers coming in pieces."""
    link, end = memory_pair()
    now = asyncio.get_running_loop().time
    session = AskSession(link, questioned.make(), questioned.profile, now=now)
    answering = asyncio.create_task(answer(end, questioned.instrument(), places))
    raws: list[bytes] = []
    try:
        async with asyncio.timeout(30):
            async for delivery in session.deliveries():
                raws.append(delivery.raw)
                await delivery.settle(Settlement.STORED)
    except TimeoutError:
        pass
    finally:
        answering.cancel()
        await session.close()
    return raws


@each
@given(places=some.lists(some.integers(0, 400), max_size=300))
def test_chunking_is_invisible(questioned: Questioned, places: list[int]) -> None:
    in_pieces = virtual_time.run(records_heard(questioned, places))

    assert in_pieces == virtual_time.run(records_heard(questioned, ()))
    assert len(in_pieces) == 2


@each
@given(flood=some.sampled_from([b"A", b"\x03", b"\x03\xfe", b"\x00"]), is_asked=some.booleans())
def test_a_flood_is_not_held_back(questioned: Questioned, flood: bytes, is_asked: bool) -> None:
    async def held_back() -> int:
        link, end = memory_pair()
        now = asyncio.get_running_loop().time
        session = AskSession(link, questioned.make(), questioned.profile, now=now)
        session.accepting = is_asked
        coming = asyncio.ensure_future(anext(session.deliveries()))
        for _ in range(15):
            end.say(flood * (LIMIT // 2 // len(flood)))
            await asyncio.sleep(0.1)
        held = session.counts.octets - session.counts.garbled_octets
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await session.close()
        return held

    assert virtual_time.run(held_back()) <= 4 * LIMIT


@each
def test_a_line_that_is_lost_in_mid_conversation_doubles_nothing(questioned: Questioned) -> None:
    async def told() -> list[bytes]:
        raws: list[bytes] = []
        answering = questioned.instrument()
        for stop_after in (1, 2, 3, 4, 5, 1000):
            link, end = memory_pair()
            now = asyncio.get_running_loop().time
            session = AskSession(link, questioned.make(), questioned.profile, now=now)
            task = asyncio.create_task(answer(end, answering, ()))
            asyncio.get_running_loop().call_later(stop_after * 0.004, end.unplug)
            try:
                async for delivery in session.deliveries():
                    raws.append(delivery.raw)
                    await delivery.settle(Settlement.STORED)
            except LinkLost:
                pass
            finally:
                task.cancel()
                await session.close()
        return raws

    whole = virtual_time.run(records_heard(questioned, ()))

    assert set(virtual_time.run(told())) == set(whole)
