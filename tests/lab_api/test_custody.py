"""CUSTODY.md 1, 2, 8: what a lab counts as held, and what it says of it, on both databases."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from gateway.wire.commands import ReissueCommand
from gateway.wire.model import canonical
from gateway.wire.stream import Link, chain_after
from gateway.wire.topics import GatewayTopics
from lab_api.ingest.sorting import Message
from lab_api.publication import Reason, State
from lab_api.store.tables import (
    Arrival,
    Conflict,
    Publication,
    Refused,
    StoredCommand,
    StoredResult,
)
from tests.lab_api.conftest import Lab
from tests.lab_api.station import FakeGateway, payload


def test_a_receipt_reaches_the_newest_entry_with_its_chain(lab: Lab) -> None:
    gateway = FakeGateway()

    lab.take(gateway.raw_message(), *gateway.entries("a", "b", "c"))

    held = lab.receipt().epochs[str(gateway.epoch)]
    assert (held.through, held.chain, held.fork) == (3, gateway.chain, False)


def test_through_stops_at_a_hole_and_moves_on_when_it_is_filled(lab: Lab) -> None:
    gateway = FakeGateway()
    first, second, third, fourth = gateway.entries("a", "b", "c", "d")

    lab.take(gateway.raw_message(), first, fourth, third)
    assert lab.through(gateway.epoch) == 1

    lab.take(second)
    assert lab.through(gateway.epoch) == 4


def test_entries_in_any_order_and_number_of_times_give_the_same_receipt(lab: Lab) -> None:
    gateway = FakeGateway()
    messages = [gateway.raw_message(), *gateway.entries(*"abcdefghij")] * 2
    random.Random(7).shuffle(messages)
    lab.take(gateway.status())

    for message in messages:
        lab.take(message)

    assert lab.through(gateway.epoch) == 10
    assert len(lab.rows(StoredResult)) == 10
    assert len(lab.notices()) == 10


def test_through_waits_for_the_raw_bytes(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(*gateway.entries("a", "b"))
    assert lab.through(gateway.epoch) == 0

    lab.take(gateway.raw_message())

    assert lab.through(gateway.epoch) == 2


def test_raw_bytes_that_are_not_what_their_topic_names_are_refused(lab: Lab) -> None:
    gateway = FakeGateway()
    message = gateway.raw_message()

    lab.take(*gateway.entries("a"), replace(message, payload=b"other"))

    assert lab.through(gateway.epoch) == 0
    assert [row.payload for row in lab.rows(Refused)] == [b"other"]


def test_an_entry_that_does_not_follow_is_a_fork_and_stops_the_receipt(lab: Lab) -> None:
    gateway = FakeGateway()
    first = gateway.entries("a")
    gateway.chain = chain_after("another history", Link(1, 1, "x", 1, None, "00"))
    stray = gateway.entries("b")

    outcome = lab.take(gateway.raw_message(), *first, *stray)

    held = lab.receipt().epochs[str(gateway.epoch)]
    assert (held.through, held.fork) == (1, True)
    assert any(name.startswith("fork") for name in outcome.alarms)


def test_a_second_entry_for_a_number_is_a_fork_and_both_results_are_kept(lab: Lab) -> None:
    gateway = FakeGateway()
    twin = replace(gateway)
    lab.take(gateway.raw_message(), *gateway.entries("a"))

    lab.take(*twin.entries("b"))

    assert lab.receipt().epochs[str(gateway.epoch)].fork
    assert len(lab.rows(StoredResult)) == 2


def test_two_entries_for_a_number_in_one_batch_are_a_fork(lab: Lab) -> None:
    gateway = FakeGateway()
    twin = replace(gateway)

    lab.take(gateway.raw_message(), *gateway.entries("a"), *twin.entries("b"))

    assert lab.receipt().epochs[str(gateway.epoch)].fork


def test_the_same_bodies_under_a_new_epoch_reach_the_head_and_nothing_doubles(lab: Lab) -> None:
    old = FakeGateway()
    lab.take(old.status(), old.raw_message(), *old.entries("a", "b", "c"))

    new = old.renumbered(777)
    lab.take(*new.entries("a", "b", "c"))

    assert lab.through(777) == 3
    assert len(lab.rows(StoredResult)) == 3
    assert len(lab.rows(Arrival)) == 6
    assert len(lab.notices()) == 3


def test_two_epochs_that_advance_in_turn_are_two_gateways_with_one_name(lab: Lab) -> None:
    one = FakeGateway()
    other = one.renumbered(777)
    outcomes = []

    for name, gateway in (("a", one), ("b", other), ("c", one)):
        lab.now = lab.now.replace(second=lab.now.second + 1)
        outcomes.append(lab.take(gateway.raw_message(), *gateway.entries(name)))

    doubled = [any(name.startswith("double") for name in each.alarms) for each in outcomes]
    assert doubled == [False, False, True]


def test_another_body_of_a_revision_is_kept_held_and_asked_for_again(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), gateway.raw_message(), *gateway.entries("a"))

    outcome = lab.take(gateway.entry(payload("a", number="N-other")))

    assert len(lab.rows(Conflict)) == 1
    (publication,) = lab.rows(Publication)
    assert (publication.state, publication.reason) == (State.WITHDRAWN, Reason.CONFLICT)
    assert lab.deeds() == [(1, "published"), (2, "withdrawn")]
    (stored,) = lab.rows(StoredCommand)
    command = ReissueCommand.model_validate_json(stored.payload)
    assert (stored.verb, str(command.id), command.above) == ("reissue", payload("a")["id"], 1)
    assert command.request.startswith("lab1.")
    assert outcome.commands


def test_a_contradiction_that_comes_again_is_asked_for_once(lab: Lab) -> None:
    gateway = FakeGateway()
    other = gateway.renumbered(777).entry(payload("a", number="N-other"))
    lab.take(*gateway.entries("a"))

    lab.take(other)
    lab.take(other)

    assert len(lab.rows(StoredCommand)) == 1


def test_what_is_said_again_above_a_contradiction_is_shown_again(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(), gateway.raw_message(), *gateway.entries("a"))
    lab.take(gateway.entry(payload("a", number="N-other")))

    lab.take(gateway.entry(payload("a", revision=2)))

    (publication,) = lab.rows(Publication)
    assert publication.state is State.SHOWN
    assert lab.board().rows[0].revision == 2


@pytest.mark.parametrize("reason", ["too-large", "pruned", "damaged", "unknown-epoch", "moved"])
def test_what_will_not_come_is_passed_over(lab: Lab, reason: str) -> None:
    gateway = FakeGateway()
    first, second, third, fourth = gateway.entries("a", "b", "c", "d")
    chain = json.loads(third.payload)["chain"]

    lab.take(gateway.raw_message(), first, fourth, gateway.absent(2, 3, chain, reason))

    assert lab.through(gateway.epoch) == 4
    assert len(lab.rows(StoredResult)) == 2
    assert second.payload not in [row.payload for row in lab.rows(StoredResult)]


def test_the_entry_after_absent_ones_must_follow_the_value_they_name(lab: Lab) -> None:
    gateway = FakeGateway()
    first, _, third = gateway.entries("a", "b", "c")

    lab.take(gateway.raw_message(), first, third, gateway.absent(2, 2, "0" * 64))

    held = lab.receipt().epochs[str(gateway.epoch)]
    assert (held.through, held.fork) == (2, True)


def test_after_damage_the_next_entry_is_taken_on_trust(lab: Lab) -> None:
    gateway = FakeGateway()
    first, _, third = gateway.entries("a", "b", "c")

    lab.take(gateway.raw_message(), first, third, gateway.absent(2, 2, None, "damaged"))

    assert lab.through(gateway.epoch) == 3


def test_a_real_entry_that_arrives_later_replaces_its_absence(lab: Lab) -> None:
    gateway = FakeGateway()
    first, second = gateway.entries("a", "b")
    chain = json.loads(second.payload)["chain"]
    lab.take(gateway.raw_message(), first, gateway.absent(2, 2, chain))

    lab.take(second)

    assert lab.through(gateway.epoch) == 2
    assert len(lab.rows(StoredResult)) == 2


def test_a_longer_absence_replaces_a_shorter_one(lab: Lab) -> None:
    gateway = FakeGateway()
    messages = gateway.entries("a", "b", "c", "d")
    chain = json.loads(messages[2].payload)["chain"]

    lab.take(gateway.raw_message(), messages[3], gateway.absent(1, 1, None))
    lab.take(gateway.absent(1, 3, chain))

    assert lab.through(gateway.epoch) == 4


def test_a_message_that_claims_another_station_is_refused(lab: Lab) -> None:
    other = FakeGateway(GatewayTopics("210112", "s0008", "gw1"))
    message = other.entries("a")[0]

    lab.take(replace(message, topic=message.topic.replace("s0008", "s0007")))

    assert lab.rows(StoredResult) == []
    (refused,) = lab.rows(Refused)
    assert "210112/s0007/gw1 as in the topic expected, 210112/s0008/gw1 found" in refused.reason


def test_a_station_configured_in_another_region_is_refused_with_an_alarm(lab: Lab) -> None:
    elsewhere = FakeGateway(GatewayTopics("330100", "s0007", "gw1"))

    outcome = lab.take(elsewhere.status(), *elsewhere.entries("a"))

    assert lab.rows(StoredResult) == []
    assert "station-elsewhere s0007" in outcome.alarms
    assert lab.rows(Refused)[0].reason == ("station s0007 in region 210112 expected, 330100 found")


def test_a_station_that_is_not_known_is_stored_and_confirmed_and_shown_to_nobody(lab: Lab) -> None:
    gateway = FakeGateway(GatewayTopics("210112", "s0099", "gw1"))

    lab.take(gateway.status(), gateway.raw_message(), *gateway.entries("a"))

    assert lab.receipt(gateway.topics).epochs[str(gateway.epoch)].through == 1
    (publication,) = lab.rows(Publication)
    assert publication.reason is Reason.STATION_UNKNOWN
    assert lab.notices() == []


def test_the_bytes_of_a_result_are_kept_as_they_came(lab: Lab) -> None:
    gateway = FakeGateway()
    message = gateway.entries("a")[0]
    spaced = Message(message.topic, json.dumps(json.loads(message.payload), indent=1).encode())

    lab.take(spaced)

    assert [row.payload for row in lab.rows(StoredResult)] == [spaced.payload]
    assert canonical(json.loads(spaced.payload)) == message.payload


@pytest.mark.parametrize("revision", [1, 5, 2**31 - 1])
def test_another_stations_result_with_an_id_already_held_changes_nothing(
    lab: Lab, revision: int
) -> None:
    ours = FakeGateway()
    theirs = FakeGateway(topics=GatewayTopics("210112", "s0008", "gw1"), epoch=77)
    lab.take(ours.status(), ours.raw_message(), *ours.entries("a"))
    before = lab.board().rows

    outcome = lab.take(
        theirs.status(), theirs.raw_message(), theirs.entry(payload("a", revision=revision))
    )

    assert lab.board().rows == before
    assert lab.deeds() == [(1, "published")]
    (refused,) = lab.rows(Refused)
    assert "an id of 210112/s0008 expected" in refused.reason
    assert "foreign-id 210112/s0008" in outcome.alarms
    lab.take(ours.entry(payload("a", revision=2)))
    assert lab.board().rows[0].revision == 2
