"""CUSTODY.md 5, 6, 22: what was offered and is missing is asked for, once it is ripe."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.wire.commands import Answer, ReplayCommand, Reply
from gateway.wire.stream import sha256
from gateway.wire.topics import GatewayTopics
from lab_api.ingest.holes import MOST_OPEN, Finder
from lab_api.ingest.taking import Outcome
from lab_api.store.commands import note_reply
from lab_api.store.rows import insert_all
from lab_api.store.tables import Absence, Raw, Refused, StoredCommand
from tests.lab_api.conftest import GW1, Lab
from tests.lab_api.station import NOON, FakeGateway

RIPE = timedelta(seconds=30)


class Search:
    """A finder, and the clock it is asked at."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.told: list[Outcome] = []
        self.now: datetime = NOON
        self.finder = Finder(lab.store, "lab1", self.told.append)

    async def after(self, seconds: float) -> None:
        """Search so much later."""
        self.now += timedelta(seconds=seconds)
        self.lab.now = self.now
        await self.finder.search(self.now)

    def asked(self) -> list[list[tuple[int, int]]]:
        """The ranges of every request, in order."""
        stored = sorted(self.lab.rows(StoredCommand), key=lambda each: each.asked_at)
        commands = [ReplayCommand.model_validate_json(each.payload) for each in stored]
        return [[(run.first, run.to) for run in command.ranges] for command in commands]

    def reply(self, answer: Answer = Answer.DONE) -> None:
        """The gateway answers the newest request."""
        newest = max(self.lab.rows(StoredCommand), key=lambda each: each.asked_at)
        reply = Reply(request=newest.request, verb="replay", answer=answer, at=self.now)
        self.lab.write(lambda session: note_reply(session, GW1, reply, self.now))


@pytest.fixture
def search(lab: Lab) -> Search:
    return Search(lab)


async def test_a_hole_is_asked_for_when_it_has_been_there_for_thirty_seconds(
    search: Search,
) -> None:
    gateway = FakeGateway()
    messages = gateway.entries(*"abcdef")
    search.lab.take(gateway.raw_message(), messages[0], messages[3], gateway.status())

    await search.after(0)
    await search.after(29)
    assert search.asked() == []

    await search.after(1)
    assert search.asked() == [[(2, 3), (5, 6)]]
    assert [outcome.commands for outcome in search.told] == [True]


async def test_the_tail_that_never_came_is_asked_for(search: Search) -> None:
    gateway = FakeGateway()
    gateway.entries(*"abc")
    search.lab.take(gateway.status())

    await search.after(0)
    await search.after(30)

    assert search.asked() == [[(1, 3)]]


async def test_what_was_not_offered_is_on_its_way(search: Search) -> None:
    gateway = FakeGateway()
    gateway.entries(*"abcdef")
    search.lab.take(gateway.status(offered=0))

    await search.after(0)
    await search.after(60)

    assert search.asked() == []


async def test_what_comes_meanwhile_is_not_asked_for(search: Search) -> None:
    gateway = FakeGateway()
    messages = gateway.entries(*"abc")
    search.lab.take(gateway.raw_message(), gateway.status())
    await search.after(0)

    search.lab.take(*messages[:2])
    await search.after(30)

    assert search.asked() == [[(3, 3)]]


async def test_an_entry_without_its_raw_bytes_is_asked_for(search: Search) -> None:
    gateway = FakeGateway()
    search.lab.take(*gateway.entries("a"), gateway.status())

    await search.after(0)
    await search.after(30)

    assert search.asked() == [[(1, 1)]]


async def test_what_is_absent_is_not_asked_for(search: Search) -> None:
    gateway = FakeGateway()
    gateway.entries(*"abc")
    search.lab.take(gateway.absent(1, 2, None), gateway.status())

    await search.after(0)
    await search.after(30)

    assert search.asked() == [[(3, 3)]]


async def test_only_one_request_is_open_at_a_time(search: Search) -> None:
    gateway = FakeGateway()
    gateway.entries(*"abc")
    search.lab.take(gateway.status())
    await search.after(0)
    await search.after(30)

    await search.after(30)
    assert len(search.asked()) == 1

    search.reply()
    await search.after(30)
    assert search.asked() == [[(1, 3)], [(1, 3)]]


async def test_a_request_that_nobody_answers_is_asked_again_in_time(search: Search) -> None:
    gateway = FakeGateway()
    gateway.entries(*"abc")
    search.lab.take(gateway.status())
    await search.after(0)
    await search.after(30)

    await search.after(61)

    assert len(search.asked()) == 2


async def test_a_request_names_at_most_a_thousand_seqs(search: Search) -> None:
    gateway = FakeGateway()
    search.lab.take(gateway.status(offered=5000))

    await search.after(0)
    await search.after(30)

    assert search.asked() == [[(1, 1000)]]
    assert search.finder.holes == 1000


async def test_a_forked_epoch_is_not_asked_for(search: Search) -> None:
    gateway, twin = FakeGateway(), FakeGateway()
    search.lab.take(*gateway.entries("a"), *twin.entries("b"), gateway.status(offered=9))

    await search.after(0)
    await search.after(30)

    assert search.asked() == []


async def test_what_came_unreadable_three_times_is_given_up_as_damaged(search: Search) -> None:
    gateway = FakeGateway()
    bad, good = gateway.entries("a", "b")
    torn = type(bad)(bad.topic, b"torn")
    search.lab.take(gateway.raw_message(), torn, good, gateway.status())
    await search.after(0)
    for _ in range(3):
        await search.after(30)
        search.lab.take(torn)
        search.reply()
    assert search.lab.through(gateway.epoch) == 0

    await search.after(30)

    (absence,) = search.lab.rows(Absence)
    assert (absence.first, absence.last, absence.reason) == (1, 1, "damaged")
    assert search.lab.through(gateway.epoch) == 2
    assert len(search.lab.rows(Refused)) == 4


async def test_what_never_came_at_all_is_never_given_up(search: Search) -> None:
    gateway = FakeGateway()
    gateway.entries("a")
    search.lab.take(gateway.status())
    await search.after(0)

    for _ in range(6):
        await search.after(30)
        search.reply()

    assert len(search.asked()) == 6
    assert search.lab.rows(Absence) == []


async def test_of_many_gateways_only_so_many_are_asked_at_once(search: Search) -> None:
    for number in range(MOST_OPEN + 5):
        gateway = FakeGateway(GatewayTopics("210112", "s0007", f"gw{number}"))
        gateway.entries("a")
        search.lab.take(gateway.status())

    await search.after(0)
    await search.after(30)

    assert len(search.asked()) == MOST_OPEN


async def test_what_two_replicas_committed_past_each_other_is_confirmed(search: Search) -> None:
    gateway = FakeGateway()
    search.lab.take(*gateway.entries("a"), gateway.status())
    # As when another replica commits the bytes while this one commits the entry.
    content = {"sha256": sha256(gateway.raw), "content": gateway.raw, "at": NOON}
    search.lab.write(lambda session: insert_all(session, Raw, [content]))
    assert search.lab.through(gateway.epoch) == 0

    await search.after(0)

    assert search.lab.through(gateway.epoch) == 1
    assert search.told[-1].receipts == {GW1}
