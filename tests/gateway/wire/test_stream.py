"""G3 and G5: numbering without holes, and a chain that shows every change (CUSTODY.md 1, 20)."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from gateway.wire.model import Json, canonical
from gateway.wire.stream import (
    Link,
    Span,
    body_of,
    body_sha256,
    chain_after,
    first_link,
    holes,
    lowest,
)

DIGEST = some.binary(min_size=32, max_size=32).map(bytes.hex)
LINKS = some.lists(
    some.builds(
        Link,
        epoch=some.just(7),
        seq=some.just(0),
        id=some.uuids().map(str),
        revision=some.integers(1, 9),
        raw_sha256=DIGEST | some.none(),
        body_sha256=DIGEST,
    ),
    min_size=2,
    max_size=12,
).map(lambda links: [replace(link, seq=seq) for seq, link in enumerate(links, 1)])

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | TEXT,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
BODIES = some.dictionaries(TEXT, VALUES, max_size=6)


def chained(links: list[Link]) -> list[str]:
    """The chain value after each link."""
    values = [first_link(7)]
    for link in links:
        values.append(chain_after(values[-1], link))
    return values[1:]


def test_a_chain_value_is_the_digest_of_the_named_parts_joined_by_newlines() -> None:
    link = Link(epoch=7, seq=2, id="an-id", revision=3, raw_sha256="aa", body_sha256="bb")

    expected = hashlib.sha256(b"before\n7\n2\nan-id\n3\naa\nbb").hexdigest()

    assert chain_after("before", link) == expected


def test_the_first_entry_follows_its_epoch() -> None:
    link = Link(epoch=5201314077, seq=1, id="x", revision=1, raw_sha256=None, body_sha256="bb")

    expected = hashlib.sha256(b"5201314077\n5201314077\n1\nx\n1\n\nbb").hexdigest()

    assert chain_after(first_link(5201314077), link) == expected


CHANGES: list[Callable[[Link], Link]] = [
    lambda link: replace(link, id="another"),
    lambda link: replace(link, revision=link.revision + 1),
    lambda link: replace(link, raw_sha256="tampered"),
    lambda link: replace(link, body_sha256="tampered"),
    lambda link: replace(link, epoch=8),
    lambda link: replace(link, seq=link.seq + 1),
]


@given(links=LINKS, change=some.sampled_from(CHANGES), place=some.integers(0, 11))
def test_a_changed_entry_changes_its_chain_and_every_later_one(
    links: list[Link], change: Callable[[Link], Link], place: int
) -> None:
    at = place % len(links)
    changed = [*links[:at], change(links[at]), *links[at + 1 :]]

    before, after = chained(links), chained(changed)

    assert before[:at] == after[:at]
    assert not set(before[at:]) & set(after[at:])


@given(links=LINKS)
def test_an_entry_left_out_breaks_every_later_chain(links: list[Link]) -> None:
    whole, cut = chained(links), chained([links[0], *links[2:]])

    assert not set(whole[2:]) & set(cut[1:])


@given(body=BODIES, epoch=some.integers(1, 2**53), seq=some.integers(1))
def test_renumbering_never_touches_the_body(body: Json, epoch: int, seq: int) -> None:
    body = body_of(body)
    renumbered = body | {"epoch": epoch, "seq": seq, "was": {"epoch": 1, "seq": 2}, "chain": "x"}

    assert body_sha256(renumbered) == body_sha256(body)


@given(body=BODIES)
def test_a_body_has_one_digest_in_whatever_order_it_was_written(body: Json) -> None:
    turned = dict(reversed(body.items()))

    assert body_sha256(turned) == body_sha256(body)


@given(value=BODIES)
def test_canonical_json_is_stable_when_read_and_written_again(value: Json) -> None:
    once = canonical(value)

    assert canonical(json.loads(once)) == once


def test_canonical_json_has_sorted_keys_no_spaces_and_chinese_as_it_is() -> None:
    assert canonical({"b": ["农残", 1], "a": {"d": None, "c": True}}) == (
        '{"a":{"c":true,"d":null},"b":["农残",1]}'.encode()
    )


HELD = some.lists(some.integers(1, 60), unique=True).map(sorted)


@given(held=HELD, first=some.integers(1, 60), length=some.integers(0, 60))
def test_holes_are_exactly_what_is_not_held(held: list[int], first: int, length: int) -> None:
    last = first + length

    missing = {seq for span in holes(held, first, last) for seq in range(span.first, span.last + 1)}

    assert missing == set(range(first, last + 1)) - set(held)


@given(held=HELD, most=some.integers(0, 20))
def test_holes_name_the_lowest_first_and_no_more_than_asked(held: list[int], most: int) -> None:
    named = [seq for span in holes(held, 1, 60, most) for seq in range(span.first, span.last + 1)]

    assert named == sorted(set(range(1, 61)) - set(held))[:most]


@given(held=HELD)
def test_two_holes_have_something_held_between_them(held: list[int]) -> None:
    spans = holes(held, 1, 60)

    assert all(one.last + 1 < other.first for one, other in pairwise(spans))


def test_nothing_is_missing_from_an_empty_stream() -> None:
    assert holes([], 1, 0) == []


def test_one_hole_of_a_whole_stream() -> None:
    assert holes([], 1, 3) == [Span(1, 3)]


def test_the_lowest_receipt_of_the_needed_labs_counts() -> None:
    assert lowest({"lab1": 9, "lab2": 4, "stranger": 1}, ["lab1", "lab2"]) == 4


def test_a_needed_lab_that_never_spoke_confirms_nothing() -> None:
    assert lowest({"lab1": 9}, ["lab1", "lab2"]) == 0


def test_without_needed_labs_nothing_is_confirmed() -> None:
    assert lowest({"lab1": 9}, []) == 0
