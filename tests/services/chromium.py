"""Debian's Chromium, driven by Playwright: one process for all tests, one context for each.

The process is started once and every test connects to it anew, so that no event loop lives
from one test to the next: a test that looks at a page is a plain function.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

import run
from tests.services.missing import need
from tests.services.programs import programs

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root has none, and only our own pages are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
TIME_ZONE = "Asia/Shanghai"


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[str]:
    """Run Chromium with its profile in `folder`; yield the address that Playwright connects to."""
    need("Chromium", "Chinese font", "libatomic")
    with programs(folder) as starter:
        profile = f"--user-data-dir={folder / 'profile'}"
        browser = starter.start(str(run.find_chromium()), *FLAGS, profile, "about:blank")
        yield browser.wait_for_line(r"^DevTools listening on (ws://\S+)$", 30)[1]


class Tabs:
    """Opens pages, and remembers what went wrong inside them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.faults: list[str] = []

    def open(
        self,
        url: str = "about:blank",
        *,
        locale: str = "zh-CN",
        width: int = 1920,
        height: int = 1080,
    ) -> Page:
        """Open a page of its own context (no shared cookies) in a language and a size."""
        context = self._browser.new_context(
            locale=locale,
            timezone_id=TIME_ZONE,
            viewport={"width": width, "height": height},
        )
        page = context.new_page()
        page.on("pageerror", self._note)
        page.goto(url)
        return page

    def _note(self, error: Error) -> None:
        self.faults.append(f"{error.name}: {error.message}")

    def close(self) -> None:
        for context in self._browser.contexts:
            context.close()


@contextlib.contextmanager
def tabs(address: str) -> Iterator[Tabs]:
    """Connect to a running Chromium; yield an opener of pages, which are closed at the end."""
    with sync_playwright() as playwright:
        opener = Tabs(playwright.chromium.connect_over_cdp(address))
        try:
            yield opener
        finally:
            opener.close()
