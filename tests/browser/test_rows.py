"""What the screen shows of a result."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.market import Market

WORDS = {
    "zh-CN": ["A-013", "上海青", "产地 河北唐山", "农药残留", "抑制率 12.6%", "快检合格"],
    "en": ["A-013", "Pak choi", "from 河北唐山", "Pesticide", "12.6%", "Screen: pass"],
}
TITLES = {"zh-CN": "食品快速检测结果公示", "en": "Food rapid-test results"}
DEMO = {"zh-CN": "演示数据", "en": "Demonstration data"}
LANGUAGES = pytest.mark.parametrize("locale", ["zh-CN", "en"])


@LANGUAGES
def test_a_result_appears_while_the_page_is_open(market: Market, locale: str) -> None:
    screen = market.screen(locale)
    screen.wait_for_state("live")

    (body,) = market.station.measured()

    row = screen.wait_for_row(body["id"])
    for words in WORDS[locale]:
        expect(row).to_contain_text(words)
    expect(screen.page.locator("h1").first).to_have_text(TITLES[locale])


def test_a_new_row_is_marked_for_ten_seconds(market: Market) -> None:
    screen = market.screen(own_clock=True)
    screen.wait_for_state("live")

    (body,) = market.station.measured()

    row = screen.wait_for_row(body["id"])
    expect(row).to_have_class("fresh")
    screen.pass_time(11)
    expect(row).not_to_have_class("fresh")


def test_a_row_of_the_snapshot_is_not_marked_as_new(market: Market) -> None:
    (body,) = market.station.measured()
    market.screen().wait_for_row(body["id"])

    row = market.screen().wait_for_row(body["id"])

    expect(row).not_to_have_class("fresh")


def test_a_number_is_shown_digit_by_digit_as_it_came(market: Market) -> None:
    screen = market.screen()
    value = {"as_reported": "0.10000000000000000001", "number": "0.10000000000000000001"}

    (body,) = market.station.measured(value=value)

    row = screen.wait_for_row(body["id"])
    expect(row.locator(".value")).to_have_text("抑制率 0.10000000000000000001%")


def test_what_is_not_known_is_a_dash(market: Market) -> None:
    screen = market.screen()
    unknown = {"stall": None, "food": None, "origin": None}

    (body,) = market.station.measured(sample=unknown)

    row = screen.wait_for_row(body["id"])
    expect(row.locator(".stall")).to_have_text("—")
    expect(row.locator(".food")).to_have_text("—")
    expect(row.locator(".origin")).to_have_text("产地 —")


@LANGUAGES
def test_demonstration_data_says_so(market: Market, locale: str) -> None:
    screen = market.screen(locale)
    screen.wait_for_state("live")

    expect(screen.page.locator("#demo")).to_have_text(DEMO[locale])
    expect(screen.page.locator("#demo")).to_be_visible()


def test_the_newest_notice_is_on_top(market: Market) -> None:
    screen = market.screen()
    (older,) = market.station.measured()
    screen.wait_for_row(older["id"])

    (newer,) = market.station.measured()

    screen.wait_for_row(newer["id"])
    assert screen.shown() == [newer["id"], older["id"]]


def test_the_screen_equals_the_board_in_the_order_of_the_results(market: Market) -> None:
    screen = market.screen()
    screen.wait_for_state("live")

    bodies = market.station.measured(20)

    expect(screen.rows).to_have_count(20, timeout=10_000)
    assert screen.shown() == screen.board() == [body["id"] for body in reversed(bodies)]


def test_a_withdrawn_result_leaves_the_screen(market: Market) -> None:
    screen = market.screen()
    kept, withdrawn = market.station.measured(2)
    screen.wait_for_row(withdrawn["id"])

    verdict = {**withdrawn["verdict"], "outcome": "not_judged"}
    market.station.say({**withdrawn, "revision": 2, "verdict": verdict})

    expect(screen.row(withdrawn["id"])).to_have_count(0, timeout=10_000)
    expect(screen.row(kept["id"])).to_have_count(1)


def test_a_corrected_result_is_one_row_with_the_new_words(market: Market) -> None:
    screen = market.screen()
    (body,) = market.station.measured()
    screen.wait_for_row(body["id"])

    market.station.say({**body, "revision": 2, "sample": {**body["sample"], "origin": "辽宁新民"}})

    expect(screen.row(body["id"]).locator(".origin")).to_have_text("产地 辽宁新民", timeout=10_000)
    expect(screen.rows).to_have_count(1)


def test_three_hundred_results_at_once_leave_the_newest_two_hundred(market: Market) -> None:
    screen = market.screen()
    screen.wait_for_state("live")

    bodies = market.station.measured(300)

    screen.wait_for_row(bodies[-1]["id"], 20)
    expect(screen.rows).to_have_count(200)
    assert screen.shown() == screen.board() == [body["id"] for body in reversed(bodies[100:])]


def test_the_leaf_counts_what_is_published_and_what_waits(market: Market) -> None:
    screen = market.screen()
    market.station.measured(3)
    positive = {"outcome": "fail"}
    market.station.measured(verdict=positive)

    expect(screen.page.locator("#samples")).to_have_text("3", timeout=10_000)
    expect(screen.page.locator("#waiting")).to_have_text("1", timeout=10_000)


def test_a_positive_is_not_shown_before_a_person_has_seen_it(market: Market) -> None:
    screen = market.screen()
    (positive,) = market.station.measured(verdict={"outcome": "fail"})
    (negative,) = market.station.measured()

    screen.wait_for_row(negative["id"])

    expect(screen.row(positive["id"])).to_have_count(0)


def test_an_empty_day_says_so(market: Market) -> None:
    screen = market.screen()

    expect(screen.page.locator("#empty-title")).to_have_text("今天还没有结果")


def test_a_station_that_nobody_knows_says_so_and_keeps_trying(market: Market) -> None:
    screen = market.screen(station="s9999")

    screen.wait_for_state("missing")

    expect(screen.page.locator("#cover-first")).to_contain_text("s9999")


def test_full_pages_are_turned_every_fifteen_seconds(market: Market) -> None:
    bodies = market.station.measured(9)
    market.screen().wait_for_row(bodies[-1]["id"])
    screen = market.screen(own_clock=True)
    visible = screen.page.locator("#rows > tr:not([hidden])")
    screen.wait_for_state("live")
    expect(visible).to_have_count(7)

    screen.pass_time(16)

    expect(visible).to_have_count(2)
    expect(screen.page.locator("#page")).to_have_text("第 2 页，共 2 页")


def test_the_row_is_there_within_three_seconds_of_its_result(
    market: Market, tell: Callable[[str], None]
) -> None:
    screen = market.screen()
    screen.wait_for_state("live")
    bodies = [market.station.body() for _ in range(10)]
    taken = []

    for body in bodies:
        begun = time.monotonic()
        market.station.say(body)
        screen.wait_for_row(body["id"])
        taken.append(time.monotonic() - begun)

    median = sorted(taken)[len(taken) // 2]
    tell(f"result published to DOM row: median {median * 1000:.0f} ms of {len(taken)}")
    assert median < 3
