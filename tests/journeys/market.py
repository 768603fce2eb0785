"""A station and its lab as real processes, for journeys from the wire to the screen."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.services.brokers import Broker
from tests.services.ports import free_port
from tests.services.programs import Program, Programs, entry_point

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Bench:
    """One link of the station: its URL, and the instrument on it."""

    url: str
    instrument: str = "pest-1"
    profile: str = "fsra-24"


@dataclass
class Market:
    """Writes the settings, starts the programs, and asks the lab what it shows."""

    programs: Programs
    broker: Broker
    folder: Path
    benches: Sequence[Bench]
    demo: bool = True
    station: str = "s0007"
    store: str = ""
    port: int = field(default_factory=free_port)
    gateway: Program | None = None
    lab: Program | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.station_toml.write_text(self._station_settings(), encoding="utf-8")
        self.lab_toml.write_text(self._lab_settings(), encoding="utf-8")

    @property
    def station_toml(self) -> Path:
        return self.folder / "station.toml"

    @property
    def lab_toml(self) -> Path:
        return self.folder / "lab.toml"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_gateway(self) -> Program:
        """Start the gateway; returns at once."""
        self.gateway = self.programs.start("kj-gateway", "run", "--config", self.station_toml)
        return self.gateway

    def start_lab(self) -> Program:
        """Start the lab and return once it answers."""
        self.lab = self.programs.start("kj-lab", "run", "--config", self.lab_toml)
        self.lab.wait_for_port(self.port, 30)
        return self.lab

    def status(self) -> dict[str, Any] | None:
        """What the gateway says of itself; None while it does not answer."""
        told = subprocess.run(
            [entry_point("kj-gateway"), "status", "--config", self.station_toml, "--json"],
            capture_output=True,
            check=False,
        )
        found: dict[str, Any] = json.loads(told.stdout or "{}")
        return found if found.get("running") else None

    def key(self, role: str) -> str:
        """A fresh key of the lab."""
        made = subprocess.run(
            [entry_point("kj-lab"), "key", "add", "--role", role, "--config", self.lab_toml],
            capture_output=True,
            check=True,
            text=True,
        )
        return made.stdout.strip()

    def get(self, path: str, key: str | None = None) -> Any:
        """What the lab answers to GET, as JSON; raises urllib.error.HTTPError."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def board(self) -> dict[str, Any]:
        """The board as the public gets it; empty while there is none."""
        try:
            found: dict[str, Any] = self.get(f"/api/v1/boards/{self.station}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            error.close()
            return {"rows": []}
        return found

    def results(self, key: str) -> list[dict[str, Any]]:
        """Every result in the lab."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"/api/v1/results?limit=200{cursor}", key)
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def send_sheet(self, key: str, samples: Sequence[dict[str, Any]], **other: Any) -> str:
        """Send a run sheet that covers today, and return the request once it is done."""
        now = datetime.now(ZONE)
        sheet = {
            "station": self.station,
            "gateway": "gw1",
            "run": "r1",
            "version": 1,
            "instrument": self.benches[0].instrument,
            "from": (now - timedelta(hours=6)).isoformat(timespec="seconds"),
            "to": (now + timedelta(hours=6)).isoformat(timespec="seconds"),
            "samples": list(samples),
        } | other
        request = urllib.request.Request(
            f"{self.url}/api/v1/runs",
            json.dumps(sheet).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            named = str(json.load(answer)["request"])
        wait_until(lambda: self.get(f"/api/v1/runs/{named}", key)["answer"] == "done")
        return named

    def _station_settings(self) -> str:
        links = "\n".join(
            f'[[link]]\nname = "bench-{n}"\nurl = "{bench.url}"\n'
            f'instruments = [{{ id = "{bench.instrument}", profile = "{bench.profile}" }}]'
            for n, bench in enumerate(self.benches, 1)
        )
        return f"""
[station]
id = "{self.station}"
region = "210112"
name = "浑南农贸市场快检室"
lab = "lab1"
demo = {str(self.demo).lower()}
[gateway]
id = "gw1"
[journal]
url = "sqlite:///{self.journal}"
[mqtt]
url = "{self.broker.url}"
[retention]
needs = ["lab1"]
{links}
"""

    def _lab_settings(self) -> str:
        return f"""
[lab]
id = "lab1"
[store]
url = "{self.store or f"sqlite:///{self.folder}/lab.db"}"
[mqtt]
url = "{self.broker.url}"
[http]
listen = "127.0.0.1:{self.port}"
public-url = "{self.url}"
[[station]]
id = "{self.station}"
region = "210112"
publish = true
"""


def wait_until(holds: Callable[[], Any], seconds: float = 30, every: float = 0.05) -> Any:
    """Return what `holds` gives once it is true; TimeoutError otherwise."""
    until = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > until:
            raise TimeoutError(f"expected within {seconds} s: {holds}")
        time.sleep(every)
    return found
