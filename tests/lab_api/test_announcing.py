"""CUSTODY.md 12, 14, 16 over a real broker: announced until taken, commanded until replied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from gateway.wire.board import Board
from gateway.wire.commands import Answer, ReplayCommand, Reply, RunCommand
from gateway.wire.mqtt import Inbound
from gateway.wire.notice import Notice
from gateway.wire.receipt import Receipt
from lab_api.auth import Role
from lab_api.dispatch.sending import Dispatch
from lab_api.ingest.holes import Finder
from lab_api.ingest.sorting import Message
from lab_api.settings import StationPart
from lab_api.store.store import Store
from lab_api.store.tables import StoredCommand, StoredNotice
from tests.lab_api.bench import Played, played, until
from tests.lab_api.conftest import GW1, S0007, Lab
from tests.lab_api.station import FakeGateway
from tests.lab_api.test_routes import sheet
from tests.lab_api.web import Web, running
from tests.services import brokers
from tests.services.brokers import Broker


@asynccontextmanager
async def quick_finder(web: Web) -> AsyncIterator[None]:
    """Finds holes at once, and repeats commands every 0.3 s."""
    rooms, quick = web.rooms, timedelta(seconds=0.2)
    dispatch = Dispatch(rooms.store, rooms.pipe, again=0.3)
    finder = Finder(rooms.store, "lab1", lambda _: dispatch.hint(), ripe_after=quick, every=0.1)
    tasks = [asyncio.create_task(each.run()) for each in (dispatch, finder)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_notices_are_announced_in_order_and_the_board_is_retained(
    store_url: str, mosquitto: Broker
) -> None:
    gateway = FakeGateway()
    async with (
        running(store_url, mosquitto.url) as web,
        played(mosquitto.url, S0007.notice()) as bench,
    ):
        await until(lambda: web.rooms.pipe.connected)
        await bench.send(gateway.status(), gateway.raw_message())
        await bench.send(*gateway.entries(*(f"x{number}" for number in range(30))))
        await until(lambda: len(bench.on(S0007.notice())) == 30)

        said = [Notice.model_validate_json(each.payload) for each in bench.on(S0007.notice())]
        assert [notice.n for notice in said] == list(range(1, 31))
        await until(lambda: all(row.announced_at for row in web.lab.rows(StoredNotice)))
        async with played(mosquitto.url, S0007.board()) as late:
            await until(lambda: _newest_n(late.on(S0007.board())) == 30)


def _newest_n(heard: list[Inbound]) -> int:
    return Board.model_validate_json(heard[-1].payload).n if heard else 0


async def test_what_was_committed_but_not_announced_is_announced_later(
    store_url: str, mosquitto: Broker
) -> None:
    gateway, store = FakeGateway(), Store(store_url)
    before = Lab(store)
    before.know(StationPart(id="s0007", region="210112", publish=True))
    before.take(gateway.status(), *gateway.entries("a", "b"))
    store.close()

    async with (
        played(mosquitto.url, S0007.notice()) as bench,
        running(store_url, mosquitto.url),
    ):
        await until(lambda: len(bench.on(S0007.notice())) == 2)


async def test_where_the_broker_refuses_notices_screens_are_right_all_the_same(
    sqlite_url: str, tmp_path: Path
) -> None:
    gateway = FakeGateway()
    acl = "topic readwrite kuaijian/v1/21/01/12/s0007/gw1/#\n"
    with brokers.mosquitto(tmp_path / "strict", acl=acl) as strict:
        async with running(sqlite_url, strict.url) as web, played(strict.url) as bench:
            await until(lambda: web.rooms.pipe.connected)
            await bench.send(gateway.status(), *gateway.entries("a"))
            await until(lambda: len(web.lab.notices()) == 1)
            reader = await web.rooms.feed.join(S0007)
            await bench.send(*gateway.entries("b"))

            async with asyncio.timeout(3):
                event = await reader.next()
            assert event.n == 2
            await until(lambda: S0007.notice() in web.rooms.announcer.refused)
            assert [row.announced_at for row in web.lab.rows(StoredNotice)] == [None, None]


async def test_of_two_replicas_one_announces(empty_postgres: str, mosquitto: Broker) -> None:
    gateway = FakeGateway()
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(played(mosquitto.url, S0007.notice()))
        replicas = [
            await stack.enter_async_context(running(empty_postgres, mosquitto.url))
            for _ in range(2)
        ]
        await until(lambda: all(each.rooms.pipe.connected for each in replicas))
        await bench.send(gateway.status(), gateway.raw_message())
        await bench.send(*gateway.entries(*(f"x{number}" for number in range(30))))

        await until(lambda: len(bench.on(S0007.notice())) >= 30)
        await asyncio.sleep(0.5)
        numbers = [Notice.model_validate_json(each.payload).n for each in bench.on(S0007.notice())]

    assert numbers == list(range(1, 31))


async def test_a_broker_that_forgot_everything_is_told_again(
    sqlite_url: str, mosquitto: Broker
) -> None:
    gateway = FakeGateway()
    async with running(sqlite_url, mosquitto.url) as web:
        await until(lambda: web.rooms.pipe.connected)
        async with played(mosquitto.url) as bench:
            await bench.send(gateway.status(), gateway.raw_message(), *gateway.entries("a"))
        await until(lambda: len(web.lab.notices()) == 1)

        await asyncio.to_thread(mosquitto.restart)
        await until(lambda: web.rooms.pipe.connected)

        receipt = GW1.receipt("lab1")
        async with played(mosquitto.url, receipt, S0007.board()) as late:
            await until(lambda: bool(late.on(receipt) and late.on(S0007.board())))
            held = Receipt.model_validate_json(late.on(receipt)[-1].payload)
    assert held.epochs[str(gateway.epoch)].through == 1


async def test_a_command_is_repeated_until_its_reply(sqlite_url: str, mosquitto: Broker) -> None:
    gateway, topic = FakeGateway(), GW1.command("run")
    async with (
        running(sqlite_url, mosquitto.url) as web,
        quick_finder(web),
        played(mosquitto.url, topic) as bench,
    ):
        await until(lambda: web.rooms.pipe.connected)
        web.lab.take(gateway.status())
        key = web.key(Role.TECHNICIAN)
        answer = await web.client.post("/api/v1/runs", json=sheet(), headers=key)
        await until(lambda: len(bench.on(topic)) >= 3)

        request = answer.json()["request"]
        said = {RunCommand.model_validate_json(each.payload).request for each in bench.heard}
        assert said == {request}
        reply = Reply(request=request, verb="run", answer=Answer.DONE, at=web.lab.now)
        await bench.send(Message(GW1.reply(request), reply.to_bytes()))
        await until(lambda: web.lab.rows(StoredCommand)[0].answer == "done")
        await asyncio.sleep(0.3)
        times = len(bench.on(topic))
        await asyncio.sleep(0.7)
        assert len(bench.on(topic)) == times


async def test_a_command_waits_for_a_broker_that_is_away(
    sqlite_url: str, mosquitto: Broker
) -> None:
    gateway, topic = FakeGateway(), GW1.command("run")
    await asyncio.to_thread(mosquitto.stop)
    async with running(sqlite_url, mosquitto.url) as web:
        web.lab.take(gateway.status())
        key = web.key(Role.TECHNICIAN)
        answer = await web.client.post("/api/v1/runs", json=sheet(), headers=key)
        assert answer.status_code == 202

        await asyncio.to_thread(mosquitto.start)
        async with played(mosquitto.url, topic) as bench:
            await until(lambda: bool(bench.on(topic)))


async def test_a_reply_from_another_gateway_is_no_reply(sqlite_url: str, mosquitto: Broker) -> None:
    gateway = FakeGateway()
    async with running(sqlite_url, mosquitto.url) as web, played(mosquitto.url) as bench:
        web.lab.take(gateway.status())
        key = web.key(Role.TECHNICIAN)
        answer = await web.client.post("/api/v1/runs", json=sheet(), headers=key)
        request = answer.json()["request"]
        await until(lambda: web.rooms.pipe.connected)
        reply = Reply(request=request, verb="run", answer=Answer.DONE, at=web.lab.now)
        strange = GW1.reply(request).replace("/gw1/", "/gw2/")
        await bench.send(Message(strange, reply.to_bytes()), gateway.status())
        await until(lambda: web.lab.receipt().beats == {"boot-1": 2})

        state = await web.client.get(f"/api/v1/runs/{request}", headers=key)
    assert state.json()["answer"] is None


def asked_on(bench: Played, topic: str) -> set[int]:
    """Every seq that replays asked for."""
    commands = [ReplayCommand.model_validate_json(each.payload) for each in bench.on(topic)]
    return {
        seq
        for command in commands
        for run in command.ranges
        for seq in range(run.first, run.to + 1)
    }


async def test_what_was_lost_after_the_last_puback_is_replayed(
    store_url: str, mosquitto: Broker
) -> None:
    gateway, topic = FakeGateway(), GW1.command("replay")
    kept = dict(enumerate(gateway.entries(*"abcde"), start=1))
    async with (
        running(store_url, mosquitto.url) as web,
        quick_finder(web),
        played(mosquitto.url, topic) as bench,
    ):
        await until(lambda: web.rooms.pipe.connected)
        await bench.send(gateway.raw_message(), kept[1], kept[4], gateway.status())
        await until(lambda: bool(bench.on(topic)))

        assert asked_on(bench, topic) == {2, 3, 5}
        await bench.send(*(kept[seq] for seq in (2, 3, 5)))
        await until(lambda: web.lab.through(gateway.epoch) == 5)


async def test_what_a_dead_member_of_a_share_took_along_is_replayed(
    empty_postgres: str, mosquitto: Broker
) -> None:
    gateway, topic = FakeGateway(), GW1.command("replay")
    kept = dict(enumerate(gateway.entries(*(f"x{n}" for n in range(40))), start=1))
    async with (
        running(empty_postgres, mosquitto.url, share="lab") as alive,
        quick_finder(alive),
        played(mosquitto.url, topic) as bench,
    ):
        async with running(empty_postgres, mosquitto.url, share="lab") as dying:
            await until(lambda: alive.rooms.pipe.connected and dying.rooms.pipe.connected)
            event.listen(dying.lab.store.writing, "commit", _database_away)
            await asyncio.sleep(0.2)
            await bench.send(gateway.raw_message(), *kept.values())
            await until(lambda: dying.rooms.intake.trouble is not None)
        await bench.send(gateway.status())

        sent: set[int] = set()
        async with asyncio.timeout(20):
            while alive.lab.through(gateway.epoch) < 40:
                again = asked_on(bench, topic) - sent
                await bench.send(*(kept[seq] for seq in again))
                sent |= again
                await asyncio.sleep(0.05)
        assert len(alive.lab.notices()) == 40


def _database_away(_connection: object) -> None:
    raise OperationalError("COMMIT", {}, ConnectionError("the database is away"))
