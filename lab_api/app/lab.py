"""The running lab: its rooms, what they tell each other, and the web application over them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from sqlmodel import Session

from gateway.wire.model import Json
from gateway.wire.mqtt import Pipe
from lab_api.app.works import do_work
from lab_api.dispatch.sending import Dispatch
from lab_api.feed.feed import Feed
from lab_api.ingest.holes import Finder
from lab_api.ingest.intake import Intake
from lab_api.ingest.receipts import Receipts
from lab_api.ingest.taking import Outcome
from lab_api.notices.announcing import Announcer
from lab_api.notices.deciding import Publisher, decide_station_again
from lab_api.routes import boards, health, metrics, pages, problems, results, runs, stations
from lab_api.routes.gate import Gate
from lab_api.routes.openapi import described
from lab_api.routes.problems import answer_problems
from lab_api.routes.rooms import Rooms
from lab_api.settings import LabSettings, StationPart
from lab_api.store.engine import is_sqlite, sqlite_file
from lab_api.store.handover import take_work
from lab_api.store.stations import apply_settings
from lab_api.store.store import Store

log = logging.getLogger(__name__)

ROUTERS = (boards, health, runs, results, stations, metrics, problems, pages)


def create_app(settings: LabSettings, store: Store, died: Callable[[], None]) -> FastAPI:
    """The web application of a lab; `died` is told when a room of it has failed for good."""
    app = FastAPI(
        title="Kuaijian 快检 lab",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=partial(_live, settings=settings, store=store, died=died),
    )
    for router in ROUTERS:
        app.include_router(router.router)
    app.mount("/assets/locales", pages.Assets(directory=pages.LOCALES, check_dir=False))
    app.mount("/assets", pages.Assets(directory=pages.PAGES, check_dir=False))
    app.openapi_schema = described(app)
    answer_problems(app)
    app.add_middleware(Gate)
    return app


def furnish(settings: LabSettings, store: Store) -> Rooms:
    """Make the rooms of a lab, each knowing whom it must tell."""
    lab, share = settings.lab.id, settings.mqtt.share
    # A session that outlives us belongs to one client id, and so to a lab of one process.
    durable = is_sqlite(settings.store.url) and not share
    pipe = Pipe(settings.mqtt.broker(), f"kj-lab-{lab}", durable=durable)
    feed, dispatch = Feed(store, lab), Dispatch(store, pipe)
    announcer, receipts = Announcer(store, pipe, lab), Receipts(store, pipe, lab)

    def told(outcome: Outcome) -> None:
        receipts.due(outcome.receipts)
        for station in outcome.boards:
            feed.hint(station)
            announcer.hint(station)
        if outcome.commands:
            dispatch.hint()
        for sentence in rooms.note_alarms(outcome.alarms):
            log.error("%s", sentence)

    def up() -> None:
        rooms.broker_since = datetime.now(UTC)

    def down(_reason: str) -> None:
        rooms.broker_since = None

    intake = Intake(store, pipe, lab, told, share=share)
    finder = Finder(store, lab, told)
    rooms = Rooms(settings, store, pipe, intake, receipts, finder, dispatch, announcer, feed)
    pipe.on_up.append(up)
    pipe.on_down.append(down)
    return rooms


async def work(rooms: Rooms) -> None:
    """Let every room work until cancelled; the first that fails ends them all."""
    async with asyncio.TaskGroup() as tasks:
        for room in (
            rooms.pipe,
            rooms.intake,
            rooms.receipts,
            rooms.finder,
            rooms.dispatch,
            rooms.announcer,
            rooms.feed,
        ):
            tasks.create_task(room.run(), name=type(room).__name__)


@asynccontextmanager
async def _live(
    app: FastAPI, *, settings: LabSettings, store: Store, died: Callable[[], None]
) -> AsyncIterator[None]:
    rooms = furnish(settings, store)
    app.state.rooms = rooms
    publisher = Publisher(settings.lab.id, store.feed, datetime.now(UTC))
    await store.write(partial(open_stations, configured=settings.station, publisher=publisher))
    async with AsyncExitStack() as stack:
        stack.callback(store.close)
        if is_sqlite(settings.store.url):
            await stack.enter_async_context(take_work(sqlite_file(store.url), _doing(rooms)))
        working = asyncio.create_task(work(rooms), name="lab")
        working.add_done_callback(partial(_ended, died=died))
        try:
            yield
        finally:
            rooms.feed.close()
            working.cancel()
            await asyncio.wait([working])


def open_stations(
    session: Session, configured: Sequence[StationPart], publisher: Publisher
) -> None:
    """Bring the settings' stations into the store, and decide again what hung on them."""
    for place in apply_settings(session, configured, publisher.now):
        decide_station_again(session, publisher, place)


def _doing(rooms: Rooms) -> Callable[[str, Json], Awaitable[Json]]:
    async def do(name: str, arguments: Json) -> Json:
        publisher = Publisher(rooms.lab, rooms.store.feed, datetime.now(UTC))
        return await rooms.store.write(lambda session: do_work(session, publisher, name, arguments))

    return do


def _ended(working: asyncio.Task[None], died: Callable[[], None]) -> None:
    """Half a lab is none: the process ends, and whoever started it starts it again."""
    if not working.cancelled() and (error := working.exception()):
        log.critical("a room of the lab failed", exc_info=error)
        died()
