"""The board of a day: its rows, its counts, and what neither of them may tell."""

from __future__ import annotations

from datetime import timedelta

from lab_api.store.boards import MOST_ROWS
from tests.lab_api.conftest import Lab
from tests.lab_api.station import CARD, NOON, FakeGateway, payload


def totals(lab: Lab) -> dict[str, int]:
    return lab.board().totals.model_dump()


def test_a_day_is_counted_in_samples_and_tests(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(
        gateway.status(),
        gateway.entry(payload("a", number="N1")),
        gateway.entry(payload("b", number="N1")),
        gateway.entry(payload("c", number="N2")),
        gateway.entry(payload("d", number="N3", outcome="fail")),
        gateway.entry(payload("e", number=None)),
        gateway.entry(payload("f", number="N4", outcome="invalid")),
        gateway.entry(payload("g", number="N5", purpose="qc")),
        gateway.entry(payload("h", number="N6", source="history")),
    )

    assert totals(lab) == {"samples": 2, "tests": 3, "passed": 2, "waiting": 2, "invalid": 1}


def test_another_day_is_another_page(lab: Lab) -> None:
    gateway = FakeGateway()
    yesterday = NOON - timedelta(days=1)
    lab.take(gateway.status(), *gateway.entries("old", at=yesterday), *gateway.entries("new"))

    assert [row.sample for row in lab.board().rows] == ["N-new"]
    assert totals(lab)["tests"] == 1
    assert [notice.day for notice in lab.notices()] == ["2026-11-23", "2026-11-24"]


def test_a_new_day_begins_empty(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), *gateway.entries("a"))

    lab.now = NOON + timedelta(days=1)

    assert (lab.board().day, lab.board().rows, totals(lab)["tests"]) == ("2026-11-25", (), 0)


def test_what_has_no_time_counts_on_the_day_it_was_received(lab: Lab) -> None:
    gateway = FakeGateway()

    lab.take(gateway.status(), *gateway.entries("a", effective_at=None))

    assert totals(lab)["waiting"] == 1


def test_rows_are_newest_first_and_at_most_two_hundred(lab: Lab) -> None:
    gateway = FakeGateway()
    names = [f"n{number:03}" for number in range(MOST_ROWS + 5)]

    lab.take(gateway.status(), *gateway.entries(*names))

    rows = lab.board().rows
    assert [row.sample for row in rows] == [f"N-{name}" for name in reversed(names)][:MOST_ROWS]
    assert totals(lab)["tests"] == MOST_ROWS + 5


def test_a_row_says_what_it_means_in_both_languages(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), *gateway.entries("a"))

    (row,) = lab.board().rows

    assert row.words == {"zh-CN": "快检合格", "en": "Screen: pass"}
    assert row.names["zh-CN"]["value"] == "抑制率 12.6%"
    assert row.demo


def test_a_row_tells_nothing_beyond_its_fields(lab: Lab) -> None:
    gateway = FakeGateway()
    secret = {"trader_phone": "13800000000"}
    lab.take(gateway.status(), *gateway.entries("a", extras=secret))

    assert b"13800000000" not in lab.board().to_bytes()
    assert b"13800000000" not in lab.notices()[0].to_bytes()


def test_each_result_has_its_own_code_that_says_nothing(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), *gateway.entries("a", "b", "c"))

    codes = {row.code for row in lab.board().rows}

    assert len(codes) == 3
    assert all(len(code) == 12 and code.isalnum() for code in codes)


def test_a_market_that_starts_in_the_evening_counts_it_to_the_next_day(lab: Lab) -> None:
    gateway = FakeGateway(card={**CARD, "day_starts": "18:00"})
    evening = NOON.replace(hour=19)
    lab.now = evening

    lab.take(gateway.status(), *gateway.entries("a", at=evening))

    assert lab.board().day == "2026-11-25"
    assert totals(lab)["tests"] == 1


def test_a_corrected_time_moves_a_row_to_its_day(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), *gateway.entries("a"))

    lab.take(gateway.entry(payload("a", revision=2, at=NOON - timedelta(days=1))))

    assert lab.board().rows == ()
    assert lab.deeds() == [(1, "published"), (2, "corrected")]
