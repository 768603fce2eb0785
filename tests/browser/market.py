"""One market as the browser meets it: a lab of its own, a station, and screens to look at."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page

from tests.browser.station import LAB, REGION, Station
from tests.services.brokers import Broker
from tests.services.chromium import Tabs
from tests.services.ports import LOOPBACK, free_port
from tests.services.programs import Program, Programs


class Lab:
    """`kj-lab run` on a free port, with a store on disk; it comes back where it was."""

    def __init__(
        self, programs: Programs, broker: Broker, folder: Path, stations: Sequence[str]
    ) -> None:
        self._programs = programs
        self.port = free_port()
        self.store = folder / "lab.db"
        self.settings = folder / "lab.toml"
        self.settings.write_text(
            f'[lab]\nid = "{LAB}"\n'
            f'[store]\nurl = "sqlite:///{self.store}"\n'
            f'[mqtt]\nurl = "{broker.url}"\n'
            f'[http]\nlisten = "{LOOPBACK}:{self.port}"\npublic-url = "{self.url}"\n'
            + "".join(
                f'[[station]]\nid = "{each}"\nregion = "{REGION}"\npublish = true\n'
                for each in stations
            ),
            "utf-8",
        )
        self.start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def program(self) -> Program:
        return self._programs.started[-1]

    def start(self) -> None:
        """Start it and return once it answers."""
        lab = self._programs.start("kj-lab", "run", "--config", str(self.settings))
        lab.wait_for_port(self.port, 30)

    def kill(self) -> None:
        """kill -9."""
        self.program.kill()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """For a while it holds every connection, and says nothing."""
        self.program.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.program.send(signal.SIGCONT)

    def copy_store(self, to: Path) -> None:
        """Copy the store as a backup does."""
        with (
            contextlib.closing(sqlite3.connect(self.store)) as here,
            contextlib.closing(sqlite3.connect(to)) as there,
        ):
            here.backup(there)

    def restore(self, copy: Path) -> None:
        """Put an older store in the place of this one, by the lab's own command."""
        command = ("kj-lab", "restore", "--config", str(self.settings), "--from", str(copy))
        restoring = self._programs.start(*command)
        assert restoring.wait(30) == 0, restoring.output


class Screen:
    """An open kiosk page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        self.said.append(f"{message.type}: {message.text}")

    @property
    def rows(self) -> Locator:
        return self.page.locator("#rows > tr")

    def row(self, result: str) -> Locator:
        return self.page.locator(f'#rows > tr[data-result="{result}"]')

    def in_state(self, state: str) -> Locator:
        """The body while it shows a state of freshness: live, delayed, stale, offline …"""
        return self.page.locator(f'body[data-state="{state}"]')

    def wait_for_state(self, state: str, seconds: float = 10) -> None:
        self.in_state(state).wait_for(timeout=seconds * 1000)

    def wait_for_row(self, result: str, seconds: float = 10) -> Locator:
        row = self.row(result)
        row.wait_for(state="attached", timeout=seconds * 1000)
        return row

    def shown(self) -> list[str]:
        """The results in the table from top to bottom."""
        found: list[str] = self.rows.evaluate_all("rows => rows.map(row => row.dataset.result)")
        return found

    def pass_time(self, seconds: float) -> None:
        """Let the page's own clock jump; it must have been opened with `own_clock`."""
        self.page.clock.fast_forward(int(seconds * 1000))

    def board(self) -> list[str]:
        """The results on the lab's board now, newest first."""
        address = self.page.url.split("?")[0].replace("/kiosk/", "/api/v1/boards/")
        return [row["result"] for row in self.page.request.get(address).json()["rows"]]

    def colour(self, selector: str, what: str = "backgroundColor") -> str:
        found: str = self.page.eval_on_selector(
            selector, f"element => getComputedStyle(element).{what}"
        )
        return found


class Market:
    """A lab, a station and any number of screens."""

    def __init__(self, lab: Lab, station: Station, tabs: Tabs) -> None:
        self.lab, self.station, self._tabs = lab, station, tabs

    def screen(
        self,
        locale: str = "zh-CN",
        *,
        width: int = 1920,
        height: int = 1080,
        query: str = "",
        station: str | None = None,
        own_clock: bool = False,
    ) -> Screen:
        """Open the kiosk page; `own_clock` lets the test move the page's time."""
        page = self._tabs.open(locale=locale, width=width, height=height)
        if own_clock:
            page.clock.install()
        screen = Screen(page)
        page.goto(f"{self.lab.url}/kiosk/{station or self.station.id}{query}")
        return screen
