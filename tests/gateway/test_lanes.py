"""CUSTODY.md 5, 6: what goes out next, and how far everything has gone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from gateway.lanes import Lane, Lanes
from gateway.wire.stream import Span


def test_live_begins_above_the_split_and_backfill_above_the_base() -> None:
    lanes = Lanes(base=10, split=20)

    assert lanes.backfill.wants(25, 100) == Span(11, 20)
    assert lanes.live.wants(25, 100) == Span(21, 25)


def test_offered_waits_for_the_backfill() -> None:
    lanes = Lanes(base=0, split=2)
    lanes.live.took(3)
    assert lanes.offered == 0

    lanes.backfill.took(1)
    lanes.backfill.took(2)

    assert lanes.offered == 3


@given(order=some.permutations(list(range(1, 12))))
def test_a_lane_reaches_its_end_in_whatever_order_it_is_taken(order: list[int]) -> None:
    lane = Lane(1, None)
    for count, seq in enumerate(order, 1):
        lane.took(seq)
        taken = set(order[:count])
        assert lane.through == next(n for n in range(12) if n + 1 not in taken)


def test_only_what_was_offered_is_repeated() -> None:
    lanes = Lanes(base=5, split=5)
    lanes.repeat([Span(2, 9), Span(7, 9)])

    assert lanes.next_repeat(10) == Span(2, 5)
    assert lanes.next_repeat(10) is None


def test_a_long_repeat_is_served_in_pieces() -> None:
    lanes = Lanes(base=10, split=10)
    lanes.repeat([Span(1, 10)])

    pieces = [lanes.next_repeat(4) for _ in range(4)]

    assert pieces == [Span(1, 4), Span(5, 8), Span(9, 10), None]


def test_the_same_repeat_is_asked_for_once() -> None:
    lanes = Lanes(base=10, split=10)
    lanes.repeat([Span(1, 2)])
    lanes.repeat([Span(1, 2)])

    assert [lanes.next_repeat(5), lanes.next_repeat(5)] == [Span(1, 2), None]
