"""The load form of tests/journeys/test_kill.py: two hundred deaths (about ten minutes)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.killing import check, kill_and_count
from tests.journeys.market import Bench, Market
from tests.services.brokers import Broker
from tests.services.ports import free_port
from tests.services.programs import Programs


@pytest.mark.timeout(1800)
def test_what_was_acknowledged_is_in_the_lab_exactly_once_after_two_hundred_kills(
    programs: Programs, mosquitto: Broker, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    ports = [free_port(), free_port(), free_port()]
    benches = [Bench(f"tcp+listen://127.0.0.1:{port}", f"a{port}") for port in ports]
    market = Market(programs, mosquitto, tmp_path / "m", benches)
    market.start_lab()
    key = market.key("monitor")
    market.start_gateway()

    senders = kill_and_count(market, ports, kills=200, seed=11)

    measured(f"two hundred kills: {check(market, senders, key)}")
