"""What is no record: all kept while it is little, bounded when it is a flood (G5, G11)."""

from __future__ import annotations

from drivers.protocols.base import Garbled, Incomplete
from drivers.sessions.spill import CUTS_IN_A_ROW, SAMPLE, Spill


class Watch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_cut_message_is_due_at_once() -> None:
    spill = Spill(Watch())
    spill.add(Incomplete(b"H|", "cut"))

    spilt = spill.take()

    assert spilt is not None
    assert (spilt.raw, spilt.fault) == (b"H|", "incomplete: cut")


def test_noise_is_gathered_for_a_second() -> None:
    watch = Watch()
    spill = Spill(watch)
    spill.add(Garbled(b"ab", "noise"))
    spill.add(Garbled(b"c", "noise"))
    assert (spill.take(), spill.due_in()) == (None, 1.0)

    watch.seconds = 1.0

    spilt = spill.take()
    assert spilt is not None
    assert spilt.raw == b"abc"


def kept_of_a_flood(hours: int) -> int:
    watch = Watch()
    spill = Spill(watch)
    kept = 0
    for second in range(hours * 3600):
        watch.seconds = float(second)
        spill.add(Garbled(b"x" * 10_000, "noise"))
        if (spilt := spill.take()) is not None:
            kept += len(spilt.raw)
    return kept


def test_a_flood_is_kept_at_64_kib_a_minute() -> None:
    assert kept_of_a_flood(hours=2) <= SAMPLE * (2 * 60 + 7)


def test_what_is_not_kept_is_counted() -> None:
    watch = Watch()
    spill = Spill(watch)

    lost = spill.add(Garbled(b"x" * (SAMPLE + 9), "noise"))

    watch.seconds = 1.0
    spilt = spill.take()
    assert spilt is not None
    assert lost == 9
    assert spilt.fault == f"garbled: {SAMPLE + 9} bytes, 9 of them not kept: noise"


def test_a_good_record_ends_a_flood() -> None:
    watch = Watch()
    spill = Spill(watch)
    for _ in range(8):
        spill.add(Garbled(b"x", "noise"))
        spill.take(at_once=True)

    spill.calm()

    spill.add(Garbled(b"x", "noise"))
    assert spill.due_in() == 1.0


def test_cut_messages_without_end_are_gathered_like_noise() -> None:
    spill = Spill(Watch())
    for _ in range(CUTS_IN_A_ROW + 5):
        spill.add(Incomplete(b"H|", "cut"))

    handed = [spill.take() for _ in range(CUTS_IN_A_ROW + 1)]

    assert handed[-1] is None
    assert None not in handed[:-1]


def test_what_could_not_be_stored_is_due_again_in_a_second() -> None:
    spill = Spill(Watch())
    spill.add(Incomplete(b"H|", "cut"))
    spilt = spill.take()
    assert spilt is not None

    spill.put_back(spilt)

    assert (spill.take(), spill.due_in(), spill.take(at_once=True)) == (None, 1.0, spilt)
