"""Records behind a counter, in registers that change while they are read (CUSTODY.md 19).

An instrument writes a record and counts; nothing in Modbus holds the two together. So a record
is believed when the counter was the same before and after it, twice, with the time between that
the instrument may need for writing::

    counter ── record ── counter      wait      counter ── record ── counter
        └────── equal ──────┘                       └────── equal ──────┘
        └───────────────────────── equal ───────────────────────────────┘

Once it is on disk the instrument is told, where its map allows it. Where nothing counts, a
record's own time tells a new one; where there is no time either, only a declared event does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drivers.protocols.base import (
    Arrived,
    Exchange,
    Held,
    Missed,
    PollEvent,
    Read,
    Stranger,
    Unsteady,
    Wait,
    Write,
)
from drivers.protocols.register_blocks import Block, Span
from drivers.protocols.register_map import RegisterMap
from drivers.protocols.register_page import (
    Head,
    Snapshot,
    has_turned,
    head_of,
    head_spans,
    missed,
    page_spans,
    recalled,
    record_of,
    snapshot_of,
    stamps,
)
from drivers.protocols.registers import as_text
from drivers.reading import Settlement

TURNS = 8
"""How often a record is read before it is given up for this time."""
WRITE_COIL, WRITE_REGISTERS = 0x05, 0x10


class RegisterPoll:
    """Asks one unit for what is new, and releases it once it is stored."""

    def __init__(self, registers: RegisterMap, last: bytes | None = None) -> None:
        """`last` is the record that was stored last, so that what was missed since is known."""
        self.interval = registers.interval
        self._map = registers
        self._seen = recalled(registers, last) if last else None
        self._held: dict[Held, Snapshot] = {}
        self._issued = 0
        self._is_met = False
        self._who: tuple[Block, ...] = ()
        self._was_marked: bool | None = None
        self._has_fallen = True
        """The event's mark was gone since the last record was stored."""
        self._release_is_unsure = False
        # Whoever asked before us may have left the page standing still.
        self._must_let_go = registers.latch is not None

    # -- asking ------------------------------------------------------------------------------

    def poll(self) -> Exchange[Sequence[PollEvent]]:
        """Read until something new is there; no answer ends it for this time."""
        self._held.clear()
        if not self._is_met and (stranger := (yield from self._meet())):
            return [stranger]
        if self._is_met and self._must_let_go:
            yield from self._let_go()
        head = (yield from self._look()) if self._is_met else None
        if head is None:
            self._is_met = False
            return []
        if not self._is_worth_reading(head):
            return []
        taken = yield from self._steady(head)
        if not isinstance(taken, Snapshot):
            self._was_marked = False  # an event whose record could not be read is not over
        if taken is None:
            self._is_met, self._must_let_go = False, self._map.latch is not None
            return []
        events = [taken] if isinstance(taken, Unsteady) else (yield from self._found(taken))
        if not self._held:
            yield from self._let_go()
        return events

    def settle(self, held: Held, settlement: Settlement) -> Exchange[None]:
        """Release what was stored, or write nothing. Raises KeyError for what is not held."""
        taken = self._held.pop(held)
        if settlement is Settlement.RETRY:
            self._was_marked = False
            return _nothing()
        self._seen, self._has_fallen = taken, False
        return self._release(taken.counter)

    def _found(self, taken: Snapshot) -> Exchange[Sequence[PollEvent]]:
        if self._release_is_unsure and (yield from self._is_released_again(taken)):
            return []
        return self._handed_over(taken)

    def _handed_over(self, taken: Snapshot) -> Sequence[PollEvent]:
        """What is new, until it is settled; what is not is remembered as it stands now."""
        count = missed(self._map, self._seen, taken)
        if self._is_seen(taken) or not (taken.page or count):
            self._seen = taken
            return []
        self._issued += 1
        held = Held(self._issued)
        self._held[held] = taken
        arrived = Arrived(record_of(self._map, taken, self._seen), held)
        return [Missed(count), arrived] if count else [arrived]

    def _is_worth_reading(self, head: Head) -> bool:
        """Whether there may be something new, as far as the head tells."""
        if self._map.counter is not None:
            seen = self._seen.counter if self._seen else 0
            return head.counter != seen or self._release_is_unsure
        if self._map.event is None:
            return True
        was_marked, self._was_marked = self._was_marked, head.is_marked
        self._has_fallen |= not head.is_marked
        # Where marks are taken away by our release, one that is there has not been released.
        if self._map.release is not None:
            return head.is_marked
        return head.is_marked and was_marked is False

    def _is_seen(self, taken: Snapshot) -> bool:
        """Whether these records are those that were stored last."""
        seen, counter = self._seen, self._map.counter
        if seen is None:
            return False
        if self._map.record.stamp and counter is None:
            return stamps(self._map, taken.page) <= stamps(self._map, seen.page)
        if counter is None or taken.counter is None or seen.counter is None:
            # An instrument may need a while to take its mark away once it is released.
            return not self._has_fallen and taken.page == seen.page
        # After a reset the same record may be shown under another number.
        is_lower = taken.counter < seen.counter
        is_reset = is_lower and not has_turned(counter, seen.counter, taken.counter)
        return taken == seen or (is_reset and taken.page == seen.page)

    # -- reading -----------------------------------------------------------------------------

    def _meet(self) -> Exchange[Stranger | None]:
        """Who answers there? Nothing is believed of an instrument that is not the one meant."""
        expected = self._map.identify
        spans = [self._map.span(expected)] if expected else []
        blocks = yield from self._all_of(spans)
        if blocks is None:
            return None
        if expected is not None:
            order = expected.order or self._map.order
            name = as_text(blocks[0].registers, expected.encoding, order) or ""
            if expected.begins and not name.startswith(expected.begins):
                known = " or ".join(map(repr, expected.begins))
                return Stranger(f"{known} expected, {name!r} found")
        if self._seen is not None and not set(blocks) <= set(self._seen.beside):
            self._seen = None  # another instrument counts for itself
        self._who, self._is_met = blocks, True
        return None

    def _look(self) -> Exchange[Head | None]:
        blocks = yield from self._all_of(head_spans(self._map))
        return None if blocks is None else head_of(self._map, (*self._who, *blocks))

    def _steady(self, head: Head) -> Exchange[Snapshot | Unsteady | None]:
        """Records that were the same twice; None where the unit fell silent."""
        if self._map.latch is not None:
            # Latched or not, what is read is believed only if it holds still.
            yield Write(self._map.latch.at.number, (1,), WRITE_COIL)
        before: Snapshot | None = None
        for turn in range(TURNS):
            if turn:
                yield Wait(self._map.write_time)
            if turn or self._map.latch is not None:
                looked = yield from self._look()
                if looked is None:
                    return None
                head = looked
            taken = yield from self._between(head)
            if taken is None:
                return None
            if isinstance(taken, Snapshot):
                if self._map.read == "once" or taken == before or self._is_seen(taken):
                    return taken
                before = taken
            else:
                before = None
        return Unsteady(f"a record that holds still expected, {TURNS} different ones found")

    def _between(self, head: Head) -> Exchange[Snapshot | Unsteady | None]:
        """The records, if the counter stayed as it was while they were read."""
        blocks = yield from self._all_of(page_spans(self._map, head.count))
        after = (yield from self._look()) if blocks is not None else None
        if blocks is None or after is None:
            return None
        if (after.counter, after.count) != (head.counter, head.count):
            return Unsteady(f"counter {head.counter} expected, {after.counter} found")
        return snapshot_of(self._map, head, blocks)

    def _all_of(self, spans: Iterable[Span]) -> Exchange[tuple[Block, ...] | None]:
        """Read them all; None as soon as one is not answered."""
        blocks = []
        for span in spans:
            answer = yield Read(span.function, span.address, span.count)
            if not isinstance(answer, tuple) or len(answer) != span.count:
                return None
            blocks.append(Block(span.function, span.address, answer))
        return tuple(blocks)

    # -- releasing ---------------------------------------------------------------------------

    def _release(self, counter: int | None) -> Exchange[None]:
        release = self._map.release
        if release is None:
            return
        if release.by == "coil":
            answer = yield Write(release.at.number, (1,), WRITE_COIL)
        else:
            assert self._map.counter is not None
            assert counter is not None
            width = self._map.counter.type.registers
            words = counter.to_bytes(2 * width, "big")
            values = tuple(
                int.from_bytes(words[at : at + 2], "big") for at in range(0, len(words), 2)
            )
            answer = yield Write(release.at.number, values, WRITE_REGISTERS)
        self._release_is_unsure = answer is None
        if answer is not None:
            yield from self._let_go()

    def _is_released_again(self, taken: Snapshot) -> Exchange[bool]:
        """After a release without an answer: only what is still there unreleased is released.

        False where something new has come meanwhile.
        """
        self._release_is_unsure = False
        if taken != self._seen:
            return False
        if taken.is_pending:
            yield from self._release(taken.counter)
        return True

    def _let_go(self) -> Exchange[None]:
        """Let the page go on, which a latch held still."""
        if self._map.latch is not None:
            answer = yield Write(self._map.latch.at.number, (0,), WRITE_COIL)
            self._must_let_go = answer is None


def _nothing() -> Exchange[None]:
    """A conversation in which nothing is said."""
    return
    yield  # what makes it a conversation
