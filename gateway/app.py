"""Puts the gateway together and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from drivers import load_profiles
from gateway.broker import BrokerError, keep_broker
from gateway.checks import why_unusable
from gateway.clock import Clock, StationDay, wall_clock
from gateway.commands import Commands
from gateway.fold import Place
from gateway.health import Health
from gateway.herald import Herald, last_will
from gateway.journal import Desk, Journal, JournalError, StorageShort, opened
from gateway.journal.reading import unread
from gateway.judging import load_rules
from gateway.local import answering, socket_path
from gateway.publisher import Publisher
from gateway.redecode import instrument_of, redecode
from gateway.settings import StationSettings
from gateway.supervision import Cable, Fitted, Keeper
from gateway.wire.model import Json
from gateway.wire.mqtt import Broker, Inbound, Pipe, PipeDown, Refused, TooLarge
from gateway.wire.words import LinkState

log = logging.getLogger(__name__)

GOODBYE_WITHIN = 2.0
"""Seconds for the broker to hear that we stop on purpose."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """One broker and everything that speaks through it."""

    pipe: Pipe
    publisher: Publisher
    herald: Herald
    commands: Commands


async def run_gateway(settings: StationSettings) -> None:
    """Run until SIGTERM or SIGINT; raises JournalError or BrokerError."""
    now = wall_clock(settings.station.zone())
    async with opened(settings.journal.path(), desk_of(settings), now) as journal:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await Gateway(settings, journal, now).run_until(stop)


async def redecode_alone(settings: StationSettings, since: datetime) -> Json:
    """Redecode where no gateway runs: this process is the one writer meanwhile."""
    now = wall_clock(settings.station.zone())
    async with opened(settings.journal.path(), desk_of(settings), now) as journal:
        return (await redecode(journal, load_profiles(), since)).told()


def desk_of(settings: StationSettings) -> Desk:
    """What recording needs beside a delivery."""
    station = settings.station
    place = Place(
        region=station.region,
        station=station.id,
        gateway=settings.gateway.id,
        zone=station.zone(),
        demo=station.demo,
        rules=load_rules(),
    )
    return Desk(place, StationDay(station.zone(), station.day_offset()))


class Gateway:
    """All tasks of one gateway."""

    def __init__(self, settings: StationSettings, journal: Journal, now: Clock) -> None:
        self._settings, self._journal, self._now = settings, journal, now
        self._boot = secrets.token_hex(8)
        self._alarms: dict[str, str] = {}
        self._health = Health(now)
        brokers = [settings.mqtt.broker(), *(uplink.broker() for uplink in settings.uplink)]
        self._outlets = [self._outlet(broker) for broker in brokers]

    async def run_until(self, stop: asyncio.Event) -> None:
        """Run everything; what cannot go on without the journal ends it all."""
        keepers = self._keepers()
        local = socket_path(self._settings.journal.path())
        answers = {"status": self._describe, "redecode": self._redecode}
        home: asyncio.Task[None] | None = None
        try:
            async with answering(local, answers):
                home = await self._start_broker()
                async with asyncio.TaskGroup() as tasks:
                    running = [tasks.create_task(part) for part in self._parts(keepers)]
                    if home:
                        running.append(tasks.create_task(_until_broken(home)))
                    await stop.wait()
                    await self._say_goodbye()
                    for task in running:
                        task.cancel()
        except* JournalError as group:
            raise _first(group) from None
        except* BrokerError as group:
            raise _first(group) from None
        finally:
            if home:
                home.cancel()
                await asyncio.gather(home, return_exceptions=True)

    def _parts(self, keepers: list[Keeper]) -> list[Coroutine[Any, Any, None]]:
        parts = [keeper.run() for keeper in keepers]
        for outlet in self._outlets:
            parts += [outlet.pipe.run(), outlet.publisher.run(), outlet.herald.run()]
            parts.append(self._listen(outlet))
        return parts

    def _outlet(self, broker: Broker) -> Outlet:
        settings = self._settings
        name = f"kj-{settings.station.id}-{settings.gateway.id}"
        pipe = Pipe(broker, name, will=last_will(settings, self._boot))
        publisher = Publisher(
            pipe, self._journal, settings.topics(), settings.retention.needs, self._now
        )
        herald = Herald(
            settings, self._boot, pipe, publisher, self._journal, self._health, self._now
        )
        herald.alarms = partial(self._all_alarms, publisher)
        commands = Commands(settings, pipe, publisher, self._journal, self._now)
        return Outlet(pipe, publisher, herald, commands)

    def _all_alarms(self, publisher: Publisher) -> tuple[str, ...]:
        short = {"storage-short": self._journal.short} if self._journal.short else {}
        return tuple(sorted({**self._alarms, **publisher.alarms, **short}))

    async def _listen(self, outlet: Outlet) -> None:
        """Take receipts and commands one after the other, in the order they come."""
        topics = self._settings.topics()
        waiting: asyncio.Queue[tuple[Callable[[Inbound], Awaitable[object]], Inbound]]
        waiting = asyncio.Queue()
        takers = {"receipt": self._receipt(outlet), "command": outlet.commands.obey}

        def enqueue(take: Callable[[Inbound], Awaitable[object]], inbound: Inbound) -> None:
            waiting.put_nowait((take, inbound))

        for kind, take in takers.items():
            outlet.pipe.subscribe(f"{topics.root}/{kind}/+", partial(enqueue, take))
        while True:
            take, inbound = await waiting.get()
            try:
                await take(inbound)
            except StorageShort as error:
                log.warning("%s not taken: %s", inbound.topic, error)
            except (ValueError, ArithmeticError, LookupError, TypeError) as error:
                # Whatever a stranger may send costs that message its effect, and nothing else.
                log.exception("%s not understood: %s", inbound.topic, error)
            outlet.pipe.acknowledge(inbound)

    def _receipt(self, outlet: Outlet) -> Callable[[Inbound], Awaitable[object]]:
        async def take(inbound: Inbound) -> None:
            if await outlet.commands.receipt(inbound):
                self._alarms["journal-forked"] = "a receipt did not agree with this journal"
                log.error("journal-forked: %s", inbound.topic)

        return take

    def _keepers(self) -> list[Keeper]:
        profiles = load_profiles()
        keepers = []
        for link in self._settings.link:
            fitted = []
            for part in link.instruments:
                profile = profiles.get(part.profile)
                instrument = instrument_of(part, profile)
                self._health.enter(instrument, link.name)
                if why := why_unusable(link, part, profile):
                    self._health.turned(instrument.id, LinkState.FAULTED, why)
                elif profile is not None:
                    fitted.append(Fitted(instrument, profile, part.unit))
            if fitted:
                cable = Cable(link.name, link.url, tuple(fitted), link.is_bus)
                keepers.append(Keeper(cable, self._journal, self._health, self._now))
        return keepers

    async def _start_broker(self) -> asyncio.Task[None] | None:
        part = self._settings.broker
        if part is None:
            return None
        ready = asyncio.Event()
        state = self._settings.journal.path().with_name("broker")
        task = asyncio.create_task(keep_broker(*part.address(), state, ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
        return task

    async def _say_goodbye(self) -> None:
        for outlet in self._outlets:
            with contextlib.suppress(TimeoutError, PipeDown, Refused, TooLarge):
                async with asyncio.timeout(GOODBYE_WITHIN):
                    await outlet.herald.say_offline()

    async def _redecode(self, asked: Json) -> Json:
        since = datetime.fromisoformat(asked["since"])
        return (await redecode(self._journal, load_profiles(), since)).told()

    async def _describe(self, _asked: Json) -> Json:
        """What the gateway says of itself to `kj-gateway status`."""
        home = self._outlets[0]
        kept = await self._journal.read(unread)
        return {
            "running": True,
            "status": (await home.herald.status()).body(),
            "broker": {"url": home.pipe.broker.url, "connected": home.pipe.connected},
            "instruments": [one.wire().body() for one in self._health.conditions()],
            "not_understood": [
                {
                    "instrument": one.instrument,
                    "received_at": one.received_at,
                    "fault": one.fault,
                    "raw_sha256": one.raw_sha256,
                }
                for one in kept
            ],
        }


async def _until_broken(task: asyncio.Task[None]) -> None:
    await asyncio.shield(task)


def _first(group: BaseExceptionGroup[Any]) -> Exception:
    found = group.exceptions[0]
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, Exception)
    return found
