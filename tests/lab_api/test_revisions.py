"""CUSTODY.md 11: whichever way revisions come, the highest stands and is told once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations

import pytest
from sqlmodel import Session

from lab_api.ingest.sorting import Message, sort
from lab_api.publication import Reason, State
from lab_api.settings import StationPart
from lab_api.store.store import Store
from lab_api.store.tables import Current, Publication, StoredResult
from tests.lab_api.conftest import Lab
from tests.lab_api.station import FakeGateway, payload


def revisions(gateway: FakeGateway, *numbers: int) -> list[Message]:
    return [gateway.entry(payload("a", revision=number, number=f"N{number}")) for number in numbers]


def standing(lab: Lab) -> int:
    (current,) = lab.rows(Current)
    return current.revision


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_in_any_order_the_highest_revision_stands(lab: Lab, order: tuple[int, ...]) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status())

    for message in revisions(gateway, *order):
        lab.take(message)

    assert standing(lab) == 3
    assert [row.sample for row in lab.board().rows] == ["N3"]
    assert len(lab.rows(StoredResult)) == 3
    assert len(lab.notices()) == sum(
        all(number > earlier for earlier in order[:place]) for place, number in enumerate(order)
    )


def test_in_one_batch_only_the_highest_revision_is_told(lab: Lab) -> None:
    gateway = FakeGateway()
    messages = revisions(gateway, 1, 2, 3, 4)
    random.Random(3).shuffle(messages)

    lab.take(gateway.status(), *messages)

    assert [(notice.deed, notice.row.sample) for notice in lab.notices()] == [("published", "N4")]


def test_a_lower_revision_that_comes_late_is_stored_and_announces_nothing(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), *revisions(gateway, 2))

    outcome = lab.take(*revisions(gateway, 1))

    assert len(lab.rows(StoredResult)) == 2
    assert len(lab.notices()) == 1
    assert not outcome.boards


def test_a_revision_that_tells_the_public_the_same_is_no_notice(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), gateway.entry(payload("a")))

    lab.take(gateway.entry(payload("a", revision=2, signals={"x": "1"})))

    assert lab.deeds() == [(1, "published")]
    assert lab.board().rows[0].revision == 2


def test_a_revision_that_changes_what_is_shown_corrects_it_under_the_same_code(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), gateway.entry(payload("a", number="N1")))
    (before,) = lab.board().rows

    lab.take(gateway.entry(payload("a", revision=2, number="N2", reason="wrong tube")))

    (after,) = lab.board().rows
    assert lab.deeds() == [(1, "published"), (2, "corrected")]
    assert (after.sample, after.notice, after.code) == ("N2", "s0007-2", before.code)
    assert lab.notices()[1].reason == "wrong tube"


def test_what_may_not_be_shown_any_more_is_withdrawn(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), gateway.entry(payload("a")))

    lab.take(gateway.entry(payload("a", revision=2, outcome="fail")))

    assert lab.deeds() == [(1, "published"), (2, "withdrawn")]
    assert lab.board().rows == ()
    (publication,) = lab.rows(Publication)
    assert (publication.state, publication.reason) == (State.WITHDRAWN, Reason.POSITIVE)
    # The row that is withdrawn is the one the public saw: no outcome is told that is held.
    assert lab.notices()[1].row.verdict == "pass"


def test_what_was_withdrawn_and_stays_hidden_is_told_once(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), gateway.entry(payload("a")))

    for revision, outcome in ((2, "fail"), (3, "suspect"), (4, "invalid")):
        lab.take(gateway.entry(payload("a", revision=revision, outcome=outcome)))

    assert lab.deeds() == [(1, "published"), (2, "withdrawn")]


def test_what_was_withdrawn_may_be_published_again(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), gateway.entry(payload("a")))
    lab.take(gateway.entry(payload("a", revision=2, outcome="fail")))

    lab.take(gateway.entry(payload("a", revision=3)))

    assert lab.deeds() == [(1, "published"), (2, "withdrawn"), (3, "published")]


@pytest.fixture
def two_labs(empty_postgres: str) -> Iterator[tuple[Lab, Lab]]:
    """Two replicas over one PostgreSQL database."""
    stores = [Store(empty_postgres), Store(empty_postgres)]
    one, other = (Lab(store) for store in stores)
    one.know(StationPart(id="s0007", region="210112", publish=True))
    yield one, other
    for store in stores:
        store.close()


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_of_two_transactions_at_once_only_the_higher_revision_is_left_standing(
    two_labs: tuple[Lab, Lab], first: int, second: int
) -> None:
    one, other = two_labs
    gateway, again = FakeGateway(), FakeGateway(epoch=2)
    one.take(gateway.status())
    early, late = revisions(gateway, first)[0], revisions(again, second)[0]

    def take_and_wait(session: Session) -> None:
        one.taking(session).take([sort(early)])
        session.flush()
        # The first holds its locks while the second begins, and commits only then.
        second_thread.start()
        second_thread.join(0.3)

    second_thread = threading.Thread(target=other.take, args=(late,))
    one.write(take_and_wait)
    second_thread.join()

    assert standing(one) == 2
    assert [row.sample for row in one.board().rows] == ["N2"]
    deeds = [(1, "published"), (2, "corrected")] if first == 1 else [(1, "published")]
    assert one.deeds() == deeds


def test_notices_of_replicas_are_numbered_without_a_gap(two_labs: tuple[Lab, Lab]) -> None:
    gateways = [FakeGateway(epoch=epoch) for epoch in (1, 2)]
    two_labs[0].take(gateways[0].status())

    def take_many(lab: Lab, gateway: FakeGateway, prefix: str) -> None:
        for number in range(20):
            lab.take(gateway.entry(payload(f"{prefix}{number}")))

    threads: list[threading.Thread] = []
    for lab, gateway, prefix in zip(two_labs, gateways, "ab", strict=True):
        work: Callable[[], None] = partial(take_many, lab, gateway, prefix)
        threads.append(threading.Thread(target=work))
        threads[-1].start()
    for thread in threads:
        thread.join()

    assert [n for n, _ in two_labs[0].deeds()] == list(range(1, 41))


def test_a_card_that_comes_while_a_result_is_decided_leaves_nothing_held(
    two_labs: tuple[Lab, Lab],
) -> None:
    one, other = two_labs
    gateway = FakeGateway()
    entry, status = gateway.entries("a")[0], gateway.status()

    def decide_and_wait(session: Session) -> None:
        one.taking(session).take([sort(entry)])
        second_thread.start()
        second_thread.join(0.3)

    second_thread = threading.Thread(target=other.take, args=(status,))
    one.write(decide_and_wait)
    second_thread.join()

    assert one.deeds() == [(1, "published")]
