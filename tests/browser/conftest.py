"""A market for every test that looks at a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.market import Lab, Market
from tests.browser.station import Station
from tests.services import brokers
from tests.services.brokers import Broker
from tests.services.chromium import Tabs
from tests.services.programs import Programs, programs

STATIONS = [f"s{number:04d}" for number in range(1, 100)]


@dataclass(frozen=True, slots=True)
class Town:
    """One lab for many stations; every test takes the next."""

    lab: Lab
    broker: Broker
    stations: Iterator[str]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A lab and its broker that all tests share."""
    folder = tmp_path_factory.mktemp("town")
    with brokers.mosquitto(folder / "mosquitto") as broker, programs(folder / "programs") as ours:
        yield Town(Lab(ours, broker, folder, STATIONS), broker, iter(STATIONS))


@pytest.fixture
def market(town: Town, tabs: Tabs) -> Market:
    """A demonstration market whose gateway is online."""
    station = Station(town.broker, next(town.stations))
    station.come_online()
    return Market(town.lab, station, tabs)


@pytest.fixture
def own_market(programs: Programs, mosquitto: Broker, tmp_path: Path, tabs: Tabs) -> Market:
    """The same with a lab of the test's own, which it may break."""
    station = Station(mosquitto, STATIONS[0])
    lab = Lab(programs, mosquitto, tmp_path, STATIONS[:1])
    station.come_online()
    return Market(lab, station, tabs)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line that is read also when the test passes: what was measured."""

    def tell(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return tell
