"""The stream as a whole: made, believed, and numbered again (CUSTODY.md 1)."""

from __future__ import annotations

import json
import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.fold import Place
from gateway.journal.engine import JournalError
from gateway.journal.reading import chain_at
from gateway.journal.tables import ENTRY, HEAD, RECEIPT
from gateway.wire.model import canonical
from gateway.wire.receipt import Receipt
from gateway.wire.stream import Link, chain_after, first_link

EPOCH_BITS = 53
"""An epoch survives a reader whose numbers are IEEE doubles."""


def new_epoch() -> int:
    """A random epoch, never 0."""
    return secrets.randbits(EPOCH_BITS) or 1


def begin(connection: Connection, place: Place, now: datetime) -> datetime:
    """Make the stream's head, or refuse a journal that belongs to another station.

    Returns when the journal was made.
    """
    row = connection.execute(select(HEAD.c.region, HEAD.c.station, HEAD.c.gateway)).one_or_none()
    ours = (place.region, place.station, place.gateway)
    if row is None:
        epoch = new_epoch()
        connection.execute(
            insert(HEAD).values(
                id=1,
                region=place.region,
                station=place.station,
                gateway=place.gateway,
                epoch=epoch,
                seq=0,
                chain=first_link(epoch),
                made_at=now.isoformat(),
            )
        )
    elif tuple(row) != ours:
        raise JournalError(
            f"the journal of {'/'.join(ours)} expected, that of {'/'.join(row)} found"
        )
    made_at = connection.execute(select(HEAD.c.made_at)).scalar_one()
    return datetime.fromisoformat(made_at)


def touch(connection: Connection) -> None:
    """Write the head as it stands."""
    connection.execute(update(HEAD).values(seq=HEAD.c.seq))


def believe(connection: Connection, receipt: Receipt, now: datetime) -> bool:
    """Take a lab's receipt; True when it shows that the stream was forked.

    A receipt is believed only where this journal has its chain at its seq; an epoch that is
    not ours says nothing about us.
    """
    epoch = connection.execute(select(HEAD.c.epoch)).scalar_one()
    held = receipt.epochs.get(str(epoch))
    if held is None:
        return False
    expected = chain_at(connection, epoch, held.through)
    if held.fork or expected is None or (held.through and expected != held.chain):
        return True
    confirmed = {
        "lab": receipt.lab,
        "epoch": epoch,
        "through": held.through,
        "chain": held.chain,
        "at": now.isoformat(),
    }
    connection.execute(
        upsert(RECEIPT)
        .values(confirmed)
        .on_conflict_do_update(index_elements=["lab"], set_=confirmed)
    )
    return False


def number_again(connection: Connection, now: datetime) -> int:
    """Draw a new epoch and number everything still held from 1; returns the epoch.

    Bodies stay as they are; each entry says in `was` which number it had.
    """
    old = connection.execute(select(HEAD.c.epoch)).scalar_one()
    epoch, chain, seq = new_epoch(), "", 0
    chain = first_link(epoch)
    held = connection.execute(select(ENTRY).where(ENTRY.c.epoch == old).order_by(ENTRY.c.seq))
    for row in list(held.mappings()):
        seq += 1
        link = Link(epoch, seq, row["id"], row["revision"], row["raw_sha256"], row["body_sha256"])
        chain = chain_after(chain, link)
        payload = json.loads(row["payload"]) | {
            "epoch": epoch,
            "seq": seq,
            "was": {"epoch": old, "seq": row["seq"]},
            "chain": chain,
        }
        moved = dict(row) | {
            "epoch": epoch,
            "seq": seq,
            "chain": chain,
            "payload": canonical(payload),
        }
        connection.execute(insert(ENTRY).values(moved))
    connection.execute(delete(ENTRY).where(ENTRY.c.epoch == old))
    connection.execute(
        update(HEAD).values(epoch=epoch, seq=seq, chain=chain, forked_at=now.isoformat())
    )
    return epoch
