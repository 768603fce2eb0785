"""The consumer over a real broker: commit, then acknowledge; poison costs only itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from gateway.wire.model import canonical
from gateway.wire.mqtt import Broker, Inbound, Pipe
from gateway.wire.receipt import Receipt
from lab_api.ingest.intake import Intake, filters
from lab_api.ingest.receipts import Receipts
from lab_api.ingest.sorting import Message
from lab_api.ingest.taking import Outcome
from lab_api.store.tables import Refused, StoredResult
from tests.lab_api.conftest import GW1, Lab
from tests.lab_api.station import FakeGateway, payload
from tests.services.brokers import Broker as Running


@dataclass
class Line:
    """An intake on a broker, and a gateway's own connection to it."""

    intake: Intake
    gateway: Pipe
    outcomes: list[Outcome] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    async def send(self, *messages: Message) -> None:
        await asyncio.gather(*(self.gateway.publish(each.topic, each.payload) for each in messages))

    async def until(self, holds: Callable[[], bool], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 (what it waits for sets no event)
                await asyncio.sleep(0.02)


@asynccontextmanager
async def line(lab: Lab, broker: Running) -> AsyncIterator[Line]:
    ours = Pipe(Broker(f"mqtt://127.0.0.1:{broker.port}"), "kj-lab-lab1", durable=True)
    theirs = Pipe(Broker(f"mqtt://127.0.0.1:{broker.port}"), "gw1")
    receipts = Receipts(lab.store, ours, "lab1")
    outcomes: list[Outcome] = []

    def told(outcome: Outcome) -> None:
        outcomes.append(outcome)
        receipts.due(outcome.receipts)

    made = Line(Intake(lab.store, ours, "lab1", told), theirs, outcomes)

    def hear(inbound: Inbound) -> None:
        made.receipts.append(Receipt.model_validate_json(inbound.payload))
        theirs.acknowledge(inbound)

    theirs.subscribe(GW1.receipt("lab1"), hear)
    tasks = [asyncio.create_task(each.run()) for each in (ours, theirs, made.intake, receipts)]
    try:
        await made.until(lambda: ours.connected and theirs.connected)
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _confirmed(it: Line, gateway: FakeGateway) -> int:
    return it.receipts[-1].epochs[str(gateway.epoch)].through if it.receipts else 0


def poison(gateway: FakeGateway) -> Message:
    """An entry that every model takes and no column: its instant has no place in UTC."""
    return gateway.entry(payload("poison", received_at="0001-01-01T00:00:00+08:00"))


async def test_what_a_broker_brings_is_stored_and_confirmed(lab: Lab, mosquitto: Running) -> None:
    gateway = FakeGateway()
    async with line(lab, mosquitto) as it:
        await it.send(gateway.status(), gateway.raw_message(), *gateway.entries(*"abc"))

        await it.until(lambda: _confirmed(it, gateway) == 3)

    assert it.receipts[-1].beats == {"boot-1": 1}
    assert len(lab.board().rows) == 3


async def test_one_poison_in_five_hundred_costs_only_itself(lab: Lab, mosquitto: Running) -> None:
    gateway = FakeGateway()
    before = gateway.entries(*(f"a{number}" for number in range(250)))
    bad = poison(gateway)
    after = gateway.entries(*(f"b{number}" for number in range(249)))

    async with line(lab, mosquitto) as it:
        await it.send(gateway.raw_message(), *before, bad, *after)
        await it.until(lambda: lab.through(gateway.epoch) == 500, 30)

    assert len(lab.rows(StoredResult)) == 499
    (refused,) = lab.rows(Refused)
    assert refused.payload == bad.payload
    assert "values that the store can hold expected" in refused.reason


async def test_a_refused_message_is_acknowledged_and_does_not_come_again(
    lab: Lab, mosquitto: Running
) -> None:
    gateway = FakeGateway()
    async with line(lab, mosquitto) as it:
        await it.send(Message(GW1.result("pest-1"), b"not json"), *gateway.entries("a"))
        await it.until(lambda: it.intake.taken == 1)

    async with line(lab, mosquitto) as again:
        await again.send(*gateway.entries("b"))
        await again.until(lambda: again.intake.taken == 1)

    assert len(lab.rows(Refused)) == 1


async def test_what_was_not_committed_comes_again(lab: Lab, mosquitto: Running) -> None:
    gateway = FakeGateway()
    fails = _fail_writes(lab, times=2)
    async with line(lab, mosquitto) as it:
        await it.send(gateway.raw_message(), *gateway.entries("a", "b"))
        await it.until(lambda: it.intake.trouble is not None)
        assert lab.rows(StoredResult) == []

        await it.until(lambda: lab.through(gateway.epoch) == 2)

    assert fails == []
    assert it.intake.trouble is None


async def test_a_lab_that_stops_before_it_commits_gets_it_again(
    lab: Lab, mosquitto: Running
) -> None:
    gateway = FakeGateway()
    fails = _fail_writes(lab, times=1000)
    async with line(lab, mosquitto) as it:
        await it.send(gateway.raw_message(), *gateway.entries("a"))
        await it.until(lambda: it.intake.trouble is not None)
    fails.clear()

    async with line(lab, mosquitto) as again:
        await again.until(lambda: lab.through(gateway.epoch) == 1)


async def test_a_retained_status_proves_nothing_about_now(lab: Lab, mosquitto: Running) -> None:
    gateway = FakeGateway()
    old = json.loads(gateway.status().payload) | {"at": "2026-11-24T01:00:00+08:00"}
    async with line(lab, mosquitto) as it:
        await it.gateway.publish(GW1.status(), canonical(old), retain=True)
        await it.until(lambda: bool(it.outcomes))

    age = lab.board().proof.gateway_age_s
    assert age is not None
    assert age >= 3600


def _fail_writes(lab: Lab, times: int) -> list[int]:
    """Let the next transactions of the writer end as on a database that does not answer."""
    left = list(range(times))

    def refuse(_connection: object) -> None:
        if left:
            left.pop()
            raise OperationalError("COMMIT", {}, ConnectionError("the database is away"))

    event.listen(lab.store.writing, "commit", refuse)
    return left


@pytest.mark.parametrize(("share", "shared"), [("", False), ("lab", True)])
def test_only_results_are_shared_between_replicas(share: str, shared: bool) -> None:
    found = filters(share)

    assert [each.startswith("$share/lab/") for each in found] == [shared] + [False] * 4
    assert sum("/result/" in each for each in found) == 1
