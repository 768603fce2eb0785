"""The pictures of the README: `python -m tests.browser.pictures` draws them anew.

A real lab, a real browser, and a morning that was made up.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import run
from tests.browser.market import Lab, Market
from tests.browser.station import Station
from tests.services import brokers
from tests.services.chromium import chromium, tabs
from tests.services.programs import programs

FOLDER = run.ROOT / "docs" / "img"
INHIBITION = {"item": "opc-inhibition", "method": "INH", "standard": "GB/T 5009.199-2003"}
MALACHITE = {"item": "malachite-green", "method": "GICA", "standard": "KJ 201701"}
NITRITE = {"item": "nitrite", "method": "PHOT", "standard": "GB 5009.33-2016"}
NOT_DETECTED = {"as_reported": "阴性", "number": None, "comparator": None, "grade": "negative"}
ABSENT = {"pass_when": "not_detected", "number": None, "unit": None}
AT_MOST_20 = {"pass_when": "le", "number": "20", "unit": "mg/kg"}

VEGETABLES = [
    *[("A-013", "01040201", "河北唐山", "12.6"), ("A-021", "01040501", "山东寿光", "8.3")],
    *[("B-008", "01060101", "辽宁凌源", "21.0"), ("B-015", "01040101", "辽宁新民", "17.2")],
    *[("A-004", "01070201", "海南三亚", "5.9"), ("C-019", "01050101", "山东寿光", "10.4")],
    *[("A-030", "01010101", "辽宁海城", "23.7"), ("B-002", "01040301", "辽宁新民", "3.1")],
    *[("C-007", "01080401", "内蒙古乌兰察布", "2.4"), ("A-017", "01020301", "河北张家口", "9.8")],
    *[("B-026", "01050301", "河南扶沟", "14.5"), ("C-011", "01040401", "辽宁沈阳", "11.9")],
]


PICTURES = [("s0007", "zh-CN"), ("s0008", "en")]


def zone_of_the_morning() -> str:
    """A time zone in which it is about seven o'clock now, whenever the pictures are drawn."""
    ahead = (7 - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"


def morning() -> list[dict[str, Any]]:
    """What was measured, oldest first."""
    found: list[dict[str, Any]] = []
    for times in range(3):
        for stall, food, origin, number in VEGETABLES:
            value = f"{float(number) + 1.3 * times:.1f}"
            found.append(
                {
                    "sample": {"stall": stall, "food": food, "origin": origin},
                    "test": INHIBITION,
                    "value": {"as_reported": value, "number": value},
                }
            )
    fish = {"stall": "D-004", "food": None, "food_name": "草鱼", "origin": "辽宁盘锦"}
    beef = {"stall": "E-002", "food": None, "food_name": "酱牛肉", "origin": "辽宁沈阳"}
    found.insert(
        -4,
        {"sample": fish, "test": MALACHITE, "value": NOT_DETECTED, "verdict": {"limit": ABSENT}},
    )
    amount = {"as_reported": "11", "number": "11", "unit": "mg/kg"}
    found.insert(
        -2, {"sample": beef, "test": NITRITE, "value": amount, "verdict": {"limit": AT_MOST_20}}
    )
    return found


def publish(station: Station) -> None:
    tests = morning()
    bodies = [station.body(**test) for test in tests]
    for place, body in enumerate(reversed(bodies)):
        at = datetime.fromisoformat(body["measured_at"]) - timedelta(seconds=47 * place + 90)
        body["measured_at"] = at.isoformat()
        body["effective_at"] = {"at": at.isoformat(), "from": "instrument"}
    station.say(*bodies[:-2])


def draw(folder: Path) -> None:
    with (
        brokers.mosquitto(folder / "mosquitto") as broker,
        programs(folder / "programs") as ours,
        chromium(folder / "chromium") as address,
        tabs(address) as opener,
    ):
        lab = Lab(ours, broker, folder, [id_ for id_, _ in PICTURES])
        for id_, locale in PICTURES:
            station = Station(broker, id_, zone_of_the_morning())
            station.come_online()
            publish(station)
            screen = Market(lab, station, opener).screen(locale)
            screen.wait_for_state("live")
            screen.page.locator("#code-image").wait_for()
            newest = [station.body(**test) for test in morning()[-2:]]
            station.say(*newest)
            screen.wait_for_row(newest[-1]["id"])
            screen.page.wait_for_timeout(1500)
            screen.page.screenshot(path=FOLDER / f"kiosk-{locale[:2]}.png")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kuaijian-pictures-") as made:
        draw(Path(made))
