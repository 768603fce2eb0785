"""Puts a delivery into the journal: raw, results and entries, in the caller's transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from drivers.reading import Custody, Delivery, Purpose, Reading
from gateway.clock import StationDay
from gateway.fold import Facts, Instrument, Place, fold, is_same, result_id
from gateway.journal.tables import DELIVERY, ENTRY, HEAD, RAW, RESULT, SHEET
from gateway.runs import Taken
from gateway.wire.missed import MissedBody
from gateway.wire.model import canonical
from gateway.wire.result import ResultBody
from gateway.wire.run import Run
from gateway.wire.stream import Link, body_sha256, chain_after, sha256
from gateway.wire.topics import GATEWAYS_OWN

NOT_UNDERSTOOD = "not understood"
SHEETS_MATTER_FOR = timedelta(days=7)
"""After the end of what they cover."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A delivery as it reached the gateway."""

    delivery: Delivery
    instrument: Instrument
    custody: Custody
    received_at: datetime
    synchronised: bool


@dataclass(slots=True)
class Recorded:
    """What became of a delivery."""

    understood: bool
    new: list[UUID] = field(default_factory=list)
    seen_again: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What recording needs beside the delivery."""

    place: Place
    day: StationDay
    began: datetime | None = None
    """When the journal was made; null until it is open."""


def record(connection: Connection, handed: Handed, desk: Desk) -> Recorded:
    """Store a delivery: its raw, and an entry for every reading that is new.

    A reading said before, with the same id, is counted as sent again and makes no entry.
    """
    delivery = handed.delivery
    digest = _keep_raw(connection, delivery.raw)
    n = _keep_delivery(connection, handed, digest, delivery.fault, len(delivery.readings))
    if delivery.missed:
        _note_missed(connection, handed, desk)
    return _keep_readings(connection, handed, desk, n, digest)


def record_understood(connection: Connection, n: int, handed: Handed, desk: Desk) -> Recorded:
    """Give delivery `n`, kept as not understood, the readings that a mended profile finds."""
    delivery = handed.delivery
    connection.execute(
        update(DELIVERY)
        .where(DELIVERY.c.n == n)
        .values(
            fault=delivery.fault,
            readings=len(delivery.readings),
            profile_version=handed.instrument.profile_version,
            device_serial=delivery.device_serial,
        )
    )
    return _keep_readings(connection, handed, desk, n, sha256(delivery.raw))


def _keep_readings(
    connection: Connection, handed: Handed, desk: Desk, n: int, digest: str
) -> Recorded:
    delivery = handed.delivery
    recorded = Recorded(understood=delivery.fault is None)
    occurrences: Counter[bytes] = Counter()
    for place, reading in enumerate(delivery.readings):
        identity = reading.identity
        counted = occurrences[identity] if reading.occurrence is None else reading.occurrence
        named = result_id(desk.place, handed.instrument.id, identity, counted)
        occurrences[identity] += 1
        if _count_again(connection, named):
            recorded.seen_again += 1
            continue
        facts = Facts(
            named,
            reading,
            handed.instrument,
            delivery.device_serial,
            handed.received_at,
            handed.synchronised,
            digest,
            handed.custody,
            desk.began,
        )
        _keep_new(connection, facts, desk, n, place, carries_raw=not recorded.new)
        recorded.new.append(named)
    return recorded


def record_unread(connection: Connection, handed: Handed, why: str) -> Recorded:
    """Store only a delivery's bytes, as not understood."""
    digest = _keep_raw(connection, handed.delivery.raw)
    _keep_delivery(connection, handed, digest, f"{NOT_UNDERSTOOD}: {why}", 0)
    return Recorded(understood=False)


def pair_again(connection: Connection, desk: Desk, sheet: Run, now: datetime, reason: str) -> int:
    """Pair by a fresh sheet what came before it; returns how many revisions were made.

    Only what the sheet names by number or channel is looked at, however much lies unpaired.
    """
    numbers = [line.number for line in sheet.samples]
    channels = [line.channel for line in sheet.samples if line.channel is not None]
    since = desk.day.of(now - SHEETS_MATTER_FOR)
    unpaired = connection.execute(
        select(RESULT.c.id, RESULT.c.said, DELIVERY.c.device_serial, DELIVERY.c.custody)
        .join(DELIVERY, DELIVERY.c.n == RESULT.c.delivery)
        .where(
            RESULT.c.instrument == sheet.instrument,
            RESULT.c.run.is_(None),
            RESULT.c.day >= since,
            or_(
                func.json_extract(RESULT.c.said, "$.sample").in_(numbers),
                RESULT.c.channel.in_(channels),
            ),
        )
        .order_by(RESULT.c.delivery, RESULT.c.place)
    ).mappings()
    made = 0
    for row in list(unpaired):
        newest = newest_body(connection, row["id"])
        facts = _facts_of(row, newest, desk)
        body = _folded(connection, facts, desk, revision=newest.revision + 1, reason=reason)
        if not is_same(body, newest):
            append(connection, body, carries_raw=False)
            _note_revision(connection, body)
            made += 1
    return made


def reissue(connection: Connection, named: str, above: int) -> bool:
    """Repeat a result above the revision that a lab holds (CUSTODY.md 2); False if unknown."""
    newest = newest_body(connection, named)
    revision = max(newest.revision, above) + 1
    body = newest.model_copy(
        update={"revision": revision, "reason": "reissue", "based_on": newest.revision}
    )
    append(connection, body, carries_raw=True)
    _note_revision(connection, body)
    return True


def newest_body(connection: Connection, named: str) -> ResultBody:
    """The newest revision of a result; LookupError where there is none."""
    payload = connection.execute(
        select(ENTRY.c.payload)
        .where(ENTRY.c.id == named)
        .order_by(ENTRY.c.revision.desc())
        .limit(1)
    ).scalar()
    if payload is None:
        raise LookupError(f"a result of this journal expected, {named} found")
    return ResultBody.model_validate_json(payload)


def append(
    connection: Connection,
    body: ResultBody | MissedBody,
    *,
    carries_raw: bool,
    topic: str | None = None,
) -> int:
    """Give a body its place at the end of the stream; returns its seq.

    `topic` is the last segment of where it goes: the instrument, unless said otherwise.
    """
    head = connection.execute(select(HEAD)).mappings().one()
    seq = int(head["seq"]) + 1
    values = body.body()
    digest = body_sha256(values)
    link = Link(head["epoch"], seq, str(body.id), body.revision, body.raw_sha256, digest)
    chain = chain_after(head["chain"], link)
    payload = canonical(values | {"epoch": link.epoch, "seq": seq, "was": None, "chain": chain})
    connection.execute(
        insert(ENTRY).values(
            epoch=link.epoch,
            seq=seq,
            id=link.id,
            revision=link.revision,
            instrument=topic or body.instrument.id,
            raw_sha256=link.raw_sha256,
            body_sha256=digest,
            chain=chain,
            payload=payload,
            carries_raw=carries_raw,
        )
    )
    connection.execute(update(HEAD).values(seq=seq, chain=chain))
    return seq


def sheets_of(connection: Connection, instrument: str, received: datetime) -> list[Run]:
    """The newest version of every run sheet of an instrument that may still matter."""
    since = (received - SHEETS_MATTER_FOR).astimezone(UTC).isoformat()
    rows = connection.execute(
        select(SHEET.c.payload).where(SHEET.c.instrument == instrument, SHEET.c.covers_to >= since)
    )
    return [_run_of(payload) for payload in rows.scalars()]


@lru_cache(maxsize=64)
def _run_of(payload: bytes) -> Run:
    return Run.model_validate_json(payload)


def _note_missed(connection: Connection, handed: Handed, desk: Desk) -> None:
    """An entry for records that nobody will ever read."""
    place = desk.place
    body = MissedBody(
        id=uuid4(),
        region=place.region,
        station=place.station,
        gateway=place.gateway,
        instrument=handed.instrument.reference(handed.delivery.device_serial),
        n=handed.delivery.missed,
        received_at=handed.received_at,
    )
    append(connection, body, carries_raw=False, topic=GATEWAYS_OWN)


def _keep_raw(connection: Connection, raw: bytes) -> str:
    digest = sha256(raw)
    connection.execute(upsert(RAW).values(sha256=digest, octets=raw).on_conflict_do_nothing())
    return digest


def _keep_delivery(
    connection: Connection, handed: Handed, digest: str, fault: str | None, readings: int
) -> int:
    kept = connection.execute(
        insert(DELIVERY).values(
            instrument=handed.instrument.id,
            received_at=handed.received_at.isoformat(),
            synchronised=handed.synchronised,
            raw_sha256=digest,
            fault=fault,
            readings=readings,
            profile=handed.instrument.profile,
            profile_version=handed.instrument.profile_version,
            device_serial=handed.delivery.device_serial,
            custody=handed.custody,
        )
    )
    (n,) = kept.inserted_primary_key or (0,)
    return int(n)


def _count_again(connection: Connection, named: UUID) -> bool:
    counted = connection.execute(
        update(RESULT).where(RESULT.c.id == str(named)).values(sightings=RESULT.c.sightings + 1)
    )
    return bool(counted.rowcount)


def _keep_new(
    connection: Connection, facts: Facts, desk: Desk, n: int, place: int, *, carries_raw: bool
) -> None:
    body = _folded(connection, facts, desk)
    append(connection, body, carries_raw=carries_raw)
    connection.execute(
        insert(RESULT).values(
            id=str(facts.id),
            instrument=facts.instrument.id,
            delivery=n,
            place=place,
            said=_to_json(facts.reading),
            sightings=1,
            revision=1,
            day=desk.day.of(facts.received_at),
            item=facts.reading.item,
            channel=facts.reading.channel,
            run=body.sample.run,
        )
    )


def _folded(
    connection: Connection,
    facts: Facts,
    desk: Desk,
    *,
    revision: int = 1,
    reason: str | None = None,
) -> ResultBody:
    sheets = sheets_of(connection, facts.instrument.id, facts.received_at)
    taken = _taken(connection, sheets, facts) if facts.reading.channel else frozenset()
    return fold(facts, desk.place, sheets, taken, revision=revision, reason=reason)


def _taken(connection: Connection, sheets: Sequence[Run], facts: Facts) -> frozenset[Taken]:
    rows = connection.execute(
        select(RESULT.c.run, RESULT.c.channel, RESULT.c.item).where(
            RESULT.c.run.in_([sheet.run for sheet in sheets]),
            RESULT.c.channel == facts.reading.channel,
            RESULT.c.id != str(facts.id),
        )
    )
    return frozenset(Taken(run, channel, item) for run, channel, item in rows)


def _note_revision(connection: Connection, body: ResultBody) -> None:
    connection.execute(
        update(RESULT)
        .where(RESULT.c.id == str(body.id))
        .values(revision=body.revision, run=body.sample.run)
    )


def _facts_of(row: Any, newest: ResultBody, desk: Desk) -> Facts:
    reference = newest.instrument
    return Facts(
        newest.id,
        _from_json(row["said"]),
        Instrument(
            reference.id,
            reference.profile,
            reference.profile_version,
            reference.maker,
            reference.model,
            reference.serial,
        ),
        row["device_serial"],
        newest.received_at,
        newest.clock.synchronised,
        newest.raw_sha256,
        Custody(row["custody"]),
        desk.began,
    )


def _to_json(reading: Reading) -> str:
    values = asdict(reading) | {"identity": reading.identity.hex()}
    return json.dumps(values, ensure_ascii=False)


def _from_json(text: str) -> Reading:
    values = json.loads(text)
    values["identity"] = bytes.fromhex(values["identity"])
    values["purpose"] = Purpose(values["purpose"])
    return Reading(**values)
