"""What a gateway says of itself: its newest word stands, and only its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.wire.status import Presence
from lab_api.publication import Reason, State
from lab_api.settings import StationPart
from lab_api.store.tables import GatewaySeen, Publication
from tests.lab_api.conftest import Lab
from tests.lab_api.station import CARD, NOON, FakeGateway


def seen(lab: Lab) -> GatewaySeen:
    (gateway,) = lab.rows(GatewaySeen)
    return gateway


def test_a_receipt_echoes_the_newest_beat(lab: Lab) -> None:
    gateway = FakeGateway(beat=6)

    lab.take(gateway.status())

    assert lab.receipt().beats == {"boot-1": 7}


def test_a_lower_beat_of_the_same_boot_is_older(lab: Lab) -> None:
    gateway = FakeGateway()
    older, newer = gateway.status(offered=1), gateway.status(offered=2)

    lab.take(newer)
    lab.take(older)

    assert (seen(lab).beat, seen(lab).offered) == (2, 2)


def test_another_boot_begins_its_beats_again(lab: Lab) -> None:
    lab.take(FakeGateway(beat=50).status())

    lab.take(FakeGateway(boot="boot-2").status())

    assert lab.receipt().beats == {"boot-2": 1}


def test_a_will_says_offline_and_keeps_the_beat(lab: Lab) -> None:
    gateway = FakeGateway(beat=9)
    lab.take(gateway.status())

    lab.take(gateway.will())

    assert (seen(lab).state, seen(lab).beat) == (Presence.OFFLINE, 10)
    assert not lab.board().proof.gateway_online


def test_a_will_of_another_boot_is_ignored(lab: Lab) -> None:
    lab.take(FakeGateway(boot="boot-2").status())

    lab.take(FakeGateway(boot="boot-1").will())

    assert seen(lab).state is Presence.ONLINE


def test_a_gateway_that_speaks_again_is_online(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status())
    lab.take(gateway.will())

    lab.take(gateway.status())

    assert lab.board().proof.gateway_online


def test_the_proof_of_a_live_status_is_as_old_as_its_arrival(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.status(at="1970-01-01T00:00:00+00:00"))

    lab.now += timedelta(seconds=20)

    assert lab.board().proof.gateway_age_s == 20


def test_what_a_broker_kept_proves_no_more_than_its_own_time(lab: Lab) -> None:
    gateway = FakeGateway()
    message = gateway.status(at=(NOON - timedelta(minutes=7)).isoformat())

    lab.take(type(message)(message.topic, message.payload, fresh=False))

    assert lab.board().proof.gateway_age_s == 7 * 60


def test_results_that_came_before_the_card_are_shown_when_it_comes(lab: Lab) -> None:
    gateway = FakeGateway()
    lab.take(gateway.raw_message(), *gateway.entries("a", "b"))
    assert {row.reason for row in lab.rows(Publication)} == {Reason.STATION_NOT_HEARD}

    outcome = lab.take(gateway.status())

    assert lab.deeds() == [(1, "published"), (2, "published")]
    assert outcome.boards


def test_a_station_that_names_another_lab_gets_nothing_published_and_an_alarm(lab: Lab) -> None:
    gateway = FakeGateway(card={**CARD, "lab": "lab2"})

    outcome = lab.take(gateway.status(), *gateway.entries("a"))

    (publication,) = lab.rows(Publication)
    assert (publication.state, publication.reason) == (State.HELD, Reason.OTHER_LAB)
    assert lab.notices() == []
    sentence = outcome.alarms["not-published s0007"]
    assert sentence is not None
    assert "lab1 as its publishing lab expected, 'lab2' found" in sentence


def test_the_alarm_is_over_when_the_station_names_this_lab(lab: Lab) -> None:
    gateway = FakeGateway(card={**CARD, "lab": "lab2"})
    lab.take(gateway.status(), *gateway.entries("a"))
    gateway.card = dict(CARD)

    outcome = lab.take(gateway.status())

    assert outcome.alarms == {"not-published s0007": None}
    assert lab.deeds() == [(1, "published")]


@pytest.mark.parametrize("publish", [True, False])
def test_a_station_that_the_settings_begin_to_publish_is_decided_again(
    lab: Lab, publish: bool
) -> None:
    lab.know(StationPart(id="s0007", region="210112", publish=False))
    gateway = FakeGateway()
    lab.take(gateway.status(), *gateway.entries("a"))
    assert lab.notices() == []

    lab.open_stations(StationPart(id="s0007", region="210112", publish=publish))

    assert len(lab.notices()) == publish
