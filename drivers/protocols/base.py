"""What every protocol is: pure bytes (or registers) in, events and answers out.

A protocol has no clock, no socket and no file. It is fed, it yields events, it says what to
answer, and it holds the answer that releases the instrument until `settle`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
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


Event: TypeAlias = Arrived | Asked | Incomplete | Garbled


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


@dataclass(frozen=True, slots=True)
class Hear:
    """Wait for one frame, at most `seconds`."""

    framing: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Read:
    """Read `count` registers at wire address `address` with function `function`."""

    function: int
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Write:
    """Write registers at wire address `address`."""

    address: int
    values: tuple[int, ...]


Step: TypeAlias = Say | Hear | Read | Write
Answer: TypeAlias = bytes | tuple[int, ...] | None
"""What came of a step: a frame, registers, or None for nothing in time."""
Exchange: TypeAlias = Generator[Step, Answer, T]
"""A conversation: yields what to do, receives what came."""


class AskProtocol(Protocol):
    """We ask in bytes; yields Say and Hear."""

    interval: float

    def ask(self) -> Exchange[Sequence[Event]]:
        """Ask for what is new."""

    def settle(self, held: Held, settlement: Settlement) -> Exchange[None]:
        """Release what was stored, or end the conversation."""


class PollProtocol(Protocol):
    """We ask in registers; yields Read and Write."""

    interval: float

    def poll(self) -> Exchange[Sequence[Event]]:
        """Read until something new is there."""

    def settle(self, held: Held, settlement: Settlement) -> Exchange[None]:
        """Release what was stored, or write nothing."""
