"""A stream lost and found: no gap, no double."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.market import Market


def test_a_lab_that_was_killed_comes_back_without_gap_or_double(own_market: Market) -> None:
    screen = own_market.screen()
    before = own_market.station.measured(3)
    screen.wait_for_row(before[-1]["id"])

    own_market.lab.kill()
    during = own_market.station.measured(3)
    own_market.lab.start()
    after = own_market.station.measured(3)

    screen.wait_for_row(after[-1]["id"], 30)
    expected = [body["id"] for body in (*before, *during, *after)]
    expect(screen.rows).to_have_count(9, timeout=15_000)
    assert sorted(screen.shown()) == sorted(expected)
    screen.wait_for_state("live", 20)


def test_an_open_screen_equals_the_board_of_a_restored_lab(
    own_market: Market, tmp_path: Path
) -> None:
    screen = own_market.screen()
    own_market.station.measured()
    expect(screen.rows).to_have_count(1, timeout=10_000)
    copy = tmp_path / "backup.db"
    own_market.lab.copy_store(copy)
    own_market.station.measured(2)
    expect(screen.rows).to_have_count(3, timeout=10_000)

    own_market.lab.kill()
    own_market.lab.restore(copy)
    own_market.lab.start()

    # The gateway of this test sends nothing again, so the restored board is the truth.
    expect(screen.rows).to_have_count(1, timeout=15_000)
    assert screen.shown() == screen.board()
