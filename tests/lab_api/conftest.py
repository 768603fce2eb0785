"""A store of either kind, and a lab that takes messages into it without a broker."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import select, text
from sqlmodel import Session, SQLModel

from gateway.wire.board import Board
from gateway.wire.notice import Notice
from gateway.wire.receipt import Receipt
from gateway.wire.topics import GatewayTopics, StationTopics
from lab_api.app.lab import open_stations
from lab_api.ingest.sorting import Message, sort
from lab_api.ingest.taking import Outcome, Taking
from lab_api.notices.deciding import Publisher
from lab_api.settings import StationPart
from lab_api.store.boards import Glance, board_of, notices_after
from lab_api.store.engine import writing_engine
from lab_api.store.gateways import receipt_for
from lab_api.store.stations import apply_settings
from lab_api.store.store import Store
from tests.lab_api.station import NOON
from tests.services.postgres import Cluster

T = TypeVar("T")
S0007 = StationTopics("210112", "s0007")
GW1 = GatewayTopics("210112", "s0007", "gw1")


@dataclass
class Lab:
    """A lab's store, and what may be done to it at an instant of the test's choice."""

    store: Store
    now: datetime = NOON
    id: str = "lab1"

    def know(self, *stations: StationPart) -> None:
        self.write(partial(apply_settings, configured=stations, now=self.now))

    def open_stations(self, *stations: StationPart) -> None:
        """As at the start of a lab whose settings name these stations."""

        def work(session: Session) -> None:
            publisher = Publisher(self.id, self.store.feed, self.now)
            open_stations(session, stations, publisher)

        self.write(work)

    def take(self, *messages: Message) -> Outcome:
        """Take messages as one batch."""

        def take(session: Session) -> Outcome:
            return self.taking(session).take([sort(message) for message in messages])

        return self.write(take)

    def taking(self, session: Session) -> Taking:
        return Taking(session, Publisher(self.id, self.store.feed, self.now))

    def write(self, work: Callable[[Session], T]) -> T:
        return self.store.write_now(work)

    def read(self, work: Callable[[Session], T]) -> T:
        return self.store.read_now(work)

    def rows(self, model: type[T]) -> Sequence[T]:
        """Every row of a table."""
        return self.read(lambda session: _all(session, model))

    def receipt(self, gateway: GatewayTopics = GW1) -> Receipt:
        return self.read(partial(receipt_for, lab=self.id, gateway=gateway, now=self.now))

    def through(self, epoch: int) -> int:
        """How far an epoch of gw1 is held; 0 before anything came."""
        held = self.receipt().epochs.get(str(epoch))
        return held.through if held else 0

    def board(self, station: str = "s0007") -> Board:
        glance = Glance(self.id, self.store.feed, self.now)
        found = self.read(partial(board_of, glance=glance, station_id=station))
        assert found is not None
        return found

    def notices(self, station: StationTopics = S0007) -> list[Notice]:
        """What the public was told, in order."""
        told = self.read(partial(notices_after, station=station, n=0, most=1000))
        return [Notice.model_validate_json(each.payload) for each in told]

    def deeds(self) -> list[tuple[int, str]]:
        return [(notice.n, str(notice.deed)) for notice in self.notices()]


def _all(session: Session, model: type[T]) -> Sequence[T]:
    found = session.scalars(select(model)).all()
    session.expunge_all()
    return found


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating costs more than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    Store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(cluster: Cluster) -> Iterator[str]:
    """A migrated PostgreSQL database, emptied between tests."""
    with cluster.database() as url:
        Store(url).close()
        yield url


@pytest.fixture
def empty_postgres(migrated_postgres: str) -> str:
    """The migrated PostgreSQL database, with nothing in it."""
    engine = writing_engine(migrated_postgres)
    with engine.begin() as connection:
        names = ", ".join(f'"{table}"' for table in SQLModel.metadata.tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    engine.dispose()
    return migrated_postgres


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of an empty, migrated SQLite store."""
    path = tmp_path / "store.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite_url", "empty_postgres"], ids=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty, migrated store, of each kind one after the other."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store of each kind."""
    made = Store(store_url)
    yield made
    made.close()


@pytest.fixture
def lab(store: Store) -> Lab:
    """A lab that publishes station s0007."""
    made = Lab(store)
    made.know(StationPart(id="s0007", region="210112", publish=True))
    return made
