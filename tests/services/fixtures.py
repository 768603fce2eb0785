"""The services as fixtures. Each is started when a test first asks, and is gone with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.services import brokers, chromium, postgres, programs
from tests.services.brokers import Broker
from tests.services.chromium import Tabs
from tests.services.postgres import Cluster
from tests.services.programs import Programs
from tests.services.subscriber import Subscription
from tests.services.virtual_port import VirtualPort


@pytest.fixture(name="programs")
def programs_fixture(tmp_path: Path) -> Iterator[Programs]:
    """Starts programs (`programs.start("kj-gateway", "run", …)`) and reaps them."""
    with programs.programs(tmp_path / "programs") as starter:
        yield starter


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """A mosquitto of the test's own, without a memory of its past."""
    with brokers.mosquitto(tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture
def lasting_mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """A mosquitto that keeps what it held over a restart."""
    with brokers.mosquitto(tmp_path / "mosquitto", persistent=True) as broker:
        yield broker


@pytest.fixture(params=["mosquitto", "iotcore"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Each broker that we may run beside us, one after the other."""
    kinds = {"mosquitto": brokers.mosquitto, "iotcore": brokers.iotcore}
    with kinds[request.param](tmp_path / request.param) as running:
        yield running


@pytest.fixture
def subscribe(programs: Programs) -> Callable[..., Subscription]:
    """Reads topics with mosquitto_sub: `subscribe(broker, "kuaijian/v1/#")`."""

    def subscribe(broker: Broker, *topics: str) -> Subscription:
        return Subscription(programs, broker, *topics)

    return subscribe


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for all tests."""
    with postgres.postgres() as running:
        yield running


@pytest.fixture
def postgres_url(cluster: Cluster) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database of the test's own."""
    with cluster.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of an empty database, of each kind one after the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def chromium_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Chromium for all tests."""
    with chromium.chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture
def tabs(chromium_address: str) -> Iterator[Tabs]:
    """Opens pages in a language and size; an uncaught error inside one fails the test."""
    with chromium.tabs(chromium_address) as opener:
        yield opener
    assert opener.faults == []


@pytest.fixture
def locale() -> str:
    """The language of `page`; a test parametrizes it, or overrides it in its module."""
    return "zh-CN"


@pytest.fixture
def page(tabs: Tabs, locale: str) -> Page:
    """An empty page of 1920×1080 in the language of `locale`."""
    return tabs.open(locale=locale)


@pytest.fixture
def virtual_port(tmp_path: Path) -> Iterator[VirtualPort]:
    """A serial cable with the instrument's end in the test's hand."""
    port = VirtualPort(tmp_path / "ttyInstrument")
    yield port
    port.unplug()
