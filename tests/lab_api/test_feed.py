"""The feed: resumes without a gap, resets what it cannot resume, and waits for nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab_api.app.works import do_work
from lab_api.feed.events import BACKLOG, Event, Reader
from lab_api.feed.feed import MOST_RESUMED, Crowded, Feed
from lab_api.notices.deciding import Publisher
from tests.lab_api.conftest import S0007, Lab
from tests.lab_api.station import FakeGateway


@dataclass
class Screen:
    """A reader that remembers what it was told, as a browser does."""

    events: list[tuple[str, str | None, Any]] = field(default_factory=list)

    def hear(self, encoded: bytes) -> None:
        fields = dict(line.split(": ", 1) for line in encoded.decode().splitlines() if line)
        if "event" in fields:
            data = json.loads(fields["data"])
            self.events.append((fields["event"], fields.get("id"), data))

    def named(self, name: str) -> list[tuple[str | None, Any]]:
        return [(id_, data) for event, id_, data in self.events if event == name]

    @property
    def numbers(self) -> list[int]:
        return [data["n"] for _, data in self.named("notice")]

    async def until(self, name: str, count: int = 1) -> None:
        async with asyncio.timeout(10):
            while len(self.named(name)) < count:  # noqa: ASYNC110 (a screen sets no event)
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(lab: Lab, **settings: float) -> AsyncIterator[Feed]:
    feed = Feed(lab.store, "lab1", clock=lambda: lab.now, **settings)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def screen(feed: Feed, last_id: str | None = None) -> AsyncIterator[Screen]:
    reader, shown = await feed.join(S0007), Screen()

    async def read() -> None:
        async for encoded in feed.events(S0007, reader, last_id):
            shown.hear(encoded)

    task = asyncio.create_task(read())
    try:
        yield shown
    finally:
        task.cancel()
        await asyncio.wait([task])
        feed.leave(S0007, reader)


@pytest.fixture
def gateway(lab: Lab) -> FakeGateway:
    """A gateway whose station has told its public of three results."""
    made = FakeGateway()
    lab.take(made.status(), made.raw_message(), *made.entries("a", "b", "c"))
    return made


async def test_a_screen_hears_at_once_that_all_is_alive(lab: Lab, gateway: FakeGateway) -> None:
    async with running(lab) as feed, screen(feed) as shown:
        await shown.until("heartbeat")

    ((id_, heartbeat),) = shown.named("heartbeat")
    assert id_ is None
    assert (heartbeat["feed"], heartbeat["n"]) == (lab.store.feed, 3)
    assert heartbeat["proof"]["gateway_online"]
    assert shown.numbers == []


async def test_a_notice_comes_with_its_id_after_a_hint(lab: Lab, gateway: FakeGateway) -> None:
    async with running(lab) as feed, screen(feed) as shown:
        lab.take(*gateway.entries("d"))
        feed.hint(S0007)
        await shown.until("notice")

    ((id_, notice),) = shown.named("notice")
    assert id_ == f"{lab.store.feed}.4"
    assert notice["row"]["sample"] == "N-d"


async def test_what_another_replica_wrote_comes_without_a_hint(
    lab: Lab, gateway: FakeGateway
) -> None:
    async with running(lab) as feed, screen(feed) as shown:
        lab.take(*gateway.entries("d"))
        await shown.until("notice")

    assert shown.numbers == [4]


async def test_a_change_of_the_counts_comes_as_a_board_event(
    lab: Lab, gateway: FakeGateway
) -> None:
    async with running(lab) as feed, screen(feed) as shown:
        await shown.until("heartbeat")
        lab.take(*gateway.entries("d", outcome="fail"))
        feed.hint(S0007)
        await shown.until("board")

    assert shown.named("board")[-1][1]["totals"]["waiting"] == 1


async def test_a_screen_resumes_with_exactly_what_it_missed(lab: Lab, gateway: FakeGateway) -> None:
    async with running(lab) as feed, screen(feed, f"{lab.store.feed}.1") as shown:
        await shown.until("notice", 2)
        lab.take(*gateway.entries("d"))
        feed.hint(S0007)
        await shown.until("notice", 3)

    assert shown.numbers == [2, 3, 4]
    assert shown.named("reset") == []


@pytest.mark.parametrize(
    "last_id", ["another.2", "abc", "2", "{feed}.", "{feed}.99", "{feed}.-1", "{feed}.²", "💥"]
)
async def test_an_id_that_this_feed_did_not_give_is_reset(
    lab: Lab, gateway: FakeGateway, last_id: str
) -> None:
    named = last_id.replace("{feed}", lab.store.feed)
    async with running(lab) as feed, screen(feed, named) as shown:
        await shown.until("reset")

    assert shown.named("reset") == [(None, {"feed": lab.store.feed, "n": 3})]
    assert shown.numbers == []


async def test_after_a_reset_what_is_new_still_comes(lab: Lab, gateway: FakeGateway) -> None:
    async with running(lab) as feed, screen(feed, "another.2") as shown:
        await shown.until("reset")
        lab.take(*gateway.entries("d"))
        feed.hint(S0007)
        await shown.until("notice")

    assert shown.numbers == [4]


async def test_a_gap_too_long_to_tell_is_reset(lab: Lab, gateway: FakeGateway) -> None:
    lab.take(*gateway.entries(*(f"x{number}" for number in range(MOST_RESUMED))))

    async with running(lab) as feed, screen(feed, f"{lab.store.feed}.1") as shown:
        await shown.until("reset")

    assert shown.numbers == []


async def test_a_restored_store_resets_every_open_screen(lab: Lab, gateway: FakeGateway) -> None:
    before = lab.store.feed
    async with running(lab) as feed, screen(feed) as shown:
        await shown.until("heartbeat")
        publisher = Publisher("lab1", before, lab.now)
        lab.write(lambda session: do_work(session, publisher, "store.restored", {"who": "test"}))
        await shown.until("reset")
        board = await feed.board("s0007")

    ((_, reset),) = shown.named("reset")
    assert board is not None
    assert reset == {"feed": board.feed, "n": board.n}
    assert board.feed != before


async def test_a_heartbeat_comes_again_and_again(lab: Lab, gateway: FakeGateway) -> None:
    async with running(lab, heartbeat=0.05) as feed, screen(feed) as shown:
        await shown.until("heartbeat", 4)


async def test_many_notices_at_once_come_in_order(lab: Lab, gateway: FakeGateway) -> None:
    async with running(lab) as feed, screen(feed) as shown:
        await shown.until("heartbeat")
        lab.take(*gateway.entries(*(f"x{number}" for number in range(150))))
        feed.hint(S0007)
        await shown.until("notice", 150)

    assert shown.numbers == list(range(4, 154))


async def test_a_screen_that_does_not_read_is_cut_and_the_others_do_not_notice(
    lab: Lab, gateway: FakeGateway
) -> None:
    async with running(lab) as feed, screen(feed) as shown:
        lazy = await feed.join(S0007)
        for batch in range(BACKLOG // 10 + 1):
            lab.take(*gateway.entries(*(f"x{batch}-{number}" for number in range(10))))
            feed.hint(S0007)
            await shown.until("notice", (batch + 1) * 10)

    assert lazy.gone.is_set()
    assert feed.cut == 1
    assert shown.numbers == list(range(4, 4 + 10 * (BACKLOG // 10 + 1)))


async def test_a_closing_feed_lets_every_reader_go(lab: Lab, gateway: FakeGateway) -> None:
    feed = Feed(lab.store, "lab1")
    early = await feed.join(S0007)

    feed.close()
    late = await feed.join(S0007)

    assert early.gone.is_set()
    assert late.gone.is_set()


async def test_one_reader_too_many_is_refused(
    lab: Lab, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab_api.feed.feed.MOST_READERS", 1)
    feed = Feed(lab.store, "lab1")
    await feed.join(S0007)

    with pytest.raises(Crowded, match="at most 1 readers expected"):
        await feed.join(S0007)


async def test_a_station_nobody_watches_is_forgotten(lab: Lab, gateway: FakeGateway) -> None:
    feed = Feed(lab.store, "lab1")
    reader = await feed.join(S0007)

    feed.leave(S0007, reader)

    assert feed.readers == 0


def test_a_full_queue_cuts_its_reader() -> None:
    reader = Reader(0)

    taken = [reader.offer(Event(number, b"")) for number in range(BACKLOG + 1)]

    assert taken == [True] * BACKLOG + [False]
