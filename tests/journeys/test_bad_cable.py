"""A simulated analyser on a bad cable with a slow, sometimes full journal: CUSTODY.md 9 and G1.

The analyser is written from the standard and has never seen the drivers. Virtual time: its 15 s
and our 12 s pass in milliseconds.
"""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta

import pytest

from drivers import Settlement, StreamSession, profile_named
from drivers.links import MemoryInstrument, memory_pair
from drivers.protocols.astm_link import AstmReceiver
from simulators.astm_analyser import AstmAnalyser
from simulators.astm_frames import Packing
from simulators.astm_messages import Maker, Measured, Message, Specimen, result_message
from simulators.kit.faults import BadLine, Faults
from tests.drivers import virtual_time

FSRA = profile_named("fsra-24")
BAD = Faults(corrupt=0.05, drop=0.03, noise=0.1, repeat=0.1, pause=0.1, split=True)
MORNING = datetime(2026, 11, 24, 6, 0)  # noqa: DTZ001 an instrument's clock knows no zone
MESSAGES = 12


class Cable:
    """The analyser's end of a cable in memory."""

    def __init__(self, instrument: MemoryInstrument) -> None:
        self._instrument = instrument

    async def read(self, seconds: float) -> bytes:
        return await self._instrument.listen(seconds)

    async def write(self, sent: bytes) -> None:
        self._instrument.say(sent)
        await asyncio.sleep(len(sent) / 960)


def messages() -> list[Message]:
    return [
        result_message(
            Maker(encoding="gbk"),
            Specimen(number=f"N-{number:04}", stall="A-013"),
            [
                Measured("OPC-INH", f"{number}.{place}", "%", MORNING + timedelta(minutes=number))
                for place in range(3)
            ],
            MORNING,
        )
        for number in range(MESSAGES)
    ]


class SlowJournal:
    """Stores after up to 20 s; now and then it is full and stores nothing."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.samples: set[str] = set()
        self.values: set[tuple[str | None, str | None]] = set()

    async def take_in(self, session: StreamSession) -> None:
        async for delivery in session.deliveries():
            await asyncio.sleep(self._random.choice([0.001, 0.01, 0.5, 5.0, 14.9, 20.0]))
            if self._random.random() < 0.1:
                await delivery.settle(Settlement.RETRY)
                continue
            self.samples |= {str(reading.sample) for reading in delivery.readings}
            self.values |= {(reading.sample, reading.value) for reading in delivery.readings}
            await delivery.settle(Settlement.STORED)


@pytest.mark.parametrize("repeats", [False, True], ids=["gives up", "repeats frames"])
@pytest.mark.parametrize("packing", Packing)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_acknowledged_was_stored_and_no_wrong_value_ever_appears(
    seed: int, packing: Packing, repeats: bool
) -> None:
    async def story() -> None:
        link, instrument = memory_pair()
        now = asyncio.get_running_loop().time
        session = StreamSession(link, AstmReceiver(), FSRA, now=now)
        journal = SlowJournal(seed)
        gateway = asyncio.ensure_future(journal.take_in(session))
        analyser = AstmAnalyser(
            BadLine(Cable(instrument), BAD, seed), packing=packing, repeats_after_silence=repeats
        )
        for message in messages():
            await analyser.deliver(message)
            assert message.name in journal.samples  # at the very moment it is acknowledged
        gateway.cancel()
        await session.close()

        truth = {(f"N-{n:04}", f"{n}.{place}") for n in range(MESSAGES) for place in range(3)}
        assert journal.values == truth

    virtual_time.run(story())
