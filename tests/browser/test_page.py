"""The page as a whole: quick, quiet, and whole at every size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.market import Market

SIZES = [
    (1920, 1080),
    (1366, 768),
    (1280, 720),
    (3840, 2160),
    (1024, 768),
    (1080, 1920),
    (390, 844),
]
LONG = {"stall": "东区蔬菜大厅 B 排 1024-1026 号", "origin": "山东省寿光市稻田镇崔岭西村蔬菜合作社"}
DEMO_SIZE = 60

# Everything of a shown row lies inside that row, and the row inside the place of the rows.
OUTSIDE = """() => {
  const inside = (inner, outer) =>
    inner.left >= outer.left - 2 && inner.right <= outer.right + 2 &&
    inner.top >= outer.top - 2 && inner.bottom <= outer.bottom + 2;
  const place = document.querySelector("#results").getBoundingClientRect();
  const found = [];
  for (const row of document.querySelectorAll("#rows > tr:not([hidden])")) {
    const box = row.getBoundingClientRect();
    if (!inside(box, place)) found.push(`row ${row.dataset.notice}`);
    for (const part of row.querySelectorAll("span, .verdict-face, .verdict-face b")) {
      const area = part.getBoundingClientRect();
      if (area.width && !inside(area, box)) found.push(part.className + " " + part.textContent);
    }
  }
  for (const name of [".leaf", ".market", ".number", ".freshness", ".counts", "h1", ".foot"]) {
    const area = document.querySelector(name).getBoundingClientRect();
    if (area.left < -20 || area.right > innerWidth + 1) found.push(name);
    const scrolls = document.documentElement.scrollHeight > innerHeight;
    if (!scrolls && area.bottom > innerHeight + 1) found.push(`${name} below`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("page is too wide");
  return found;
}"""


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_nothing_is_cut_or_laps_over_at_any_size(market: Market, locale: str) -> None:
    market.station.measured(12)
    (long,) = market.station.measured(
        sample={**LONG, "food": None, "food_name": "鲜切混合蔬菜沙拉拼盘（大份）"}
    )
    screen = market.screen(locale)
    screen.wait_for_row(long["id"])

    found: dict[tuple[int, int], Any] = {}
    for width, height in SIZES:
        screen.page.set_viewport_size({"width": width, "height": height})
        screen.page.wait_for_timeout(300)
        found[width, height] = screen.page.evaluate(OUTSIDE)

    assert found == {size: [] for size in SIZES}


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_console_stays_empty_and_the_policy_is_kept(market: Market, locale: str) -> None:
    screen = market.screen(locale)
    (body,) = market.station.measured()
    screen.wait_for_row(body["id"])
    screen.page.locator("#code-image").wait_for(state="visible")

    policy = screen.page.request.get(screen.page.url).headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert screen.said == []


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_page_says_its_language(market: Market, locale: str) -> None:
    screen = market.screen(locale)
    screen.wait_for_state("live")

    expect(screen.page.locator("html")).to_have_attribute("lang", locale)


def test_the_address_decides_the_language_before_the_browser(market: Market) -> None:
    screen = market.screen("zh-CN", query="?lang=en")
    screen.wait_for_state("live")

    screen.page.locator("#language").click()

    expect(screen.page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(screen.page.locator("#freshness-word")).to_have_text("实时")


def test_the_first_paint_of_a_demo_size_board_is_quick(
    market: Market, tell: Callable[[str], None]
) -> None:
    bodies = market.station.measured(DEMO_SIZE)
    market.screen().wait_for_row(bodies[-1]["id"])
    screen = market.screen()
    screen.wait_for_row(bodies[-1]["id"])

    paints = screen.page.evaluate(
        """() => Object.fromEntries(performance.getEntriesByType("paint")
             .map((entry) => [entry.name, Math.round(entry.startTime)]))"""
    )

    tell(f"kiosk with {DEMO_SIZE} rows: {paints} ms")
    assert paints["first-contentful-paint"] < 3000


def test_the_front_door_lists_the_boards(market: Market) -> None:
    market.screen().wait_for_state("live")
    screen = market.screen()

    screen.page.goto(f"{market.lab.url}/?lang=zh-CN")
    line = screen.page.locator(f'#boards a[href^="/kiosk/{market.station.id}?"]')
    expect(line).to_contain_text("浑南农贸市场快检室")
    expect(line).to_contain_text("演示数据")
    line.click()

    screen.wait_for_state("live")
    assert screen.said == []


def test_from_afar_four_rows_alternate_with_the_whole_page(market: Market) -> None:
    bodies = market.station.measured(9)
    screen = market.screen(query="?far=1", own_clock=True)
    screen.wait_for_row(bodies[-1]["id"])
    visible = screen.page.locator("#rows > tr:not([hidden])")
    expect(visible).to_have_count(4)

    screen.pass_time(16)

    expect(visible).to_have_count(7)
