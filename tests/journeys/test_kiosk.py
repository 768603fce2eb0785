"""The whole way: bytes on a pty, a row in Chromium's DOM, in both languages (G7, G9)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.analyser import Analyser, SocketLine, frames, message
from tests.journeys.market import Bench, Market, wait_until
from tests.services.brokers import Broker
from tests.services.chromium import Tabs
from tests.services.ports import free_port
from tests.services.programs import Programs
from tests.services.virtual_port import VirtualPort

Dial = Callable[[int], SocketLine]

SHEET = [
    {
        "number": f"N{n:04d}",
        "food": "01040201",
        "food_name": "上海青",
        "stall": f"A-{n:03d}",
        "origin": "河北唐山",
    }
    for n in range(1, 61)
]
WORDS = {"zh-CN": ("快检合格", "农药残留"), "en": ("Screen: pass", "Pesticide")}


def ready(market: Market) -> str:
    """Start everything and send the sheet; returns a technician's key."""
    market.start_gateway()
    market.start_lab()
    key = market.key("technician")
    market.send_sheet(key, SHEET)
    return key


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_bytes_on_a_pty_become_a_row_on_the_kiosk(
    programs: Programs, mosquitto: Broker, tmp_path: Path, tabs: Tabs, language: str
) -> None:
    port = VirtualPort(tmp_path / "ttyPEST")
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(port.url)])
    ready(market)
    url = f"{market.url}/kiosk/{market.station}?lang={language}"
    page = tabs.open(url, locale=language)

    assert Analyser(port).send(frames(message("N0001", "12.6")))

    row = page.locator("tbody tr", has_text="A-001")
    row.wait_for(timeout=15_000)
    text = row.inner_text()
    assert all(word in text for word in (*WORDS[language], "12.6%"))
    port.unplug()


def test_positives_invalid_tests_and_quality_control_are_not_shown(
    programs: Programs, mosquitto: Broker, tmp_path: Path, dial: Dial
) -> None:
    port = free_port()
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])
    key = ready(market)
    analyser = Analyser(dial(port))

    for made in (
        message("N0001", "62.4"),
        message("N0002", "---.-"),
        message("N0003", "8.0", purpose="Q"),
        message("UNKNOWN", "9.0"),
        message("N0004", "50.0"),
        message("N0005", "12.6"),
    ):
        assert analyser.send(frames(made))

    wait_until(lambda: len(market.board()["rows"]) == 1 and len(market.results(key)) == 6)
    (row,) = market.board()["rows"]
    assert (row["sample"], row["verdict"]) == ("N0005", "pass")


def test_a_real_station_publishes_nothing_while_no_rule_is_verified(
    programs: Programs, mosquitto: Broker, tmp_path: Path, dial: Dial
) -> None:
    port = free_port()
    bench = Bench(f"tcp+listen://127.0.0.1:{port}")
    market = Market(programs, mosquitto, tmp_path / "m", [bench], demo=False)
    key = ready(market)

    assert Analyser(dial(port)).send(frames(message("N0001", "12.6")))

    (result,) = wait_until(lambda: market.results(key))
    assert (result["state"], result["reason"]) == ("held", "rule-not-verified")
    assert market.board()["rows"] == []


def test_last_byte_to_row_takes_under_a_second(
    programs: Programs,
    mosquitto: Broker,
    tmp_path: Path,
    tabs: Tabs,
    dial: Dial,
    measured: Callable[[str], None],
) -> None:
    port = free_port()
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])
    ready(market)
    page = tabs.open(f"{market.url}/kiosk/{market.station}?lang=zh-CN")
    analyser = Analyser(dial(port))
    took: list[float] = []

    for n in range(1, 51):
        assert analyser.bid() == b"\x06"
        for one in frames(message(f"N{n:04d}", "12.6")):
            analyser.line.write(one)
            analyser.line.read(1)
        begun = time.perf_counter()
        page.wait_for_function(
            "stall => [...document.querySelectorAll('tbody tr')]"
            ".some(row => row.textContent.includes(stall))",
            arg=f"A-{n:03d}",
            polling=10,
            timeout=10_000,
        )
        took.append(time.perf_counter() - begun)
        analyser.line.write(b"\x04")

    median = statistics.median(took)
    measured(f"last byte to DOM row: median {median * 1000:.0f} ms of 50, worst {max(took):.3f} s")
    assert median < 3
