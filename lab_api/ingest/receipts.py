"""Receipts: what this lab's database holds of each gateway, said to that gateway.

Retained, one topic per gateway, at most five a second; said again after every connect.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlmodel import Session

from gateway.wire.mqtt import Pipe, PipeDown, Refused, TooLarge
from gateway.wire.receipt import Receipt
from gateway.wire.topics import GatewayTopics
from lab_api.store.gateways import every_gateway, receipt_for
from lab_api.store.store import Store
from lab_api.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

APART = 0.2
"""Seconds between two receipts to one gateway."""


class Receipts:
    """Says receipts for gateways whose streams have moved."""

    def __init__(self, store: Store, pipe: Pipe, lab: str) -> None:
        self._store, self._pipe, self._lab = store, pipe, lab
        self._due: set[GatewayTopics] = set()
        self._everyone = False
        self._wake = asyncio.Event()
        self.refused: dict[str, str] = {}
        """Topic → why the broker took no receipt there; empty when all is well."""
        pipe.on_up.append(self._up)

    def due(self, gateways: Iterable[GatewayTopics]) -> None:
        """These gateways have something new to hear."""
        self._due |= set(gateways)
        self._wake.set()

    def _up(self) -> None:
        self._everyone = True
        self._wake.set()

    async def run(self) -> None:
        """Say what is due, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._pipe.connected:
                await self._say()
            await asyncio.sleep(APART)

    async def _say(self) -> None:
        due, self._due = self._due, set()
        everyone, self._everyone = self._everyone, False
        now = datetime.now(UTC)

        def read(session: Session) -> list[tuple[GatewayTopics, Receipt]]:
            gateways = due | set(every_gateway(session)) if everyone else due
            return [(each, receipt_for(session, self._lab, each, now)) for each in gateways]

        try:
            receipts = await self._store.read(read)
        except StoreTrouble as trouble:
            log.warning("no receipts: %s", trouble)
            self._due |= due
            self._everyone |= everyone
            self._wake.set()
            return
        await asyncio.gather(*(self._say_one(gateway, each) for gateway, each in receipts))

    async def _say_one(self, gateway: GatewayTopics, receipt: Receipt) -> None:
        topic = gateway.receipt(self._lab)
        try:
            await self._pipe.publish(topic, receipt.to_bytes(), retain=True)
        except PipeDown:
            return  # said again to everyone after the next connect
        except (Refused, TooLarge) as refusal:
            if topic not in self.refused:
                log.error("%s: a broker that takes receipts expected, %s found", topic, refusal)
            self.refused[topic] = str(refusal)
        else:
            self.refused.pop(topic, None)
