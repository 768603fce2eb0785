"""The streams of gateways: what arrived, what will not come, and how far all of it is held.

`through` advances over an entry when its chain value follows the one before and its raw bytes
are held, and over a run of absent numbers to the chain value it names (CUSTODY.md 1, 8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, or_, select, tuple_
from sqlmodel import Session, col

from gateway.wire.absent import Absent
from gateway.wire.stream import first_link, holes
from gateway.wire.topics import GatewayTopics
from lab_api.store.places import Place
from lab_api.store.rows import chunks, insert_new, upsert
from lab_api.store.tables import Absence, Arrival, Raw, Stream

PAGE = 1000
LOOK_AHEAD = 20_000
"""Seqs above `through` that are searched for holes at once."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One numbering of one gateway."""

    gateway: GatewayTopics
    number: int


def open_streams(session: Session, epochs: Iterable[Epoch], now: datetime) -> dict[Epoch, Stream]:
    """The stream of each epoch, locked until the transaction ends; made where there is none."""
    wanted = sorted(set(epochs), key=lambda epoch: (str(epoch.gateway.root), epoch.number))
    rows = [
        {
            "region": epoch.gateway.region,
            "station": epoch.gateway.station,
            "gateway": epoch.gateway.gateway,
            "epoch": epoch.number,
            "through": 0,
            "fork": False,
            "advanced_at": now,
        }
        for epoch in wanted
    ]
    insert_new(session, Stream, rows)
    place = tuple_(col(Stream.region), col(Stream.station), col(Stream.gateway), col(Stream.epoch))
    keys = [(row["region"], row["station"], row["gateway"], row["epoch"]) for row in rows]
    found: dict[Epoch, Stream] = {}
    for chunk in chunks(keys):
        query = select(Stream).where(place.in_(chunk)).order_by(col(Stream.id)).with_for_update()
        for stream in session.scalars(query):
            found[epoch_of(stream)] = stream
    return found


def epoch_of(stream: Stream) -> Epoch:
    """Which numbering a stream is."""
    return Epoch(GatewayTopics(stream.region, stream.station, stream.gateway), stream.epoch)


def streams_of(session: Session, gateway: GatewayTopics) -> Sequence[Stream]:
    """Every epoch heard of a gateway."""
    query = select(Stream).where(
        col(Stream.region) == gateway.region,
        col(Stream.station) == gateway.station,
        col(Stream.gateway) == gateway.gateway,
    )
    return session.scalars(query).all()


def note_arrivals(
    session: Session, arrived: Sequence[tuple[Stream, Place]], now: datetime
) -> list[Stream]:
    """Keep entries by their numbers; return the streams where a number came with two entries."""
    first: dict[tuple[int, int], Place] = {}
    streams = {_id(stream): stream for stream, _ in arrived}
    forked: set[int] = set()
    for stream, place in arrived:
        held = first.setdefault((_id(stream), place.seq), place)
        if held != place:
            forked.add(_id(stream))
    rows = [
        {
            "stream": stream,
            "seq": seq,
            "chain": place.chain,
            "id": place.id,
            "revision": place.revision,
            "body_sha256": place.body_sha256,
            "raw_sha256": place.raw_sha256,
            "at": now,
        }
        for (stream, seq), place in sorted(first.items(), key=lambda each: each[0])
    ]
    new = {tuple(row) for row in insert_new(session, Arrival, rows, "stream", "seq")}
    again = [key for key in first if key not in new]
    for stored in _arrivals(session, again):
        if _place_of(stored, streams[stored.stream].epoch) != first[stored.stream, stored.seq]:
            forked.add(stored.stream)
    for number in forked:
        streams[number].fork = True
    return [streams[number] for number in sorted(forked)]


def note_absence(session: Session, stream: Stream, absent: Absent, now: datetime) -> None:
    """Keep the runs of numbers that a gateway says will not come."""
    rows = [
        {
            "stream": _id(stream),
            "first": run.first,
            "last": run.to,
            "chain": run.chain,
            "reason": str(absent.reason),
            "at": now,
        }
        for run in absent.ranges
    ]
    upsert(session, Absence, rows)


def advance(session: Session, stream: Stream, now: datetime) -> bool:
    """Move `through` over everything that follows and is held; whether it moved."""
    before = stream.through
    while _advance_a_page(session, stream):
        pass
    if stream.through != before:
        stream.advanced_at = now
    return stream.through != before


def _advance_a_page(session: Session, stream: Stream) -> bool:
    """Advance over at most a page of arrivals; whether another page may follow."""
    session.flush()
    arrived = _next_arrivals(session, stream)
    absent = _next_absences(session, stream)
    began, taken = stream.through, 0
    while True:
        wanted = stream.through + 1
        while taken < len(arrived) and arrived[taken][0].seq < wanted:
            taken += 1
        here = arrived[taken] if taken < len(arrived) and arrived[taken][0].seq == wanted else None
        if here and here[1]:
            if not _follows(stream, here[0]):
                return False
            stream.through, stream.chain = wanted, here[0].chain
        elif run := next((run for run in absent if run.first <= wanted <= run.last), None):
            stream.through, stream.chain = run.last, run.chain
        else:
            return len(arrived) == PAGE == taken and stream.through > began


def _follows(stream: Stream, arrival: Arrival) -> bool:
    previous = first_link(stream.epoch) if stream.through == 0 else stream.chain
    if previous is None:
        # After damage the gateway cannot say what this one follows: taken on trust.
        return True
    follows = _place_of(arrival, stream.epoch).follows(previous)
    if not follows:
        stream.fork = True
    return follows


def _next_arrivals(session: Session, stream: Stream) -> list[tuple[Arrival, bool]]:
    held = or_(
        col(Arrival.raw_sha256).is_(None),
        exists(select(col(Raw.sha256)).where(col(Raw.sha256) == col(Arrival.raw_sha256))),
    )
    query = (
        select(Arrival, held)
        .where(col(Arrival.stream) == stream.id, col(Arrival.seq) > stream.through)
        .order_by(col(Arrival.seq))
        .limit(PAGE)
    )
    return [(arrival, bool(raw_held)) for arrival, raw_held in session.execute(query)]


def _next_absences(session: Session, stream: Stream) -> Sequence[Absence]:
    query = (
        select(Absence)
        .where(col(Absence.stream) == stream.id, col(Absence.last) > stream.through)
        .order_by(col(Absence.first))
        .limit(PAGE)
    )
    return session.scalars(query).all()


def missing(session: Session, stream: Stream, offered: int, most: int = 1000) -> list[int]:
    """The lowest seqs up to `offered` that are neither held with their raw nor absent."""
    last = min(offered, stream.through + LOOK_AHEAD)
    query = (
        select(col(Arrival.seq))
        .outerjoin(Raw, col(Raw.sha256) == col(Arrival.raw_sha256))
        .where(
            col(Arrival.stream) == stream.id,
            col(Arrival.seq).between(stream.through + 1, last),
            or_(col(Arrival.raw_sha256).is_(None), col(Raw.sha256).is_not(None)),
        )
    )
    held = set(session.scalars(query))
    for run in _next_absences(session, stream):
        held.update(range(max(run.first, stream.through + 1), min(run.last, last) + 1))
    spans = holes(sorted(held), stream.through + 1, last, most)
    return [seq for span in spans for seq in range(span.first, span.last + 1)]


def waiting_for_raw(session: Session, hashes: Sequence[str]) -> list[Stream]:
    """Streams with entries above `through` that wait for one of these bytes; locked."""
    found: set[int] = set()
    for chunk in chunks(hashes):
        query = (
            select(col(Stream.id))
            .join(
                Arrival,
                and_(col(Arrival.stream) == col(Stream.id), col(Arrival.seq) > Stream.through),
            )
            .where(col(Arrival.raw_sha256).in_(chunk))
        )
        found.update(id_ for id_ in session.scalars(query) if id_ is not None)
    return lock_streams(session, found)


def lock_streams(session: Session, ids: Collection[int]) -> list[Stream]:
    """Streams as they are now, locked until the transaction ends."""
    query = (
        select(Stream)
        .where(col(Stream.id).in_(ids))
        .order_by(col(Stream.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query)) if ids else []


def _arrivals(session: Session, keys: Sequence[tuple[int, int]]) -> Iterable[Arrival]:
    place = tuple_(col(Arrival.stream), col(Arrival.seq))
    for chunk in chunks(keys):
        yield from session.scalars(select(Arrival).where(place.in_(chunk)))


def _place_of(arrival: Arrival, epoch: int) -> Place:
    return Place(
        epoch,
        arrival.seq,
        arrival.chain,
        arrival.id,
        arrival.revision,
        arrival.raw_sha256,
        arrival.body_sha256,
    )


def _id(stream: Stream) -> int:
    assert stream.id is not None, "a stored stream has its id"
    return stream.id
