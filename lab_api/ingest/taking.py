"""One batch, one transaction: everything of it is stored, decided and numbered, or nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from gateway.wire.absent import Absent
from gateway.wire.commands import ReissueCommand, Reply, Verb
from gateway.wire.status import InstrumentStatus, Status
from gateway.wire.topics import GatewayTopics, StationTopics
from lab_api.ingest.sorting import Entry, Message, RawBytes, Sorted, Unfit
from lab_api.notices.deciding import Publisher, decide_again, decide_station_again, publish
from lab_api.store.commands import Asking, keep_command, new_request, note_reply
from lab_api.store.gateways import see_card, see_instrument, see_status
from lab_api.store.places import Place
from lab_api.store.refusals import refuse
from lab_api.store.results import Received, owners_of, store_results
from lab_api.store.rows import insert_new
from lab_api.store.stations import Stations, hear_stations, standing_of
from lab_api.store.streams import (
    Epoch,
    advance,
    epoch_of,
    note_absence,
    note_arrivals,
    open_streams,
    streams_of,
    waiting_for_raw,
)
from lab_api.store.tables import Raw, Stream

TOGETHER = timedelta(minutes=10)
"""Within it, two epochs of one gateway that advance in turn are two gateways with one name."""


@dataclass(slots=True)
class Outcome:
    """What a committed batch asks of the rest of the lab."""

    receipts: set[GatewayTopics] = field(default_factory=set)
    """Gateways whose receipt has changed."""
    boards: set[StationTopics] = field(default_factory=set)
    """Stations whose board may have changed."""
    commands: bool = False
    """Whether a command waits to be sent."""
    results: int = 0
    """Entries that were stored as results."""
    alarms: dict[str, str | None] = field(default_factory=dict)
    """Name → the sentence for what a person must look at; None where it is over."""


class Taking:
    """The steps of one batch, in the order in which they depend on each other."""

    def __init__(self, session: Session, publisher: Publisher) -> None:
        self._session, self._publisher = session, publisher
        self._now = publisher.now
        self.outcome = Outcome()

    def take(self, batch: Sequence[Sorted]) -> Outcome:
        """Store a batch. Raises one of POISON when a value in it fits no column."""
        stations = hear_stations(
            self._session,
            {_station(each.gateway) for each in batch if each.gateway},
            self._now,
        )
        ours = [each for each in batch if self._is_ours(each, stations)]
        self._statuses(ours, stations)
        self._raws(ours)
        self._entries(ours, stations)
        self._replies(ours)
        return self.outcome

    def _is_ours(self, each: Sorted, stations: Stations) -> bool:
        """Refuse what is nobody's, or claims a station that is configured elsewhere."""
        if each.gateway is None:
            assert isinstance(each.meaning, Unfit), "only what is unfit has no gateway"
            self._refuse(each.message, each.meaning.reason)
            return False
        if objection := stations.objection(_station(each.gateway)):
            self._refuse(each.message, objection)
            self.outcome.alarms[f"station-elsewhere {each.gateway.station}"] = objection
            return False
        return True

    def _refuse(self, message: Message, reason: str) -> None:
        refuse(self._session, message.topic, message.payload, reason, self._now)

    def _statuses(self, ours: Sequence[Sorted], stations: Stations) -> None:
        for each in ours:
            gateway, status = each.gateway, each.meaning
            assert gateway is not None, "what is ours has its gateway"
            if isinstance(status, InstrumentStatus):
                see_instrument(self._session, gateway, status, self._now)
            elif isinstance(status, Status):
                self._status(gateway, status, stations, fresh=each.message.fresh)

    def _status(
        self, gateway: GatewayTopics, status: Status, stations: Stations, *, fresh: bool
    ) -> None:
        proved = self._now if fresh else min(status.at or self._now, self._now)
        if not see_status(self._session, gateway, status, proved if status.at else None):
            return
        place = _station(gateway)
        station = stations.by_place[place]
        self.outcome.receipts.add(gateway)
        self.outcome.boards.add(place)
        if see_card(self._session, station, status):
            self.outcome.boards |= decide_station_again(self._session, self._publisher, place)
        objection = standing_of(station, self._publisher.lab).objection()
        disagree = station.known and station.publish and objection is not None
        self.outcome.alarms[f"not-published {place.station}"] = (
            f"{place.station}: {self._publisher.lab} as its publishing lab expected, "
            f"{status.card.lab!r} found in its card: this lab publishes nothing of it"
            if disagree
            else None
        )

    def _raws(self, ours: Sequence[Sorted]) -> None:
        found = [each.meaning for each in ours if isinstance(each.meaning, RawBytes)]
        raws = {raw.sha256: raw.content for raw in found}
        rows = [
            {"sha256": sha256, "content": content, "at": self._now}
            for sha256, content in sorted(raws.items())
        ]
        insert_new(self._session, Raw, rows)
        self._raw_hashes = list(raws)

    def _entries(self, ours: Sequence[Sorted], stations: Stations) -> None:
        places = [(each, place) for each in ours if (place := _place(each))]
        absents = [
            (Epoch(each.gateway, each.meaning.epoch), each.meaning)
            for each in ours
            if each.gateway and isinstance(each.meaning, Absent)
        ]
        wanted = {_epoch(each, place) for each, place in places} | {epoch for epoch, _ in absents}
        streams = open_streams(self._session, wanted, self._now)
        self._arrive([(streams[_epoch(each, place)], place) for each, place in places])
        for epoch, absent in absents:
            note_absence(self._session, streams[epoch], absent, self._now)
        for each in ours:
            if isinstance(each.meaning, Unfit):
                self._refuse(each.message, each.meaning.reason)
        self._results(self._owned(ours), stations)
        touched = {stream.id: stream for stream in streams.values()}
        touched |= {
            stream.id: stream for stream in waiting_for_raw(self._session, self._raw_hashes)
        }
        self._advance(list(touched.values()))

    def _owned(self, ours: Sequence[Sorted]) -> list[Entry]:
        """Entries whose ids are their station's own; what claims another's is refused.

        An id belongs to a region and a station (CUSTODY.md 3): whoever sent it first.
        """
        entries = [(each, each.meaning) for each in ours if isinstance(each.meaning, Entry)]
        owners = owners_of(self._session, {entry.result.id for _, entry in entries})
        owned = []
        for each, entry in entries:
            place = (entry.result.region, entry.result.station)
            owner = owners.setdefault(entry.result.id, place)
            if owner == place:
                owned.append(entry)
                continue
            reason = (
                f"an id of {'/'.join(place)} expected, {entry.result.id} of {'/'.join(owner)} found"
            )
            self._refuse(each.message, reason)
            self.outcome.alarms[f"foreign-id {'/'.join(place)}"] = reason
        return owned

    def _arrive(self, arrived: Sequence[tuple[Stream, Place]]) -> None:
        for stream in note_arrivals(self._session, arrived, self._now):
            self._forked(stream)

    def _advance(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            was_forked, last_moved = stream.fork, stream.advanced_at
            if advance(self._session, stream, self._now):
                self._look_for_a_double(stream, last_moved)
            if stream.fork and not was_forked:
                self._forked(stream)
            self.outcome.receipts.add(epoch_of(stream).gateway)

    def _look_for_a_double(self, stream: Stream, last_moved: datetime) -> None:
        if self._now - last_moved > TOGETHER:
            return
        gateway = epoch_of(stream).gateway
        for other in streams_of(self._session, gateway):
            if other.id != stream.id and last_moved < other.advanced_at < self._now:
                self.outcome.alarms[f"double {gateway.station}/{gateway.gateway}"] = (
                    f"{gateway.station}/{gateway.gateway}: one gateway of this name expected, "
                    f"epochs {other.epoch} and {stream.epoch} advancing in turn found"
                )

    def _forked(self, stream: Stream) -> None:
        self.outcome.alarms[f"fork {stream.station}/{stream.gateway} {stream.epoch}"] = (
            f"{stream.station}/{stream.gateway}: one entry for each number expected, "
            f"two found in epoch {stream.epoch} after {stream.through}"
        )

    def _results(self, entries: Sequence[Entry], stations: Stations) -> None:
        received = [
            Received(entry.result, entry.payload, entry.place.body_sha256) for entry in entries
        ]
        taken = store_results(self._session, received, self._now)
        self.outcome.results += len(received)
        # In the order in which they came: notices are numbered as results are given.
        standing = {
            each.result.id: taken.standing[each.result.id]
            for each in received
            if each.result.id in taken.standing
        }
        self.outcome.boards |= publish(self._session, self._publisher, standing, stations.by_place)
        if taken.contradicting:
            self._contradicted(taken.contradicting, {each.result.id: each for each in received})

    def _contradicted(self, highest: Mapping[UUID, int], received: Mapping[UUID, Received]) -> None:
        """Hold what has two bodies, and ask its gateway to say it again above both."""
        self.outcome.boards |= decide_again(self._session, self._publisher, highest)
        for id_, revision in highest.items():
            result = received[id_].result
            command = ReissueCommand(
                request=new_request(self._publisher.lab),
                lab=self._publisher.lab,
                at=self._now,
                id=id_,
                above=revision,
            )
            gateway = GatewayTopics(result.region, result.station, result.gateway)
            asking = Asking(gateway, Verb.REISSUE, self._publisher.lab, self._now)
            keep_command(self._session, asking, command)
            self.outcome.commands = True

    def _replies(self, ours: Sequence[Sorted]) -> None:
        for each in ours:
            if each.gateway and isinstance(each.meaning, Reply):
                note_reply(self._session, each.gateway, each.meaning, self._now)


def refuse_poison(session: Session, publisher: Publisher, poison: Sorted, reason: str) -> Outcome:
    """Keep a message that no column takes; its number counts as arrived (CUSTODY.md 10)."""
    taking = Taking(session, publisher)
    meaning = Unfit(reason, _place(poison))
    return taking.take([Sorted(poison.message, poison.gateway, meaning)])


def _station(gateway: GatewayTopics) -> StationTopics:
    return StationTopics(gateway.region, gateway.station)


def _place(each: Sorted) -> Place | None:
    return each.meaning.place if isinstance(each.meaning, Entry | Unfit) else None


def _epoch(each: Sorted, place: Place) -> Epoch:
    assert each.gateway is not None, "what has a place has a gateway"
    return Epoch(each.gateway, place.epoch)
