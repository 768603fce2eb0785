"""The conversation with a Dayuan "03 FF" instrument: only what is new is asked for.

::

    20  who are you?                         device, model, serial, its clock
    43  which records of today?              first and last number         (63 strips, 73 dry)
    45  record n                             …is it the one that we left off at?
    45  record n + 1                         a record
    42  the page that its item stands on     name, unit, method
        ── handed over; the next one is asked for only when this one is on disk ──
    43  of yesterday, and of one older day until `days_back` of them have been read

The days are those of its own clock. A list that has shrunk, or whose first or latest record is
not what it was, is read again from its beginning: its records are known by their own bytes, and
equal ones are counted. The command that clears its records (46) is not in this file.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from drivers.protocols.base import Answer, Answered, Arrived, Exchange, Garbled, Held, Unanswered
from drivers.protocols.dy03ff_frames import Frame, packed_day
from drivers.protocols.dy03ff_progress import Probe, Progress, digest_of
from drivers.protocols.dy03ff_questions import NoAnswer, Talk, answer_to
from drivers.protocols.dy03ff_records import (
    ITEMS_A_PAGE,
    Identity,
    List,
    identity_card,
    item_of,
    span_of,
)
from drivers.reading import Settlement

TEST, WHO = 0x20, b"DEVICE??"
PAGE_TRIES = 3
"""Conversations that may break off at a page of items before its records go without it."""
DAY = timedelta(days=1)


class Dy03ff:
    """Asks one instrument; remembers how far it got while the link lives."""

    def __init__(self, *, interval: float, days_back: int, today: Callable[[], date]) -> None:
        """`today` is asked only where the instrument does not say what its clock shows."""
        self.interval = interval
        self._days_back, self._today = days_back, today
        self._issued = 0
        self._talk: Talk[None] | None = None
        self._held: tuple[Held, Progress, Frame] | None = None
        self._forget(None)

    def ask(self) -> Exchange[Sequence[Answered]]:
        """Ask for the next record that is new; nothing while one is held."""
        if self._held is not None:
            return ()
        talk = self._talk = self._talk or self._converse()
        events: list[Answered] = []
        heard: Answer = None
        while True:
            try:
                said = talk.send(heard)
            except StopIteration:
                self._talk = None
                return events
            if isinstance(said, Arrived | Garbled | Unanswered):
                heard = None
                events.append(said)
                if isinstance(said, Arrived):
                    return events
            else:
                heard = yield said

    def settle(self, held: Held, settlement: Settlement) -> Exchange[None]:
        """Nothing is said: the next question is all that it waits for."""
        if self._held is None or self._held[0] != held:
            raise KeyError(held)
        _, progress, record = self._held
        self._held = None
        if settlement is Settlement.RETRY:
            self.cut()
        else:
            progress.take(record)
        return _silence()

    def cut(self) -> None:
        """The conversation is over, wherever it stood."""
        self._talk = self._held = None

    def _forget(self, identity: tuple[bytes, bytes] | None) -> None:
        """Somebody else is there: nothing that was read before counts."""
        self._who = identity
        self._serial: str | None = None
        self._conversations = 0
        self._progress: dict[tuple[List, date], Progress] = {}
        self._older: deque[int] = deque(range(2, self._days_back + 1))
        self._answering: set[List] = set()
        self._probes = {one: Probe() for one in List}
        self._pages: dict[tuple[List, int], bytes] = {}
        self._pageless: Counter[tuple[List, int]] = Counter()

    # -- the conversation --------------------------------------------------------------------

    def _converse(self) -> Talk[None]:
        try:
            yield from self._read_all()
        except NoAnswer as why:
            yield Unanswered(str(why))

    def _read_all(self) -> Talk[None]:
        who = yield from self._who_are_you()
        self._conversations += 1
        self._pages.clear()
        today = who.clock.date() if who.clock else self._today()
        ahead = () if who.clock else (today + DAY,)
        yield from self._read_days((today, *ahead, today - DAY))
        if self._older:
            day = today - self._older[0] * DAY
            yield from self._read_days((day,))
            self._older.popleft()
        lately = {today, *ahead, today - DAY}
        self._progress = {key: one for key, one in self._progress.items() if key[1] in lately}
        if not self._answering:
            raise NoAnswer("a list of records expected, silence found", is_silence=True)

    def _who_are_you(self) -> Talk[Identity]:
        answer = yield from answer_to(TEST, contents=WHO)
        who = identity_card(answer)
        if (who.model, who.serial) != self._who:
            self._forget((who.model, who.serial))
        self._serial = who.serial.decode("gbk", "replace") or None
        return who

    def _read_days(self, days: Sequence[date]) -> Talk[None]:
        for day in days:
            for kind in self._lists():
                yield from self._read_list(kind, day)

    def _lists(self) -> Iterator[List]:
        """Those that answer, and from time to time those that have not answered yet."""
        for kind in List:
            if kind in self._answering or self._conversations >= self._probes[kind].due:
                yield kind

    def _read_list(self, kind: List, day: date) -> Talk[None]:
        first, last = yield from self._span(kind, day)
        progress = self._progress.get((kind, day), Progress())
        if (first, last) == (0, 0) or last < first:
            self._progress.pop((kind, day), None)
            return
        if progress.taken and not (yield from self._is_as_it_was(kind, first, last, progress)):
            progress = Progress()
        self._progress[kind, day] = progress
        for number in range(first + progress.taken, last + 1):
            record = yield from self._record(kind, number, is_last=number == last)
            if record is None:
                return
            yield (yield from self._handed_over(kind, record, progress))

    def _is_as_it_was(self, kind: List, first: int, last: int, progress: Progress) -> Talk[bool]:
        """Whether a list has only grown since: its first and its latest record are the same."""
        if last - first + 1 < progress.taken:
            return False
        latest = first + progress.taken - 1
        for number, digest in {first: progress.head, latest: progress.latest}.items():
            record = yield from self._record(kind, number, is_last=number == last)
            if record is None or digest_of(record) != digest:
                return False
        return True

    def _handed_over(self, kind: List, record: Frame, progress: Progress) -> Talk[Arrived]:
        item = item_of(record)
        page = b"" if item is None else (yield from self._page(kind, item // ITEMS_A_PAGE))
        self._issued += 1
        held = Held(self._issued)
        self._held = held, progress, record
        return Arrived(page + record.wire, held, progress.occurrence(record), self._serial)

    # -- the questions -----------------------------------------------------------------------

    def _span(self, kind: List, day: date) -> Talk[tuple[int, int]]:
        """The numbers of a day's records; 0 and 0 for none, and for a list that is not there."""
        asked = b"".join(packed_day(day))
        try:
            answer = yield from answer_to(kind.span, contents=asked)
        except NoAnswer as why:
            if kind in self._answering or not why.is_silence:
                raise
            self._probes[kind].put_off(self._conversations)
            return 0, 0
        self._answering.add(kind)
        return span_of(answer)

    def _record(self, kind: List, number: int, *, is_last: bool) -> Talk[Frame | None]:
        """A record; None where the last one of a list is not there.

        Some instruments name the number after the last: what is silent or empty there is asked
        for again in the next conversation, and everything before it is not passed over.
        """
        try:
            record = yield from answer_to(kind.record, number)
        except NoAnswer as why:
            if is_last and why.is_silence:
                return None
            raise
        return None if is_last and not record.contents else record

    def _page(self, kind: List, number: int) -> Talk[bytes]:
        """The page of items as it stands now; empty where it cannot be had."""
        key = kind, number
        if key in self._pages:
            return self._pages[key]
        try:
            page = (yield from answer_to(kind.page, number << 8)).wire
        except NoAnswer:
            self._pageless[key] += 1
            if self._pageless[key] < PAGE_TRIES:
                raise
            page = b""
        self._pages[key] = page
        return page


def _silence() -> Exchange[None]:
    """Say nothing."""
    yield from ()
