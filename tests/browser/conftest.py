"""A market for every test that looks at a page."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.market import Lab, Market
from tests.browser.station import Station
from tests.services.brokers import Broker
from tests.services.chromium import Tabs
from tests.services.programs import Programs


@pytest.fixture
def lab(programs: Programs, mosquitto: Broker, tmp_path: Path) -> Lab:
    """A running lab that publishes the station."""
    return Lab(programs, mosquitto, tmp_path)


@pytest.fixture
def market(lab: Lab, mosquitto: Broker, tabs: Tabs) -> Market:
    """A demonstration market whose gateway is online."""
    station = Station(mosquitto)
    station.come_online()
    return Market(lab, station, tabs)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line that is read also when the test passes: what was measured."""

    def tell(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return tell
