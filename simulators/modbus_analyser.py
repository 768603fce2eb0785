"""A residue reader on Modbus: one page of registers, and a counter that says when to read it.

::

    0000-000F  identity, ASCII, two characters a register
    0010       0 ready  1 busy  2 lamp low  3 door open  4 new result  5 memory full
    0011       result sequence: the number of the newest result
    0012       how many channels there are
    0100+16·n  channel n, counted from 0:
               +0 its result's sequence  +1 status  +2 item  +3 flags  +4 value, float32
               +6 absorbance, float32  +8 time, six pairs of BCD digits  +B dilution ×10  +C T  +D C
    coil 0     on: the page stands still while it is read; off: it goes on
    coil 1     on: the host has all up to the sequence it sees; goes off by itself

The page is rewritten a register at a time, which takes its time; whoever reads meanwhile reads
half of one result and half of another. A channel keeps one result, its newest.

Source: the map at the end of the domain reference's section 2.3. It names +1 and +3 and does not
say what they hold; `Status` and `Mark` are what this reader puts there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, IntFlag

from simulators.modbus_registers import Refusal, Refused

IDENTITY, IDENTITY_LENGTH = 0x0000, 16
STATE, SEQUENCE, CHANNELS = 0x0010, 0x0011, 0x0012
FIRST_CHANNEL, CHANNEL_LENGTH = 0x0100, 16
LATCH, ACKNOWLEDGE = 0, 1
_COILS = (LATCH, ACKNOWLEDGE)


class State(IntFlag):
    """Bits of register 0010."""

    READY = 1
    BUSY = 2
    LAMP_LOW = 4
    DOOR_OPEN = 8
    NEW_RESULT = 16
    MEMORY_FULL = 32


class Status(IntEnum):
    """What a channel holds."""

    EMPTY = 0
    RUNNING = 1
    DONE = 2
    INVALID = 3


class Mark(IntFlag):
    """Flags of a result."""

    NONE = 0
    SUSPICIOUS = 1
    OVERFLOW = 2
    CONTROL = 4


class Count(IntEnum):
    """What comes after sequence 65535."""

    FROM_ZERO = 0
    FROM_ONE = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """One channel's result, as the reader has it."""

    channel: int
    """From 1; channel 1 is the first on the page."""
    item: int
    value: float
    at: datetime
    """On the reader's clock."""
    absorbance: float = 0.0
    dilution: Decimal = Decimal(1)
    strip_t: int = 0
    strip_c: int = 0
    status: Status = Status.DONE
    marks: Mark = Mark.NONE


@dataclass(frozen=True, slots=True)
class Slowness:
    """What takes how long, in seconds."""

    page: float = 0.0
    """From the first register of a result to its last."""
    obeying: float = 0.0
    """From a write to its effect."""


class ResidueReader:
    """The registers of one reader. Time comes in as `clock`, in seconds that only rise."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        identity: str = "RR-8 SN24R0001 V1.0",
        channels: int = 8,
        slowness: Slowness = Slowness(),
        counter_first: bool = True,
        after_last: Count = Count.FROM_ONE,
        count: int = 0,
    ) -> None:
        """`counter_first` raises the sequence before the result is written, else after it.

        `count` is how many results there have been before.
        """
        self._clock = clock
        self.identity = identity
        self.channels = channels
        self.slowness = slowness
        self._counter_first = counter_first
        self._after_last = after_last
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._written_until = 0.0
        self._latched: dict[int, int] | None = None
        self._pending_acknowledgement = False
        self.state = State.READY
        self.count = count
        self._shown_count = count
        self.acknowledged = count
        """Up to which result, counted without wrapping, the host has told us it has them."""
        self.lost: list[int] = []
        """Results that were overwritten before the host had them, counted likewise."""
        self.on_acknowledged: Callable[[int], None] = lambda _: None
        self._page = self._empty_page()
        self._whole_page = dict(self._page)

    def put(self, measured: Measured) -> int:
        """Write a result over the last one of its channel; return its number, without wrapping."""
        self._catch_up()
        self.count += 1
        count, block = self.count, self._block(measured)
        self._newest[measured.channel] = count
        counter = [(SEQUENCE, self.sequence(count))]
        block_words = [(self._base(measured.channel) + at, word) for at, word in enumerate(block)]
        words = counter + block_words if self._counter_first else block_words + counter
        begins = max(self._clock(), self._written_until)
        step = self.slowness.page / (len(words) - 1)
        for place, (address, word) in enumerate(words):
            self._later(begins + place * step, self._set(address, word, count))
        self._written_until = begins + self.slowness.page
        self._later(self._written_until, self._finish)
        return count

    def lose_power(self) -> None:
        """Start again as after a power cut: the counter at 0, the page empty."""
        self._due.clear()
        self.count = self._shown_count = self.acknowledged = 0
        self._written_until, self._latched, self._pending_acknowledgement = 0.0, None, False
        self._page = self._empty_page()
        self._whole_page = dict(self._page)
        self._look()

    def sequence(self, count: int) -> int:
        """Return how the page shows a number: sixteen bits, wrapped.

        >>> ResidueReader(lambda: 0.0).sequence(65536)
        1
        """
        if self._after_last is Count.FROM_ZERO:
            return count % 0x10000
        return (count - 1) % 0xFFFF + 1 if count else 0

    def free(self, channel: int) -> bool:
        """Whether the host has what a channel holds, so that nothing is lost by testing there."""
        self._catch_up()
        return self._newest.get(channel, 0) <= self.acknowledged

    def read_registers(self, address: int, count: int) -> Sequence[int]:
        self._catch_up()
        page = self._latched if self._latched is not None else self._page
        # What the reader is doing does not stand still with its page.
        page = {**page, STATE: int(self.state)}
        wanted = range(address, address + count)
        if any(at not in page for at in wanted):
            raise Refused(Refusal.ADDRESS)
        return [page[at] for at in wanted]

    def read_coils(self, address: int, count: int) -> Sequence[bool]:
        self._catch_up()
        coils = {LATCH: self._latched is not None, ACKNOWLEDGE: self._pending_acknowledgement}
        wanted = range(address, address + count)
        if any(at not in coils for at in wanted):
            raise Refused(Refusal.ADDRESS)
        return [coils[at] for at in wanted]

    def write_registers(self, address: int, values: Sequence[int]) -> None:
        raise Refused(Refusal.ADDRESS)

    def write_coils(self, address: int, values: Sequence[bool]) -> None:
        self._catch_up()
        if any(at not in _COILS for at in range(address, address + len(values))):
            raise Refused(Refusal.ADDRESS)
        for at, value in enumerate(values, start=address):
            if at == LATCH:
                self._latched = dict(self._whole_page) if value else None
            elif value:
                self._pending_acknowledgement = True
                self._later(self._clock() + self.slowness.obeying, self._acknowledge)
        self._catch_up()

    def _acknowledge(self) -> None:
        """Believe that the host has all up to the sequence it can see."""
        self._pending_acknowledgement = False
        seen = (self._latched or self._page)[SEQUENCE]
        behind = next(n for n in range(0x10000) if self.sequence(self._shown_count - n) == seen)
        count = self._shown_count - behind
        if count > self.acknowledged:
            self.acknowledged = count
            self._look()
            self.on_acknowledged(count)

    def _set(self, address: int, word: int, count: int) -> Callable[[], None]:
        def write() -> None:
            if address == SEQUENCE:
                self._shown_count = count
                self._look()
            if self._is_first_of_block(address):
                self._overwrite(address)
                self._held[address] = count
            self._page[address] = word

        return write

    def _overwrite(self, base: int) -> None:
        old = self._held.get(base, 0)
        if old > self.acknowledged:
            self.lost.append(old)

    def _finish(self) -> None:
        self._look()
        self._whole_page = dict(self._page)

    def _look(self) -> None:
        """Show in the state whether something waits for the host."""
        waits = sum(count > self.acknowledged for count in self._held.values())
        self.state &= ~(State.NEW_RESULT | State.MEMORY_FULL)
        if self._shown_count > self.acknowledged:
            self.state |= State.NEW_RESULT
        if waits >= self.channels:
            self.state |= State.MEMORY_FULL

    def _later(self, due: float, effect: Callable[[], None]) -> None:
        self._due.append((due, effect))
        # Stable: what is due at the same moment happens in the order it was asked for.
        self._due.sort(key=lambda one: one[0])

    def _catch_up(self) -> None:
        """Do what is due by now."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            self._due.pop(0)[1]()

    def _empty_page(self) -> dict[int, int]:
        self._held: dict[int, int] = {}  # by the block's first address, once it is written
        self._newest: dict[int, int] = {}  # by channel, as soon as it is tested
        name = self.identity.encode("ascii").ljust(2 * IDENTITY_LENGTH, b"\0")
        words = struct.unpack(f">{IDENTITY_LENGTH}H", name[: 2 * IDENTITY_LENGTH])
        page = dict(enumerate(words, start=IDENTITY))
        page |= {SEQUENCE: self.sequence(self.count), CHANNELS: self.channels}
        last = FIRST_CHANNEL + self.channels * CHANNEL_LENGTH
        return page | dict.fromkeys(range(FIRST_CHANNEL, last), 0)

    def _block(self, measured: Measured) -> Iterator[int]:
        yield self.sequence(self.count)
        yield measured.status
        yield measured.item
        yield measured.marks
        yield from _float32(measured.value)
        yield from _float32(measured.absorbance)
        yield from struct.unpack(">3H", bytes.fromhex(f"{measured.at:%y%m%d%H%M%S}"))
        yield int(measured.dilution * 10)
        yield measured.strip_t
        yield measured.strip_c

    def _base(self, channel: int) -> int:
        if not 1 <= channel <= self.channels:
            raise ValueError(f"a channel from 1 to {self.channels} expected, {channel} found")
        return FIRST_CHANNEL + (channel - 1) * CHANNEL_LENGTH

    @staticmethod
    def _is_first_of_block(address: int) -> bool:
        return address >= FIRST_CHANNEL and (address - FIRST_CHANNEL) % CHANNEL_LENGTH == 0


def _float32(number: float) -> tuple[int, int]:
    high, low = struct.unpack(">2H", struct.pack(">f", number))
    return high, low
