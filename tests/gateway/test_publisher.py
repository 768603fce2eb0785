"""G3 none missing; CUSTODY.md 1, 5, 6, 8: PUBACK frees the window, only receipts confirm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.commands import Commands
from gateway.journal import Journal
from gateway.publisher import Publisher
from gateway.settings import StationSettings
from gateway.wire.commands import Answer, ReplayCommand, ReplayRange, Reply, RunCommand
from gateway.wire.mqtt import Broker, Inbound, Pipe
from gateway.wire.receipt import Held, Receipt
from gateway.wire.run import Run, SheetLine
from gateway.wire.topics import GatewayTopics
from tests.gateway.stations import NOON, delivery, handed, journal_at, noon, reading
from tests.services import brokers

TOPICS = GatewayTopics("210112", "s0007", "gw1")
SETTINGS = StationSettings.model_validate(
    {
        "station": {"id": "s0007", "region": "210112", "name": "x", "lab": "lab1"},
        "gateway": {"id": "gw1"},
        "journal": {"url": "sqlite:////nowhere/j.db"},
        "mqtt": {"url": "mqtt://127.0.0.1:1"},
        "retention": {"needs": ["lab1"]},
        "link": [
            {
                "name": "bench-1",
                "url": "serial:///dev/none",
                "instruments": [{"id": "pest-1", "profile": "fsra-24"}],
            }
        ],
    }
)


async def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  anything may be waited for
            await asyncio.sleep(0.02)


class Reader:
    """What another client of the broker hears."""

    def __init__(self, pipe: Pipe) -> None:
        self.heard: list[Inbound] = []
        self._pipe = pipe
        pipe.subscribe(f"{TOPICS.root}/#", self._take)

    def _take(self, inbound: Inbound) -> None:
        self.heard.append(inbound)
        self._pipe.acknowledge(inbound)

    def seqs(self) -> list[int]:
        return [json.loads(one.payload)["seq"] for one in self.heard if "/result/" in one.topic]


@asynccontextmanager
async def running(*parts: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(part()) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def publishing(journal: Journal, url: str) -> AsyncIterator[tuple[Publisher, Reader, Pipe]]:
    pipe, other = Pipe(Broker(url), "gw"), Pipe(Broker(url), "reader")
    publisher = Publisher(pipe, journal, TOPICS, ["lab1"], noon)
    reader = Reader(other)
    async with running(other.run):
        await until(lambda: other.connected)
        await asyncio.sleep(0.1)
        async with running(pipe.run, publisher.run):
            yield publisher, reader, pipe


async def fill(journal: Journal, first: int, last: int) -> None:
    for n in range(first, last + 1):
        await journal.record(handed(delivery(reading(sample=f"N{n}"), raw=b"raw %d" % n)))


async def test_a_gateway_started_while_the_broker_is_down_delivers_when_it_is_up(
    mosquitto: brokers.Broker, tmp_path: Path
) -> None:
    mosquitto.kill()
    async with journal_at(tmp_path / "j.db") as journal:
        pipe = Pipe(Broker(mosquitto.url), "gw")
        publisher = Publisher(pipe, journal, TOPICS, ["lab1"], noon)
        async with running(pipe.run, publisher.run):
            await fill(journal, 1, 5)
            assert publisher.offered == 0
            mosquitto.start()
            await until(lambda: publisher.offered == 5)


async def test_the_bytes_of_a_delivery_leave_before_its_results(
    mosquitto: brokers.Broker, tmp_path: Path
) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("1"), reading("2"), raw=b"both")))
        async with publishing(journal, mosquitto.url) as (_, reader, _pipe):
            await until(lambda: len(reader.heard) == 3)

    kinds = [one.topic.split("/")[7] for one in reader.heard]
    assert (kinds, reader.heard[0].payload) == (["raw", "result", "result"], b"both")


async def test_results_go_out_once_and_in_order(mosquitto: brokers.Broker, tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await fill(journal, 1, 150)
        async with publishing(journal, mosquitto.url) as (publisher, reader, _):
            await until(lambda: publisher.offered == 150)
            await fill(journal, 151, 160)
            await until(lambda: publisher.offered == 160)
            await until(lambda: len(reader.seqs()) >= 160)

    assert reader.seqs() == list(range(1, 161))


async def test_what_no_receipt_covers_is_offered_again_after_a_broker_forgot_it(
    mosquitto: brokers.Broker, tmp_path: Path
) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await fill(journal, 1, 20)
        async with publishing(journal, mosquitto.url) as (publisher, _, pipe):
            await until(lambda: publisher.offered == 20)
            mosquitto.kill()
            await until(lambda: not pipe.connected)
            taken_again: list[int] = []
            publisher.on_progress.append(lambda: taken_again.append(publisher.offered))
            mosquitto.start()
            await until(lambda: len(taken_again) == 20)

    assert taken_again[-1] == 20


async def test_a_start_begins_above_what_every_needed_lab_confirmed(
    mosquitto: brokers.Broker, tmp_path: Path
) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await fill(journal, 1, 10)
        where = await journal.standing()
        held = Held(through=10, chain=where.chain)
        await journal.believe(Receipt(lab="lab1", at=noon(), epochs={str(where.epoch): held}))
        await fill(journal, 11, 12)
        async with publishing(journal, mosquitto.url) as (publisher, reader, _):
            await until(lambda: publisher.offered == 12)
            await until(lambda: len(reader.seqs()) >= 2)

    assert reader.seqs() == [11, 12]


async def command(commands: Commands, pipe: Pipe, verb: str, payload: bytes) -> None:
    await commands.obey(Inbound(TOPICS.command(verb), payload, False, 0, 0, 0))


def replies(reader: Reader) -> list[Reply]:
    return [
        Reply.model_validate_json(one.payload) for one in reader.heard if "/reply/" in one.topic
    ]


async def test_a_replay_sends_what_a_lab_lacks(mosquitto: brokers.Broker, tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await fill(journal, 1, 10)
        async with publishing(journal, mosquitto.url) as (publisher, reader, pipe):
            await until(lambda: publisher.offered == 10 and len(reader.seqs()) == 10)
            commands = Commands(SETTINGS, pipe, publisher, journal, noon)
            epoch = (await journal.standing()).epoch
            wanted = ReplayCommand(
                request="lab1.1",
                lab="lab1",
                at=NOON,
                epoch=epoch,
                ranges=(ReplayRange(first=3, to=4),),
            )
            await command(commands, pipe, "replay", wanted.to_bytes())
            await until(lambda: len(reader.seqs()) == 12 and len(replies(reader)) == 1)

    assert (reader.seqs()[10:], replies(reader)[0].answer) == ([3, 4], Answer.DONE)


SHEET = Run(
    run="r1",
    version=1,
    instrument="pest-1",
    covers_from=NOON.replace(hour=11),
    covers_to=NOON.replace(hour=13),
    samples=(SheetLine(number="N1", food="01040201", stall="A-013"),),
)


async def test_a_run_sheet_pairs_what_came_before_it_and_is_done_once(
    mosquitto: brokers.Broker, tmp_path: Path
) -> None:
    sheet = RunCommand(request="lab1.7", lab="lab1", at=NOON, sheet=SHEET).to_bytes()
    async with journal_at(tmp_path / "j.db") as journal:
        await fill(journal, 1, 1)
        async with publishing(journal, mosquitto.url) as (publisher, reader, pipe):
            await until(lambda: publisher.offered == 1)
            commands = Commands(SETTINGS, pipe, publisher, journal, noon)
            await command(commands, pipe, "run", sheet)
            await command(commands, pipe, "run", sheet)
            await until(lambda: len(replies(reader)) == 2 and len(reader.seqs()) == 2)

    stalls = [
        json.loads(one.payload)["sample"]["stall"]
        for one in reader.heard
        if "/result/" in one.topic
    ]
    assert stalls == [None, "A-013"]
    assert replies(reader)[0] == replies(reader)[1]


async def test_only_the_publishing_labs_sheets_are_obeyed(
    mosquitto: brokers.Broker, tmp_path: Path
) -> None:
    sheet = RunCommand(request="lab2.7", lab="lab2", at=NOON, sheet=SHEET).to_bytes()
    async with (
        journal_at(tmp_path / "j.db") as journal,
        publishing(journal, mosquitto.url) as (publisher, reader, pipe),
    ):
        await until(lambda: pipe.connected)
        await command(Commands(SETTINGS, pipe, publisher, journal, noon), pipe, "run", sheet)
        await until(lambda: len(replies(reader)) == 1)

    (reply,) = replies(reader)
    assert (reply.answer, reply.problem) == (
        Answer.REFUSED,
        "the publishing lab lab1 expected, lab2 found",
    )


async def test_a_message_the_broker_can_never_take_is_said_to_be_absent(tmp_path: Path) -> None:
    big = reading(sample="N" * 300_000)
    small = brokers.mosquitto(tmp_path / "mosquitto", settings="max_packet_size 200000")
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(big)))
        await fill(journal, 2, 3)
        with small as broker:
            async with publishing(journal, broker.url) as (publisher, reader, _):
                await until(lambda: publisher.offered == 3)
                await until(lambda: any("/_gateway" in one.topic for one in reader.heard))

    (absent,) = [json.loads(o.payload) for o in reader.heard if o.topic.endswith("/_gateway")]
    assert (absent["reason"], absent["ranges"][0]["from"]) == ("too-large", 1)
    assert publisher.alarms.keys() == {"too-large"}


async def test_results_whose_bytes_the_broker_can_never_take_go_out_and_are_named_absent(
    tmp_path: Path,
) -> None:
    small = brokers.mosquitto(tmp_path / "mosquitto", settings="max_packet_size 200000")
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("1"), reading("2"), raw=b"x" * 300_000)))
        with small as broker:
            async with publishing(journal, broker.url) as (publisher, reader, _):
                await until(lambda: publisher.offered == 2)
                await until(lambda: len(reader.heard) == 4)

    absent = [json.loads(o.payload) for o in reader.heard if o.topic.endswith("/_gateway")]
    named = sorted(one["ranges"][0]["from"] for one in absent)
    results_ = [o for o in reader.heard if o.topic.endswith("/pest-1")]
    assert (named, len(results_)) == ([1, 2], 2)


async def test_results_go_out_where_only_their_bytes_are_refused(tmp_path: Path) -> None:
    allowed = "topic readwrite kuaijian/v1/+/+/+/+/+/result/#\n"
    folder = tmp_path / "mosquitto"
    async with journal_at(tmp_path / "j.db") as journal:
        await fill(journal, 1, 5)
        with brokers.mosquitto(folder, acl=allowed) as broker:
            async with publishing(journal, broker.url) as (publisher, reader, _):
                await until(lambda: publisher.offered == 5)
                await until(lambda: set(reader.seqs()) == {1, 2, 3, 4, 5})

    assert "raw-refused" in publisher.alarms


async def test_a_broker_that_takes_nothing_is_left_alone_and_named(tmp_path: Path) -> None:
    settings = "max_packet_size 300"
    async with journal_at(tmp_path / "j.db") as journal:
        await fill(journal, 1, 3)
        with brokers.mosquitto(tmp_path / "mosquitto", settings=settings) as broker:
            async with publishing(journal, broker.url) as (publisher, _, pipe):
                await until(lambda: "refused" in publisher.alarms)
                connected = pipe.connected

    assert (publisher.offered, connected) == (0, True)


async def test_a_receipt_of_a_stranger_changes_nothing(
    mosquitto: brokers.Broker, tmp_path: Path
) -> None:
    async with (
        journal_at(tmp_path / "j.db") as journal,
        publishing(journal, mosquitto.url) as (publisher, _, pipe),
    ):
        await fill(journal, 1, 3)
        before = await journal.standing()
        lying = Held(through=1, chain="no", fork=True)
        receipt = Receipt(lab="evil", at=noon(), epochs={str(before.epoch): lying})
        commands = Commands(SETTINGS, pipe, publisher, journal, noon)
        topic = TOPICS.receipt("evil")
        renumbered = await commands.receipt(Inbound(topic, receipt.to_bytes(), True, 0, 0, 0))
        after = await journal.standing()

    assert (renumbered, after) == (False, before)
