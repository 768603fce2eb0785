"""The decisions behind the screen, each asked alone in the browser that will take them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browser.test_words import PAGES

ORIGIN = "http://pages.test"


@pytest.fixture
def modules(page: Page) -> Page:
    """A page that can import what the pages import, from disk."""

    def give(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/assets/")
        if name == "blank":
            route.fulfill(body="<!doctype html>", content_type="text/html")
        else:
            route.fulfill(path=PAGES / name, content_type="text/javascript")

    page.route(f"{ORIGIN}/**", give)
    page.goto(f"{ORIGIN}/assets/blank")
    return page


FRESHNESS = """async (cases) => {
  const { freshness } = await import("/assets/freshness.js");
  return cases.map((heard) => {
    const given = { firstAt: 0, behindSince: null, heardAt: 1000, proofAt: 1000, ...heard };
    const { state, cause } = freshness(given);
    return `${state} ${cause}`;
  });
}"""


def proof(gateway: float | None = 0, *, lab: float = 0, online: bool = True) -> dict[str, Any]:
    return {"gateway_age_s": gateway, "lab_age_s": lab, "gateway_online": online}


FRESHNESS_CASES: list[tuple[dict[str, Any], str]] = [
    ({"now": 1000, "proof": proof()}, "live null"),
    ({"now": 1048, "proof": proof()}, "live null"),
    ({"now": 1049, "proof": proof()}, "delayed lab"),
    ({"now": 1301, "proof": proof()}, "stale lab"),
    ({"now": 1901, "proof": proof()}, "offline lab"),
    ({"now": 1010, "proof": proof(38)}, "live null"),
    ({"now": 1010, "proof": proof(39)}, "delayed gateway"),
    ({"now": 1010, "proof": proof(295)}, "stale gateway"),
    ({"now": 1010, "proof": proof(9000)}, "stale gateway"),
    ({"now": 1010, "proof": proof(lab=39)}, "delayed lab"),
    ({"now": 1000, "proof": proof(1, online=False)}, "delayed gateway-offline"),
    ({"now": 1000, "proof": proof(400, online=False)}, "stale gateway-offline"),
    ({"now": 1000, "proof": proof(None), "firstAt": 990}, "delayed gateway-never"),
    ({"now": 1000, "proof": proof(None), "firstAt": 600}, "stale gateway-never"),
    ({"now": 1000, "proof": proof(), "behindSince": 985}, "live null"),
    ({"now": 1000, "proof": proof(), "behindSince": 979}, "stale behind"),
    ({"now": 5, "proof": None, "heardAt": None, "proofAt": None}, "offline lab"),
]


def test_freshness_is_the_age_of_the_oldest_proof(modules: Page) -> None:
    cases, expected = zip(*FRESHNESS_CASES, strict=True)

    assert modules.evaluate(FRESHNESS, list(cases)) == list(expected)


BOARD = """async ([snapshot, notices]) => {
  const { Board } = await import("/assets/board.js");
  const board = new Board();
  board.load(snapshot);
  for (const notice of notices) board.take(notice);
  return { n: board.n, rows: board.rows().map((row) => `${row.result}/${row.revision}`) };
}"""
DAY = "2026-11-24"


def row(n: int, result: str, revision: int = 1) -> dict[str, Any]:
    return {"notice": f"s0007-{n}", "result": result, "revision": revision, "demo": True}


def notice(
    n: int, result: str, revision: int = 1, deed: str = "published", day: str = DAY
) -> dict[str, Any]:
    told = row(n, result, revision)
    return {"feed": "f", "n": n, "deed": deed, "day": day, "row": told}


def snapshot(n: int, *rows: dict[str, Any], feed: str = "f") -> dict[str, Any]:
    return {"feed": feed, "n": n, "day": DAY, "card": {}, "totals": {}, "rows": list(rows)}


TOLD = [
    notice(4, "d"),
    notice(5, "a", 2, "corrected"),
    notice(6, "b", 2, "withdrawn"),
    notice(7, "e"),
    notice(8, "e", 2, "withdrawn"),
    notice(9, "e", 3, "published"),
    notice(10, "y", 1, "published", "2026-11-23"),
]
BEFORE = snapshot(3, row(3, "c"), row(2, "b"), row(1, "a"))
AFTER = {"n": 10, "rows": ["e/3", "a/2", "d/1", "c/1"]}


def test_notices_in_order_make_the_board(modules: Page) -> None:
    assert modules.evaluate(BOARD, [BEFORE, TOLD]) == AFTER


def test_notices_repeated_and_shuffled_make_the_same_board(modules: Page) -> None:
    chance = random.Random(20261124)
    for _ in range(50):
        told = chance.sample(TOLD * 3, k=3 * len(TOLD))
        assert modules.evaluate(BOARD, [BEFORE, told]) == AFTER, told


def test_a_missing_notice_keeps_the_board_behind(modules: Page) -> None:
    told = [each for each in TOLD if each["n"] != 6]

    assert modules.evaluate(BOARD, [BEFORE, told])["n"] == 5


def test_a_notice_of_another_feed_changes_nothing(modules: Page) -> None:
    assert modules.evaluate(BOARD, [BEFORE, [{**notice(4, "d"), "feed": "g"}]])["n"] == 3


RELOAD = """async ([snapshot, notices, later]) => {
  const { Board } = await import("/assets/board.js");
  const board = new Board();
  board.load(snapshot);
  for (const notice of notices) board.take(notice);
  board.load(later);
  return { n: board.n, rows: board.rows().map((row) => `${row.result}/${row.revision}`) };
}"""


def test_a_snapshot_that_was_overtaken_on_its_way_takes_nothing_back(modules: Page) -> None:
    assert modules.evaluate(RELOAD, [BEFORE, TOLD, BEFORE]) == AFTER


def test_a_snapshot_of_a_new_feed_replaces_everything(modules: Page) -> None:
    restored = snapshot(1, row(1, "a"), feed="g")

    assert modules.evaluate(RELOAD, [BEFORE, TOLD, restored]) == {"n": 1, "rows": ["a/1"]}


def test_a_new_day_starts_with_an_empty_board(modules: Page) -> None:
    rows = modules.evaluate(
        """async (snapshot) => {
             const { Board } = await import("/assets/board.js");
             const board = new Board();
             board.load(snapshot);
             board.keep({ day: "2026-11-25", totals: { tests: 0 } });
             return board.rows().length;
           }""",
        BEFORE,
    )

    assert rows == 0


PAGER = """async ([pages, seconds, news]) => {
  const { Pager } = await import("/assets/pager.js");
  const pager = new Pager();
  const turns = [];
  for (let now = 0; now < seconds; now += 1) {
    if (news.includes(now)) pager.newRow();
    const page = pager.at(now, pages);
    if (turns[turns.length - 1]?.[1] !== page) turns.push([now, page]);
  }
  return turns;
}"""


def test_pages_are_turned_one_after_the_other(modules: Page) -> None:
    turns = modules.evaluate(PAGER, [3, 61, []])

    assert turns == [[0, 0], [15, 1], [30, 2], [45, 0], [60, 1]]


def test_a_new_row_brings_the_first_page_back_and_older_pages_keep_their_turn(
    modules: Page,
) -> None:
    always = list(range(100))

    turns = modules.evaluate(PAGER, [3, 100, always])

    first_then_second_then_third = [[0, 0], [15, 1], [20, 0], [35, 2], [40, 0], [55, 1]]
    assert turns[:6] == first_then_second_then_third


def test_one_page_stays(modules: Page) -> None:
    assert modules.evaluate(PAGER, [1, 100, [5, 50]]) == [[0, 0]]
