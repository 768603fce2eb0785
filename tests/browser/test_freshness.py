"""A screen never lies: live, delayed, stale and offline look different."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.market import Market, Screen

GREEN, AMBER, GREY = "rgb(11, 90, 65)", "rgb(242, 177, 52)", "rgb(201, 206, 210)"
PASS_GREEN = "rgb(11, 100, 71)"
FIVE_MINUTES = 300


def live_screen(market: Market, *, own_clock: bool = True) -> Screen:
    """A screen with one row that is live."""
    (body,) = market.station.measured()
    screen = market.screen(own_clock=own_clock)
    screen.wait_for_row(body["id"])
    screen.wait_for_state("live")
    return screen


def test_a_proven_screen_is_green_and_says_live(market: Market) -> None:
    screen = live_screen(market, own_clock=False)

    assert screen.colour(".leaf") == GREEN
    assert screen.colour("#rows .verdict-face", "color") == PASS_GREEN
    expect(screen.page.locator("#freshness-word")).to_have_text("实时")


def test_forty_nine_seconds_without_proof_are_a_delay(market: Market) -> None:
    screen = live_screen(market)
    with market.lab.frozen():
        screen.pass_time(49)

        screen.wait_for_state("delayed")
        assert screen.colour(".leaf") == AMBER
        expect(screen.page.locator("#band")).to_contain_text("更新延迟")


def test_five_minutes_without_proof_are_stale_and_nothing_is_green(market: Market) -> None:
    screen = live_screen(market)
    with market.lab.frozen():
        screen.pass_time(FIVE_MINUTES + 5)

        screen.wait_for_state("stale")
        assert screen.colour(".leaf") == GREY
        assert screen.colour("#rows .verdict-face", "color") != PASS_GREEN
        assert screen.colour("#rows .verdict-face", "borderTopStyle") == "dashed"
        expect(screen.page.locator("#band-word")).to_contain_text("画面停在")


def test_fifteen_minutes_without_the_lab_show_no_results(market: Market) -> None:
    screen = live_screen(market)
    with market.lab.frozen():
        screen.pass_time(15 * 60 + 5)

        screen.wait_for_state("offline")
        expect(screen.rows).to_have_count(0)
        expect(screen.page.locator("#cover-title")).to_have_text("屏幕离线，暂不显示结果")
        expect(screen.page.locator("#cover-demo")).to_be_visible()


def test_a_screen_that_was_offline_comes_back_with_its_rows(market: Market) -> None:
    screen = live_screen(market)
    with market.lab.frozen():
        screen.pass_time(15 * 60 + 5)
        screen.wait_for_state("offline")

    screen.wait_for_state("live", 20)
    expect(screen.rows).to_have_count(1)


def test_a_gateway_that_went_offline_is_named(market: Market) -> None:
    screen = live_screen(market, own_clock=False)

    market.station.come_online("offline")

    screen.wait_for_state("delayed", 20)
    expect(screen.page.locator("#freshness-second")).to_contain_text("网关离线")


def test_a_page_whose_script_died_turns_stale_by_itself(market: Market) -> None:
    screen = live_screen(market, own_clock=False)
    devtools = screen.page.context.new_cdp_session(screen.page)
    devtools.send("Emulation.setScriptExecutionDisabled", {"value": True})

    # Five minutes of the page's animations pass in two seconds.
    devtools.send("Animation.enable")
    devtools.send("Animation.setPlaybackRate", {"playbackRate": FIVE_MINUTES / 2})
    screen.page.wait_for_timeout(3000)

    assert screen.in_state("live").count() == 1
    assert screen.colour(".leaf") == GREY
    assert screen.colour("#rows .verdict-face", "color") != PASS_GREEN
    assert screen.colour(".stopped", "visibility") == "visible"
    assert screen.colour(".said", "visibility") == "hidden"
    expect(screen.page.locator("#demo")).to_be_visible()
