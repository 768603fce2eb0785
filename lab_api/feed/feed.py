"""The feed of this process: what is new is read from the store and told to whoever watches.

Notices are read after the last one told, on a hint and every two seconds, never taken from a
message: so every replica tells all of them, in order, also while the broker is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from sqlmodel import Session

from gateway.wire.board import Board, Heartbeat
from gateway.wire.topics import StationTopics
from lab_api.feed.events import (
    BACKLOG,
    Event,
    Reader,
    encode,
    number_of,
    reset_event,
    retry_after,
)
from lab_api.store.boards import Glance, Told, board_of, head_of, heartbeat_of, notices_after
from lab_api.store.store import Store, feed_of
from lab_api.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

MOST_READERS = 5000
MOST_RESUMED = 500
"""Notices told again at a resume; beyond them the board is quicker."""
HEARTBEAT = 15.0
LOOK = 2.0
"""Seconds after which the store is read even without a hint: another replica may have written."""
BOARD_APART = 1.0
"""Seconds between two `board` events of one station."""


class Crowded(Exception):
    """As many readers as this process serves are already there."""


@dataclass(slots=True)
class _Channel:
    """One station that somebody watches."""

    station: StationTopics
    head: int
    """The newest notice told to its readers."""
    readers: set[Reader] = field(default_factory=set)
    changed: bool = False
    board_at: float = float("-inf")
    alive: Heartbeat | None = None
    """As last read; a crowd that connects at once shares it."""
    alive_at: float = float("-inf")


class Feed:
    """Tells every reader of a station what its public is told."""

    def __init__(
        self,
        store: Store,
        lab: str,
        *,
        heartbeat: float = HEARTBEAT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._lab, self._clock = store, lab, clock
        self._heartbeat = heartbeat
        self._channels: dict[str, _Channel] = {}
        self._wake = asyncio.Event()
        self.closing = False
        self.cut = 0
        """Readers that were cut because they did not read."""

    @property
    def readers(self) -> int:
        """How many screens are open."""
        return sum(len(channel.readers) for channel in self._channels.values())

    def hint(self, station: StationTopics) -> None:
        """Something changed on a station's board."""
        if channel := self._channels.get(station.station):
            channel.changed = True
            self._wake.set()

    def close(self) -> None:
        """Let every reader go, so that the server can stop."""
        self.closing = True
        for channel in self._channels.values():
            for reader in channel.readers:
                reader.gone.set()

    async def board(self, station: str) -> Board | None:
        """What a station's screen shows now; None where this lab does not publish it."""
        glance = self._glance()
        return await self._store.read(lambda session: board_of(session, glance, station))

    async def join(self, station: StationTopics) -> Reader:
        """Become a reader, before anything is read, so that no notice falls between.

        Raises Crowded and StoreTrouble.
        """
        if self.readers >= MOST_READERS:
            raise Crowded(f"at most {MOST_READERS} readers expected, one more found")
        head = await self._store.read(lambda session: head_of(session, station))
        channel = self._channels.setdefault(station.station, _Channel(station, head))
        reader = Reader(channel.head)
        if self.closing:
            reader.gone.set()
        channel.readers.add(reader)
        return reader

    async def events(
        self, station: StationTopics, reader: Reader, last_id: str | None
    ) -> AsyncIterator[bytes]:
        """What a reader is told: what it missed since `last_id`, then what happens."""
        channel = self._channels.get(station.station)
        if channel is None:
            return
        try:
            yield retry_after()
            if alive := await self._alive(channel):
                yield encode("heartbeat", alive.to_bytes())
            sent = reader.joined_at
            for event in await self._missed(channel, last_id) if last_id else ():
                sent = max(sent, event.n)
                yield event.encoded
            while True:
                event = await reader.next()
                if event.n == 0 or event.n > sent:
                    sent = event.n or sent
                    yield event.encoded
        except StoreTrouble as trouble:
            log.warning("%s: a reader must connect again: %s", station.station, trouble)

    def leave(self, station: StationTopics, reader: Reader) -> None:
        """Be no reader any more."""
        channel = self._channels.get(station.station)
        if channel is None:
            return
        channel.readers.discard(reader)
        if not channel.readers:
            del self._channels[station.station]

    async def _missed(self, channel: _Channel, last_id: str) -> Sequence[Event]:
        """What was told since an id; `reset` where that cannot be told."""
        station, feed = channel.station, self._store.feed
        n = number_of(last_id, feed)

        def read(session: Session) -> tuple[int, Sequence[Told]]:
            head = head_of(session, station)
            if n is None or not head - MOST_RESUMED <= n <= head:
                return head, ()
            return head, notices_after(session, station, n, MOST_RESUMED)

        head, told = await self._store.read(read)
        if n is None or not head - MOST_RESUMED <= n <= head:
            return [reset_event(feed, head)]
        return [self._event(each) for each in told]

    def _event(self, told: Told) -> Event:
        return Event(told.n, encode("notice", told.payload, f"{self._store.feed}.{told.n}"))

    def _glance(self) -> Glance:
        return Glance(self._lab, self._store.feed, self._clock())

    async def run(self) -> None:
        """Tell readers what is new, until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._follow(), name="feed")
            both.create_task(self._beat(), name="heartbeat")

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._look()
            except StoreTrouble as trouble:
                log.warning("nothing is told: %s", trouble)
            if any(channel.changed for channel in self._channels.values()):
                asyncio.get_running_loop().call_later(BOARD_APART / 4, self._wake.set)

    async def _look(self) -> None:
        """Read once what is new for every station that is watched."""
        if not self._channels:
            return
        feed = await self._store.read(feed_of)
        if feed != self._store.feed:
            self._store.feed = feed
            await self._reset_all()
        for channel in list(self._channels.values()):
            await self._tell_notices(channel)
            now = asyncio.get_running_loop().time()
            if channel.changed and now - channel.board_at >= BOARD_APART:
                await self._tell_board(channel, now)

    async def _reset_all(self) -> None:
        """The store was restored under us: what was told before is no more (CUSTODY.md 13)."""
        for channel in list(self._channels.values()):
            channel.head = await self._store.read(partial(head_of, station=channel.station))
            channel.alive_at = float("-inf")
            self._offer(channel, reset_event(self._store.feed, channel.head))

    async def _tell_notices(self, channel: _Channel) -> None:
        station, after, most = channel.station, channel.head, BACKLOG // 2
        read = await self._store.read(lambda session: notices_after(session, station, after, most))
        for told in read:
            self._offer(channel, self._event(told))
            channel.head = told.n
            channel.changed = True
        if len(read) == most:
            self._wake.set()

    async def _tell_board(self, channel: _Channel, now: float) -> None:
        channel.changed, channel.board_at = False, now
        channel.alive_at = float("-inf")
        if alive := await self._alive(channel):
            self._offer(channel, Event(0, encode("board", alive.to_bytes())))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            for channel in list(self._channels.values()):
                try:
                    alive = await self._alive(channel)
                except StoreTrouble as trouble:
                    # Saying nothing is right: the page shows how old its last proof is.
                    log.warning("%s: no heartbeat: %s", channel.station.station, trouble)
                    continue
                if alive:
                    self._offer(channel, Event(0, encode("heartbeat", alive.to_bytes())))

    async def _alive(self, channel: _Channel) -> Heartbeat | None:
        """The station's heartbeat, at most a second old."""
        now = asyncio.get_running_loop().time()
        if channel.alive is None or now - channel.alive_at > 1.0:
            glance, station = self._glance(), channel.station.station
            channel.alive = await self._store.read(
                lambda session: heartbeat_of(session, glance, station)
            )
            channel.alive_at = now
        return channel.alive

    def _offer(self, channel: _Channel, event: Event) -> None:
        for reader in list(channel.readers):
            if not reader.offer(event):
                self.cut += not self.closing
                channel.readers.discard(reader)
