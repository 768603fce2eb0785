"""A gateway's own connection to a real broker, played by a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.wire.mqtt import Broker, Inbound, Pipe
from lab_api.ingest.sorting import Message


@dataclass
class Played:
    """What a gateway sends and hears."""

    pipe: Pipe
    heard: list[Inbound] = field(default_factory=list)

    async def send(self, *messages: Message, retain: bool = False) -> None:
        await asyncio.gather(
            *(self.pipe.publish(each.topic, each.payload, retain=retain) for each in messages)
        )

    def hear(self, topic_filter: str) -> None:
        def receive(inbound: Inbound) -> None:
            self.heard.append(inbound)
            self.pipe.acknowledge(inbound)

        self.pipe.subscribe(topic_filter, receive)

    def on(self, topic: str) -> list[Inbound]:
        """What was heard on a topic, in order."""
        return [inbound for inbound in self.heard if inbound.topic == topic]


async def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for what a test expects; TimeoutError when it does not come."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (what it waits for sets no event)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def played(url: str, *topic_filters: str) -> AsyncIterator[Played]:
    """A connected gateway that hears these topics."""
    gateway = Played(Pipe(Broker(url), "gw1"))
    for topic_filter in topic_filters:
        gateway.hear(topic_filter)
    task = asyncio.create_task(gateway.pipe.run())
    try:
        await until(lambda: gateway.pipe.connected)
        await asyncio.sleep(0.1)  # until the broker knows what it wants to hear
        yield gateway
    finally:
        task.cancel()
        await asyncio.wait([task])
