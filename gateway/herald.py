"""Says what the gateway is and how far it is: `status`, on one broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version

from gateway.clock import Clock
from gateway.health import Health
from gateway.journal import Journal
from gateway.journal.reading import captured, not_understood, standing
from gateway.publisher import Publisher
from gateway.settings import StationSettings
from gateway.wire.mqtt import Pipe, PipeDown, Refused, TooLarge, Will
from gateway.wire.status import Captured, Presence, StationCard, Status

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between statuses when nothing changes."""
AT_MOST_EVERY = 1.0
"""Seconds between statuses when much changes."""


def card_of(settings: StationSettings) -> StationCard:
    """Who the station is."""
    station = settings.station
    return StationCard(
        name=station.name,
        time_zone=station.time_zone,
        day_starts=station.day_starts,
        lab=station.lab,
        area=station.area,
        office=station.office,
        organisation=station.organisation,
        demo=station.demo,
    )


def last_will(settings: StationSettings, boot: str) -> Will:
    """What the broker says when we are cut off: offline, of this boot, by nobody's clock."""
    station = settings.station
    status = Status(
        state=Presence.OFFLINE,
        region=station.region,
        station=station.id,
        gateway=settings.gateway.id,
        boot=boot,
        beat=0,
        at=None,
        epoch=0,
        head=0,
        chain=None,
        offered=0,
        version=version("kuaijian"),
        card=card_of(settings),
    )
    return Will(settings.topics().status(), status.to_bytes())


class Herald:
    """Publishes the status of the gateway and of each instrument, retained."""

    def __init__(
        self,
        settings: StationSettings,
        boot: str,
        pipe: Pipe,
        publisher: Publisher,
        journal: Journal,
        health: Health,
        now: Clock,
    ) -> None:
        self._settings, self._boot = settings, boot
        self._pipe, self._publisher, self._journal = pipe, publisher, journal
        self._health, self._now = health, now
        self._beat = 0
        self._changed = asyncio.Event()
        self._instruments: set[str] = set()
        self.alarms: Callable[[], tuple[str, ...]] = tuple
        pipe.on_up.append(self._say_all)
        publisher.on_progress.append(self._changed.set)
        journal.on_growth.append(self._changed.set)
        health.on_change.append(self._note)

    async def run(self) -> None:
        """Say it on every change, and every 30 s."""
        while True:
            try:
                async with asyncio.timeout(EVERY):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            if self._pipe.connected:
                await self._say()
            await asyncio.sleep(AT_MOST_EVERY)

    async def say_offline(self) -> None:
        """The goodbye of a gateway that stops on purpose."""
        if self._pipe.connected:
            await self._publish(await self._status(Presence.OFFLINE))

    async def status(self) -> Status:
        """The status as it would be said now."""
        return await self._status(Presence.ONLINE)

    def _note(self, instrument: str) -> None:
        self._instruments.add(instrument)
        self._changed.set()

    def _say_all(self) -> None:
        for condition in self._health.conditions():
            self._note(condition.instrument.id)
        self._changed.set()

    async def _say(self) -> None:
        waiting, self._instruments = self._instruments, set()
        try:
            await self._publish(await self._status(Presence.ONLINE))
            for instrument in sorted(waiting):
                topic = self._settings.topics().status(instrument)
                payload = self._health.of(instrument).wire().to_bytes()
                await self._pipe.publish(topic, payload, retain=True)
        except (PipeDown, Refused, TooLarge) as error:
            self._instruments |= waiting
            log.info("status not said: %s", error)

    async def _publish(self, status: Status) -> None:
        topic = self._settings.topics().status()
        await self._pipe.publish(topic, status.to_bytes(), retain=True)

    async def _status(self, state: Presence) -> Status:
        self._beat += 1
        now, day = self._now(), self._journal.desk.day
        today, yesterday = day.of(now), day.of(now - timedelta(days=1))
        where = await self._journal.read(standing)
        counts = await self._journal.read(lambda c: captured(c, [today, yesterday]))
        unread = await self._journal.read(not_understood)
        station = self._settings.station
        return Status(
            state=state,
            region=station.region,
            station=station.id,
            gateway=self._settings.gateway.id,
            boot=self._boot,
            beat=self._beat,
            at=now,
            epoch=where.epoch,
            head=where.seq,
            chain=where.chain,
            offered=self._publisher.offered,
            captured={
                instrument: Captured(today=days.get(today, 0), yesterday=days.get(yesterday, 0))
                for instrument, days in counts.items()
            },
            not_understood=sum(unread.values()),
            alarms=self.alarms(),
            version=version("kuaijian"),
            card=card_of(self._settings),
        )
