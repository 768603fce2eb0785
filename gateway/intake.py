"""The straight line: a delivery is stored, then released. Nothing else happens in between."""

from __future__ import annotations

from drivers import Settlement
from drivers.reading import Custody
from drivers.sessions import Session
from gateway.clock import Clock, is_synchronised
from gateway.fold import Instrument
from gateway.health import Health
from gateway.journal import Handed, Journal, StorageShort


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
        try:
            recorded = await journal.record(handed)
        except StorageShort:
            session.accepting = False
            await delivery.settle(Settlement.RETRY)
            continue
        session.accepting = True
        await delivery.settle(Settlement.STORED if recorded.understood else Settlement.REFUSED)
        health.delivered(instrument.id, recorded.understood)
