"""What every protocol is: pure bytes (or registers) in, events and answers out.

A protocol has no clock, no socket and no file. It is fed, it yields events, it says what to
answer, and it holds the answer that releases the instrument until `settle`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from drivers.reading import Settlement

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """Names one answer that a protocol holds back until it is settled."""

    number: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A complete record; the instrument waits until `held` is settled."""

    record: bytes
    held: Held
    occurrence: int | None = None
    """Which of the equal records of its list it is, from 0; None where it comes from no list."""
    device_serial: str | None = None
    """The instrument's own serial number, where it was said beside the record."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The instrument asks the host for work; answered through `StreamProtocol.answer`."""

    query: bytes
    held: Held


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A message that was cut before its end: its bytes are kept, it yields no result."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Garbled:
    """Bytes that are no part of the protocol; kept and counted."""

    data: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question of ours that was not answered, or not so that it can be used."""

    reason: str


Event: TypeAlias = Arrived | Asked | Incomplete | Garbled
Answered: TypeAlias = Arrived | Garbled | Unanswered
"""What may come of asking."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Records that the instrument made and wrote over before they could be read.

    Belongs to the `Arrived` that follows it: both are stored, or neither.
    """

    count: int


@dataclass(frozen=True, slots=True)
class Stranger:
    """Another instrument answers than the one that was meant: nothing it says is believed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsteady:
    """A record that never held still while it was read; it is tried again later."""

    reason: str


PollEvent: TypeAlias = Arrived | Missed | Stranger | Unsteady


class StreamProtocol(Protocol):
    """It speaks: ASTM, HL7, lines, blocks, tickets, balances."""

    limit: int
    """Bytes held back at most."""
    accepting: bool
    """False while storage is short: a bid is answered NAK."""

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take received bytes; return the events they complete, in order. Never raises."""

    def answer(self, held: Held, records: Sequence[bytes]) -> None:
        """Answer a host query in a session of our own; no records means no work."""

    def settle(self, held: Held, settlement: Settlement) -> None:
        """Say what became of a held record; raises KeyError for one that is not held."""

    def outgoing(self) -> bytes:
        """Return and forget the bytes waiting to be sent."""

    def silence_limit(self) -> float | None:
        """Seconds of silence after which `silence` is due; None for ever."""

    def silence(self) -> Sequence[Event]:
        """The limit has passed without a byte; return what was given up."""

    def cut(self) -> Sequence[Event]:
        """The line is gone: return what was unfinished, forget what is held, begin anew."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send these bytes."""

    data: bytes


Framing: TypeAlias = Callable[[bytes], int | None]
"""Where the first whole frame in what was heard ends; None while there is none."""


@dataclass(frozen=True, slots=True)
class Hear:
    """Wait for one frame, at most `seconds`.

    The answer is all that was heard up to the end of the first whole frame; what there was, where
    no frame was whole in time; None where nothing was heard at all.
    """

    framing: Framing
    seconds: float


@dataclass(frozen=True, slots=True)
class Read:
    """Read `count` registers at wire address `address` with function `function`."""

    function: int
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Write:
    """Write registers at wire address `address`, or a coil (function 5; 0 is off)."""

    address: int
    values: tuple[int, ...]
    function: int = 0x10


@dataclass(frozen=True, slots=True)
class Wait:
    """Let so many seconds pass, and the line be used by others meanwhile."""

    seconds: float


Step: TypeAlias = Say | Hear | Read | Write | Wait
Answer: TypeAlias = bytes | tuple[int, ...] | None
"""What came of a step: a frame, registers (none for what was written), or None for nothing in
time and for what was refused."""
Exchange: TypeAlias = Generator[Step, Answer, T]
"""A conversation: yields what to do, receives what came."""


class AskProtocol(Protocol):
    """We ask in bytes; yields Say and Hear.

    A conversation is `ask` after `ask`, until one brings no record: each record is settled before
    the next is asked for.
    """

    interval: float
    """Seconds between two conversations."""

    def ask(self) -> Exchange[Sequence[Answered]]:
        """Ask for the next record that is new; begins a conversation where none is going on.

        What is returned ends with a record, or holds none: then the conversation is over.
        """

    def settle(self, held: Held, settlement: Settlement) -> Exchange[None]:
        """Release what was stored; RETRY ends the conversation.

        Raises KeyError for what is not held.
        """

    def cut(self) -> None:
        """The line is gone, or somebody else is there: begin anew, forget what is held."""


class PollProtocol(Protocol):
    """We ask in registers; yields Read, Write and Wait."""

    interval: float

    def poll(self) -> Exchange[Sequence[PollEvent]]:
        """Read until something new is there."""

    def settle(self, held: Held, settlement: Settlement) -> Exchange[None]:
        """Release what was stored, or write nothing."""
