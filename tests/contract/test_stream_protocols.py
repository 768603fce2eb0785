"""The promises every stream protocol keeps. A new protocol joins by one line in `PROTOCOLS`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers.protocols.astm_bare import BareAstm
from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Arrived, Asked, Event, Held, Incomplete, StreamProtocol
from drivers.reading import Settlement
from tests.vectors import astm

LIMIT = 4096


@dataclass(frozen=True)
class Spoken:
    """A protocol, and what an instrument says in it that gives one record."""

    make: Callable[[], StreamProtocol]
    utterances: tuple[bytes, ...]
    """After each of them the instrument waits for an answer, where it waits for any."""

    @property
    def wire(self) -> bytes:
        return b"".join(self.utterances)


PROTOCOLS = {
    "astm": Spoken(lambda: AstmReceiver(limit=LIMIT), (astm.ENQ, *astm.MESSAGE_FRAMES, astm.EOT)),
    "astm-bare": Spoken(lambda: BareAstm(limit=LIMIT), astm.MESSAGE_RECORDS),
}
each = pytest.mark.parametrize("spoken", PROTOCOLS.values(), ids=PROTOCOLS.keys())


class Listener:
    """Plays the gateway: stores every record at once, and writes down all that happens."""

    def __init__(self, protocol: StreamProtocol) -> None:
        self.protocol = protocol
        self.records: list[bytes] = []
        self.answers = b""

    def hear(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            waiting = list(self.protocol.feed(piece))
            self.answers += self.protocol.outgoing()
            while waiting:
                event = waiting.pop(0)
                if isinstance(event, Arrived | Asked):
                    self.records.append(event.record if isinstance(event, Arrived) else event.query)
                    self.protocol.settle(event.held, Settlement.STORED)
                    self.answers += self.protocol.outgoing()
                    waiting += self.protocol.feed(b"")
                    self.answers += self.protocol.outgoing()


def heard(protocol: StreamProtocol, pieces: Iterable[bytes]) -> Listener:
    listener = Listener(protocol)
    listener.hear(pieces)
    return listener


def cut_at(wire: bytes, places: Iterable[int]) -> list[bytes]:
    edges = sorted({0, len(wire), *(place % (len(wire) + 1) for place in places)})
    return [wire[start:end] for start, end in pairwise(edges)]


def kept_back(events: Sequence[Event]) -> int:
    sizes = [
        len(event.raw if isinstance(event, Incomplete) else event.data)
        for event in events
        if not isinstance(event, Arrived | Asked)
    ]
    return sum(sizes)


@each
def test_a_clean_wire_gives_its_record(spoken: Spoken) -> None:
    assert len(heard(spoken.make(), spoken.utterances).records) == 1


@each
@given(places=some.lists(some.integers(0, 400)))
def test_chunking_is_invisible_to_a_sender_that_waits(spoken: Spoken, places: list[int]) -> None:
    pieces = [piece for said in spoken.utterances for piece in cut_at(said, places)]

    in_pieces, whole = heard(spoken.make(), pieces), heard(spoken.make(), spoken.utterances)

    assert (in_pieces.records, in_pieces.answers) == (whole.records, whole.answers)


@each
def test_one_write_gives_the_same_records_and_answers_as_byte_by_byte(spoken: Spoken) -> None:
    whole = heard(spoken.make(), [spoken.wire])
    bytewise = heard(spoken.make(), [spoken.wire[i : i + 1] for i in range(len(spoken.wire))])

    assert (whole.records, whole.answers) == (bytewise.records, bytewise.answers)


@each
@given(
    noise=some.lists(some.binary(max_size=40), max_size=4),
    places=some.lists(some.integers(0, 2000), max_size=40),
)
def test_chunking_is_invisible_in_noise(
    spoken: Spoken, noise: list[bytes], places: list[int]
) -> None:
    sent = spoken.wire.join([b"", *noise, b""])

    assert (
        heard(spoken.make(), cut_at(sent, places)).records == heard(spoken.make(), [sent]).records
    )


@each
@given(noise=some.binary(max_size=60).map(lambda said: bytes(32 + byte % 95 for byte in said)))
def test_noise_before_a_message_changes_nothing(spoken: Spoken, noise: bytes) -> None:
    clean = heard(spoken.make(), spoken.utterances)

    assert heard(spoken.make(), [noise + b"\r", *spoken.utterances]).records == clean.records


OPERATIONS = some.lists(
    some.one_of(
        some.binary(max_size=30),
        some.sampled_from([astm.ENQ, *astm.MESSAGE_FRAMES, *astm.MESSAGE_RECORDS, astm.EOT]),
        some.sampled_from(Settlement),
        some.sampled_from(["silence", "cut", "short of room", "room"]),
    ),
    max_size=30,
)


def do(protocol: StreamProtocol, operation: bytes | Settlement | str, held: list[Held]) -> None:
    events: Sequence[Event] = ()
    match operation:
        case bytes():
            events = protocol.feed(operation)
        case Settlement():
            if held:
                protocol.settle(held.pop(0), operation)
                events = protocol.feed(b"")
        case "silence":
            protocol.silence_limit()
            events = protocol.silence()
        case "cut":
            events = protocol.cut()
            held.clear()
        case _:
            protocol.accepting = operation == "room"
    held += [event.held for event in events if isinstance(event, Arrived | Asked)]
    protocol.outgoing()


@each
@given(operations=OPERATIONS)
def test_any_bytes_give_events_and_never_an_exception(
    spoken: Spoken, operations: list[bytes | Settlement | str]
) -> None:
    protocol, held = spoken.make(), list[Held]()

    for operation in operations:
        do(protocol, operation, held)


@each
@given(start=some.integers(0, 400), flood=some.sampled_from([b"A", b"\x02", b"R|1|", b"\x00"]))
def test_a_flood_is_not_held_back(spoken: Spoken, start: int, flood: bytes) -> None:
    protocol = spoken.make()
    heard(protocol, [spoken.wire[:start]])

    for _ in range(3):
        protocol.feed(flood * (LIMIT // len(flood)))

    assert kept_back(protocol.cut()) <= LIMIT


@each
def test_a_flood_while_a_record_is_held_is_not_held_back(spoken: Spoken) -> None:
    protocol = spoken.make()
    for piece in spoken.utterances:
        if any(isinstance(event, Arrived) for event in protocol.feed(piece)):
            break

    for _ in range(3):
        protocol.feed(b"A" * LIMIT)

    assert kept_back(protocol.cut()) <= LIMIT


@each
def test_what_is_not_held_cannot_be_settled(spoken: Spoken) -> None:
    with pytest.raises(KeyError):
        spoken.make().settle(Held(99), Settlement.STORED)


@each
def test_a_record_is_settled_once(spoken: Spoken) -> None:
    protocol = spoken.make()
    (arrived,) = (event for said in spoken.utterances for event in protocol.feed(said))
    assert isinstance(arrived, Arrived)
    protocol.settle(arrived.held, Settlement.STORED)

    with pytest.raises(KeyError):
        protocol.settle(arrived.held, Settlement.STORED)


@each
def test_what_was_cut_by_the_line_is_not_held_any_more(spoken: Spoken) -> None:
    protocol = spoken.make()
    (arrived,) = (event for said in spoken.utterances for event in protocol.feed(said))
    assert isinstance(arrived, Arrived)
    protocol.cut()

    with pytest.raises(KeyError):
        protocol.settle(arrived.held, Settlement.STORED)


@each
def test_after_a_cut_it_understands_again(spoken: Spoken) -> None:
    protocol = spoken.make()
    for start in range(0, len(spoken.wire), 7):
        heard(protocol, [spoken.wire[:start]])
        protocol.cut()

        assert len(heard(protocol, spoken.utterances).records) == 1


def seconds_to_hear(protocol: StreamProtocol, wire: bytes) -> float:
    begun = time.process_time()
    for place in range(len(wire)):
        protocol.feed(wire[place : place + 1])
        protocol.silence_limit()
    return time.process_time() - begun


@pytest.mark.parametrize(
    ("make", "opening"),
    [(AstmReceiver, astm.ENQ + astm.STX + b"1"), (BareAstm, b"H|\\^&\r")],
    ids=["astm", "astm-bare"],
)
def test_byte_by_byte_costs_no_more_for_the_last_byte_than_for_the_first(
    make: Callable[[], StreamProtocol], opening: bytes
) -> None:
    short, long = opening + b"A" * 16_000, opening + b"A" * 128_000

    ratio = min(seconds_to_hear(make(), long) for _ in range(2)) / min(
        seconds_to_hear(make(), short) for _ in range(3)
    )

    assert ratio < 24  # 8 times as long; 64 times as much work if every byte were seen again
