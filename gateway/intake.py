"""The straight line: a delivery is stored, then released. Nothing else happens in between."""

from __future__ import annotations

import asyncio

from drivers import Settlement
from drivers.reading import Custody
from drivers.sessions import Session
from gateway.clock import Clock, is_synchronised
from gateway.fold import Instrument
from gateway.health import Health
from gateway.journal import Handed, Journal, Recorded, StorageShort

ROOM_EVERY = 1.0
"""Seconds between tries to store what is said only once, while storage is short."""


async def take_in(
    session: Session,
    instrument: Instrument,
    custody: Custody,
    journal: Journal,
    health: Health,
    now: Clock,
) -> None:
    """Store every delivery of a session, and release the instrument only once it is stored.

    A `JournalError` ends the process, and nobody is told that anything was stored.
    """
    async for delivery in session.deliveries():
        handed = Handed(delivery, instrument, custody, now(), is_synchronised())
        recorded = await _recorded(handed, session, journal)
        if recorded is None:
            await delivery.settle(Settlement.RETRY)
            continue
        session.accepting = True
        await delivery.settle(Settlement.STORED if recorded.understood else Settlement.REFUSED)
        health.delivered(instrument.id, recorded.understood)


async def _recorded(handed: Handed, session: Session, journal: Journal) -> Recorded | None:
    """Store it; None where there is no room and the instrument will say it again.

    What is said only once waits here for room, and what follows it waits on the link.
    """
    while True:
        try:
            return await journal.record(handed)
        except StorageShort:
            session.accepting = False
            if handed.custody is not Custody.SPOKEN_ONCE:
                return None
        await asyncio.sleep(ROOM_EVERY)
