"""Announces on MQTT what the store says was told: the notice table is the outbox (CUSTODY.md 12).

One replica announces. A notice is marked when the broker has taken it, and repeated until then;
the retained board follows at most once a second. No screen of ours depends on either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import select, tuple_, update
from sqlmodel import Session, col

from gateway.wire.board import Board
from gateway.wire.model import When
from gateway.wire.mqtt import Event, Pipe, PipeDown, Refused, TooLarge
from gateway.wire.topics import StationTopics
from lab_api.publication import day_of
from lab_api.store.boards import Glance, board_of
from lab_api.store.stations import card_of, published_stations
from lab_api.store.store import Store
from lab_api.store.tables import StoredNotice
from lab_api.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

LOOK = 2.0
AT_ONCE = 200
REFUSED_AGAIN = 30.0
BOARD_APART = 1.0
"""Seconds between two retained boards of one station."""


class Announcer:
    """Announces this lab's notices and boards."""

    def __init__(self, store: Store, pipe: Pipe, lab: str) -> None:
        self._store, self._pipe, self._lab = store, pipe, lab
        self._lead = store.lead("announce")
        self._wake = asyncio.Event()
        self._boards: dict[str, float] = {}
        """Station → the loop's time from which its board may be published again."""
        self._due: set[str] = set()
        self._days: dict[str, str] = {}
        self._passed_over: set[str] = set()
        self._try_refused_at = float("-inf")
        self.refused: dict[str, str] = {}
        """Topic → why the broker took nothing there; empty when all is well."""
        pipe.on_up.append(self._up)

    def hint(self, station: StationTopics) -> None:
        """Something changed on a station's board."""
        self._due.add(station.station)
        self._wake.set()

    def _up(self) -> None:
        self._days.clear()  # so that every board is due again
        self._wake.set()

    async def run(self) -> None:
        """Announce what is not announced, until cancelled."""
        try:
            while True:
                try:
                    async with asyncio.timeout(LOOK):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
                await self._round()
                if self._due:
                    asyncio.get_running_loop().call_later(BOARD_APART / 4, self._wake.set)
        finally:
            self._lead.leave()

    async def _round(self) -> None:
        if not self._pipe.connected:
            return
        try:
            if await self._store.leads(self._lead):
                await self._announce()
                await self._publish_boards()
            else:
                self._due.clear()
        except StoreTrouble as trouble:
            log.warning("nothing is announced: %s", trouble)
        except PipeDown:
            return  # again after the next connect

    async def _announce(self) -> None:
        """Publish unannounced notices, each station's in order.

        A station whose topic the broker refuses is passed over, and tried again now and then,
        so that it holds up no other.
        """
        clock = asyncio.get_running_loop().time()
        passed_over = self._passed_over if clock < self._try_refused_at else set()
        if not passed_over:
            self._passed_over = set()
            self._try_refused_at = clock + REFUSED_AGAIN
        waiting = await self._store.read(partial(_unannounced, passed_over=passed_over))
        taken = await asyncio.gather(*(self._announce_one(each) for each in waiting))
        done = [_key(each) for each, was_taken in zip(waiting, taken, strict=True) if was_taken]
        if done:
            await self._store.write(partial(_mark, keys=done, now=datetime.now(UTC)))
        if len(waiting) == AT_ONCE and done:
            self._wake.set()

    async def _announce_one(self, notice: StoredNotice) -> bool:
        station = StationTopics(notice.region, notice.station)
        event = Event(
            id=f"{notice.station}-{notice.n}",
            source=f"{station.root}/lab/{self._lab}",
            type="kuaijian.notice/1",
            time=notice.at.isoformat(),
            subject=notice.code,
        )
        taken = await self._publish(station.notice(), notice.payload, event=event)
        if not taken:
            self._passed_over.add(notice.station)
        return taken

    async def _publish_boards(self) -> None:
        """Publish, retained, the boards that changed, and each when its day begins."""
        now, clock = datetime.now(UTC), asyncio.get_running_loop().time()
        days = await self._store.read(partial(_days, lab=self._lab, now=now))
        self._due |= {station for station, day in days.items() if self._days.get(station) != day}
        ready = {each for each in self._due if self._boards.get(each, clock) <= clock}
        self._due -= ready
        for station in sorted(ready):
            self._boards[station] = clock + BOARD_APART
            glance = Glance(self._lab, self._store.feed, now)
            board = await self._store.read(partial(board_of, glance=glance, station_id=station))
            if board and await self._publish_board(board):
                self._days[station] = board.day

    async def _publish_board(self, board: Board) -> bool:
        station = StationTopics(board.region, board.station)
        return await self._publish(station.board(), board.to_bytes(), retain=True)

    async def _publish(
        self, topic: str, payload: bytes, *, retain: bool = False, event: Event | None = None
    ) -> bool:
        """Publish; False, and said once, where the broker does not take it."""
        try:
            await self._pipe.publish(topic, payload, retain=retain, event=event)
        except (Refused, TooLarge) as refusal:
            if topic not in self.refused:
                log.error("%s: a broker that takes it expected, %s found", topic, refusal)
            self.refused[topic] = str(refusal)
            return False
        self.refused.pop(topic, None)
        return True


def _unannounced(session: Session, passed_over: set[str]) -> Sequence[StoredNotice]:
    query = (
        select(StoredNotice)
        .where(
            col(StoredNotice.announced_at).is_(None),
            col(StoredNotice.station).not_in(passed_over),
        )
        .order_by(col(StoredNotice.region), col(StoredNotice.station), col(StoredNotice.n))
        .limit(AT_ONCE)
    )
    found = session.scalars(query).all()
    session.expunge_all()
    return found


def _key(notice: StoredNotice) -> tuple[str, str, int]:
    return notice.region, notice.station, notice.n


def _mark(session: Session, keys: Sequence[tuple[str, str, int]], now: When) -> None:
    place = tuple_(col(StoredNotice.region), col(StoredNotice.station), col(StoredNotice.n))
    session.execute(update(StoredNotice).where(place.in_(keys)).values(announced_at=now))


def _days(session: Session, lab: str, now: datetime) -> dict[str, str]:
    """The present day of every station that this lab publishes."""
    found = {}
    for station in published_stations(session, lab):
        if card := card_of(station):
            found[station.id] = day_of(now, card)
    return found
