"""Results by id and revision: what is new, what stands, and what contradicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlmodel import Session, col

from gateway.wire.result import Result
from lab_api.store.rows import chunks, insert_into, insert_new, table_of
from lab_api.store.tables import Conflict, Current, StoredResult


@dataclass(frozen=True, slots=True)
class Received:
    """A result with the bytes it came in."""

    result: Result
    payload: bytes
    body_sha256: str

    @property
    def key(self) -> tuple[UUID, int]:
        return self.result.id, self.result.revision


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of received results."""

    standing: Mapping[UUID, Result]
    """Those that are now the newest revision of their id, in the order they came."""
    contradicting: Mapping[UUID, int]
    """Ids that newly came as a revision which we hold with another body; their highest revision."""


def store_results(session: Session, received: Sequence[Received], now: datetime) -> Taken:
    """Keep results; of equal ones nothing, of contradicting ones a conflict (CUSTODY.md 2, 11)."""
    first: dict[tuple[UUID, int], Received] = {}
    contradicting: list[Received] = []
    for each in received:
        if first.setdefault(each.key, each).body_sha256 != each.body_sha256:
            contradicting.append(each)
    ordered = sorted(first.values(), key=lambda each: each.key)
    rows = [_row(each, now) for each in ordered]
    new = {tuple(row) for row in insert_new(session, StoredResult, rows, "id", "revision")}
    again = [each for each in ordered if each.key not in new]
    hashes = _hashes(session, [each.key for each in again])
    contradicting += [each for each in again if hashes[each.key] != each.body_sha256]
    fresh = [each.result for each in first.values() if each.key in new]
    standing = _become_current(session, fresh)
    return Taken(standing, _highest(session, _keep_conflicts(session, contradicting, now)))


def owners_of(session: Session, ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Region and station of each id that is held."""
    found: dict[UUID, tuple[str, str]] = {}
    for chunk in chunks(sorted(ids)):
        query = select(
            col(StoredResult.id), col(StoredResult.region), col(StoredResult.station)
        ).where(col(StoredResult.id).in_(chunk))
        found.update({id_: (region, station) for id_, region, station in session.execute(query)})
    return found


def _row(received: Received, now: datetime) -> dict[str, object]:
    result = received.result
    return {
        "id": result.id,
        "revision": result.revision,
        "payload": received.payload,
        "body_sha256": received.body_sha256,
        "region": result.region,
        "station": result.station,
        "gateway": result.gateway,
        "instrument": result.instrument.id,
        "item": result.test.item,
        "sample": result.sample.number,
        "outcome": result.verdict.outcome,
        "purpose": result.test.purpose,
        "source": result.source,
        "effective_at": result.effective_at.at if result.effective_at else None,
        "received_at": result.received_at,
        "demo": result.demo,
        "at": now,
    }


def _hashes(session: Session, keys: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], str]:
    place = tuple_(col(StoredResult.id), col(StoredResult.revision))
    found: dict[tuple[UUID, int], str] = {}
    for chunk in chunks(keys):
        query = select(
            col(StoredResult.id), col(StoredResult.revision), col(StoredResult.body_sha256)
        ).where(place.in_(chunk))
        found.update({(id_, revision): body for id_, revision, body in session.execute(query)})
    return found


def _keep_conflicts(session: Session, received: Sequence[Received], now: datetime) -> set[UUID]:
    """Keep contradicting bodies; return the ids of those not kept before."""
    rows = [
        {
            "id": each.result.id,
            "revision": each.result.revision,
            "body_sha256": each.body_sha256,
            "payload": each.payload,
            "at": now,
        }
        for each in {(each.key, each.body_sha256): each for each in received}.values()
    ]
    return {row.id for row in insert_new(session, Conflict, rows, "id")}


def _highest(session: Session, ids: Collection[UUID]) -> dict[UUID, int]:
    query = select(col(Current.id), col(Current.revision)).where(col(Current.id).in_(ids))
    return {row.id: row.revision for row in session.execute(query)} if ids else {}


def _become_current(session: Session, results: Sequence[Result]) -> dict[UUID, Result]:
    """Let each result stand if its revision is the highest; return those that now do.

    The database compares, under the lock of the row it updates, so that of two transactions
    only one gets the row back for a revision, in whichever order they come.
    """
    highest: dict[UUID, Result] = {}
    for result in results:
        held = highest.setdefault(result.id, result)
        if held.revision < result.revision:
            highest[result.id] = result
    if not highest:
        return {}
    statement = insert_into(session, Current)
    table = table_of(Current)
    statement = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"revision": statement.excluded.revision},
        where=table.c.revision < statement.excluded.revision,
    )
    rows = [{"id": id_, "revision": highest[id_].revision} for id_ in sorted(highest)]
    got = {row.id for row in session.execute(statement.returning(table.c.id), rows)}
    return {id_: result for id_, result in highest.items() if id_ in got}


def current_results(session: Session, ids: Sequence[UUID]) -> dict[UUID, Result]:
    """The standing revision of each id, locked until the transaction ends."""
    found: dict[UUID, Result] = {}
    for chunk in chunks(sorted(set(ids))):
        session.scalars(
            select(col(Current.id))
            .where(col(Current.id).in_(chunk))
            .order_by(col(Current.id))
            .with_for_update()
        ).all()
        query = (
            select(col(StoredResult.payload))
            .join(
                Current,
                (col(Current.id) == col(StoredResult.id))
                & (col(Current.revision) == col(StoredResult.revision)),
            )
            .where(col(StoredResult.id).in_(chunk))
        )
        for payload in session.scalars(query):
            result = Result.model_validate_json(payload)
            found[result.id] = result
    return found


def in_conflict(session: Session, results: Mapping[UUID, Result]) -> set[UUID]:
    """Which of these came with another body as the very revision that stands."""
    found: set[UUID] = set()
    for chunk in chunks(results):
        query = select(col(Conflict.id), col(Conflict.revision)).where(col(Conflict.id).in_(chunk))
        found |= {
            id_ for id_, revision in session.execute(query) if results[id_].revision == revision
        }
    return found
