"""What is carried of many words, and what identifies a record (CUSTODY.md 3, 4; G2, G11)."""

from __future__ import annotations

import pytest

from drivers import Reading, understand
from drivers.understand.astm import COMMENT_CHARACTERS, COMMENTS, LONGEST_IDENTITY
from tests.drivers.messages import FSRA, GENERIC, HEADER, ORDER, PATIENT, message
from tests.vectors import astm

# -- what is carried of many words ---------------------------------------------------------------


def remarked(*texts: bytes, on_the_order: tuple[bytes, ...] = ()) -> Reading:
    remarks, above = ([b"C|1|I|" + text for text in said] for said in (texts, on_the_order))
    (one,) = understand(GENERIC, message(HEADER, PATIENT, ORDER, *above, b"R|1|^^^OP|1", *remarks))
    return one


def test_as_many_comments_as_there_is_room_for_are_carried_whole() -> None:
    extras = remarked(*[b"x" * 100] * COMMENTS).extras

    assert extras["comments"] == ["x" * 100] * COMMENTS
    assert "comments_cut" not in extras


def test_more_comments_than_there_is_room_for_are_cut_and_it_is_said() -> None:
    extras = remarked(*[b"x"] * 15, on_the_order=(b"y",) * 15).extras

    assert (extras["comments"], extras["order_comments"]) == (["x"] * 15, ["y"] * 5)
    assert extras["comments_cut"] is True


def test_longer_comments_than_there_is_room_for_are_cut_and_it_is_said() -> None:
    extras = remarked(b"x" * 1_500, on_the_order=(b"y" * 1_500, b"z")).extras

    assert extras["comments"] == ["x" * 1_500]
    assert extras["order_comments"] == ["y" * (COMMENT_CHARACTERS - 1_500)]
    assert extras["comments_cut"] is True


# -- identity ------------------------------------------------------------------------------------


def identities(*records: bytes) -> list[bytes]:
    return [one.identity for one in understand(GENERIC, message(*records))]


def test_equal_records_of_one_delivery_stay_equal() -> None:
    result = b"R|1|^^^OP|1|||||||||20261123064455"

    first, second = identities(HEADER, PATIENT, ORDER, result, result.replace(b"R|1", b"R|2"))

    assert first == second


def test_the_time_of_sending_and_positions_are_outside() -> None:
    one = identities(HEADER, PATIENT, ORDER, b"R|1|^^^OP|1|%||N||F||op07")
    other = identities(
        HEADER.replace(b"064500", b"091500"), b"P|7|", b"O|3|N-1||||", b"R|9|^^^OP|1|%||N||R||op07|"
    )

    assert one == other


def test_an_identity_is_the_records_as_sent() -> None:
    assert identities(HEADER, PATIENT, ORDER, b"R|1|^^^OP|1|%") == [b"P\rO||N-1\rR||^^^OP|1|%"]


def test_an_identity_of_1_kib_is_still_the_records_as_sent() -> None:
    around = len(b"P\rO||\rR||^^^OP|1")
    sample = b"N" * (LONGEST_IDENTITY - around)

    assert identities(HEADER, PATIENT, b"O|1|" + sample, b"R|1|^^^OP|1") == [
        b"P\rO||" + sample + b"\rR||^^^OP|1"
    ]


@pytest.mark.parametrize("length", [LONGEST_IDENTITY - 20, LONGEST_IDENTITY, 100_000])
def test_a_long_order_makes_no_long_identity(length: int) -> None:
    order = b"O|1|" + b"N" * length

    found = identities(HEADER, PATIENT, order, b"R|1|^^^OP|1|%", b"R|2|^^^OP|2|%")

    assert max(map(len, found)) <= LONGEST_IDENTITY


def test_long_records_that_differ_in_their_last_byte_are_other_identities() -> None:
    first, second, third = (
        identities(HEADER, PATIENT, b"O|1|" + b"N" * 5_000 + end, b"R|1|^^^OP|" + value)
        for end, value in ((b"1", b"1"), (b"2", b"1"), (b"1", b"2"))
    )

    assert len({*first, *second, *third}) == 3


@pytest.mark.parametrize(
    "other",
    [
        (PATIENT, ORDER, b"R|1|^^^OP|2|%"),
        (PATIENT, ORDER, b"R|1|^^^XX|1|%"),
        (PATIENT, b"O|1|N-2", b"R|1|^^^OP|1|%"),
        (b"P|1||B", ORDER, b"R|1|^^^OP|1|%"),
        (PATIENT, ORDER, b"R|1|^^^OP|1|%||||||||20261123064455"),
    ],
    ids=["value", "item", "sample", "patient", "time"],
)
def test_another_result_is_another_identity(other: tuple[bytes, ...]) -> None:
    assert identities(HEADER, PATIENT, ORDER, b"R|1|^^^OP|1|%") != identities(HEADER, *other)


def test_a_mended_profile_changes_no_identity() -> None:
    mended = FSRA.model_copy(
        update={"items": {"OPC-INH": "something-else"}, "encoding": ("utf-8",)}
    )
    record = b"".join(astm.MESSAGE_RECORDS)

    (before,), (after,) = understand(FSRA, record), understand(mended, record)

    assert before.item != after.item
    assert before.identity == after.identity
