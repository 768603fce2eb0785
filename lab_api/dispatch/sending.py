"""Sends commands: at once when they are kept, then again until a reply is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session

from gateway.wire.mqtt import Pipe, PipeDown, Refused, TooLarge
from gateway.wire.topics import GatewayTopics
from lab_api.store.commands import expire, note_sent, unanswered
from lab_api.store.store import Store
from lab_api.store.tables import StoredCommand
from lab_api.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

AGAIN = 10.0
"""Seconds between two sendings of one command."""


class Dispatch:
    """Keeps commands going out. A repeated command has its effect once, at the gateway."""

    def __init__(self, store: Store, pipe: Pipe, *, again: float = AGAIN) -> None:
        self._store, self._pipe, self._again = store, pipe, again
        self._lead = store.lead("dispatch")
        self._wake = asyncio.Event()
        self._all = False
        pipe.on_up.append(self._up)

    def hint(self) -> None:
        """A new command was kept."""
        self._wake.set()

    def _up(self) -> None:
        self._all = True
        self._wake.set()

    async def run(self) -> None:
        """Send what waits, on a hint, after each connect and every `again` seconds."""
        try:
            while True:
                try:
                    async with asyncio.timeout(self._again):
                        await self._wake.wait()
                except TimeoutError:
                    self._all = True
                self._wake.clear()
                if self._pipe.connected:
                    await self._round()
        finally:
            self._lead.leave()

    async def _round(self) -> None:
        again, self._all = self._all, False
        now = datetime.now(UTC)
        try:
            again = again and await self._store.leads(self._lead)
            if again:
                await self._store.write(lambda session: expire(session, now))
            waiting = await self._store.read(lambda session: _waiting(session, now))
            sent = await self._send([each for each in waiting if again or each.sent_at is None])
            if sent:
                await self._store.write(lambda session: note_sent(session, sent, now))
        except StoreTrouble as trouble:
            log.warning("no commands are sent: %s", trouble)

    async def _send(self, commands: Sequence[StoredCommand]) -> list[str]:
        done = await asyncio.gather(*(self._send_one(command) for command in commands))
        return [command.request for command, sent in zip(commands, done, strict=True) if sent]

    async def _send_one(self, command: StoredCommand) -> bool:
        gateway = GatewayTopics(command.region, command.station, command.gateway)
        topic = gateway.command(command.verb)
        try:
            await self._pipe.publish(topic, command.payload)
        except PipeDown:
            return False
        except (Refused, TooLarge) as refusal:
            log.error("%s: a broker that takes commands expected, %s found", topic, refusal)
            return False
        return True


def _waiting(session: Session, now: datetime) -> list[StoredCommand]:
    found = list(unanswered(session, now))
    session.expunge_all()
    return found
