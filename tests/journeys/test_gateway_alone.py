"""G1, G2, G4, G5 at the gateway's own process: real ptys and sockets, a real broker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.analyser import ACK, Analyser, SocketLine, frames, message
from tests.journeys.market import Bench, Market, wait_until
from tests.services.brokers import Broker
from tests.services.ports import free_port
from tests.services.programs import Programs
from tests.services.subscriber import Received, Subscription
from tests.services.virtual_port import VirtualPort

Subscribe = Callable[..., Subscription]
Dial = Callable[[int], SocketLine]


def results(heard: list[Received]) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in heard if "/result/" in one.topic]


def test_a_result_on_a_pty_reaches_an_independent_subscriber(
    programs: Programs, mosquitto: Broker, subscribe: Subscribe, tmp_path: Path
) -> None:
    port = VirtualPort(tmp_path / "ttyPEST")
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(port.url)])
    heard = subscribe(mosquitto, "kuaijian/v1/#")
    market.start_gateway()

    assert Analyser(port).send(frames(message("N0001", "12.6")))

    found = results(heard.wait_until(lambda all_: len(results(all_)) == 1))
    assert found[0]["value"]["as_reported"] == "12.6"
    port.unplug()


def test_one_instruments_garbage_costs_another_nothing(
    programs: Programs, mosquitto: Broker, subscribe: Subscribe, tmp_path: Path, dial: Dial
) -> None:
    noisy, good = free_port(), free_port()
    benches = [
        Bench(f"tcp+listen://127.0.0.1:{noisy}", "noisy-1"),
        Bench(f"tcp+listen://127.0.0.1:{good}", "pest-1"),
    ]
    market = Market(programs, mosquitto, tmp_path / "m", benches)
    heard = subscribe(mosquitto, "kuaijian/v1/#")
    market.start_gateway()
    shouting, analyser = dial(noisy), Analyser(dial(good))

    for n in range(20):
        try:
            shouting.write(bytes(range(256)) * 20)
        except ConnectionError:  # hung up on, for speaking another protocol
            shouting = dial(noisy)
        assert analyser.send(frames(message(f"N{n:04d}", "12.6")))

    heard.wait_until(lambda all_: len(results(all_)) == 20)


@pytest.mark.parametrize("twice", [False, True], ids=["one session", "two sessions"])
def test_a_message_sent_again_adds_nothing(
    programs: Programs,
    mosquitto: Broker,
    subscribe: Subscribe,
    tmp_path: Path,
    dial: Dial,
    twice: bool,
) -> None:
    port = free_port()
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])
    heard = subscribe(mosquitto, "kuaijian/v1/#")
    market.start_gateway()
    analyser = Analyser(dial(port))

    assert analyser.send(frames(message("N0001", "12.6")))
    assert analyser.send(frames(message("N0001", "12.6")))
    if twice:
        analyser = Analyser(dial(port))
        assert analyser.send(frames(message("N0001", "12.6")))
    assert analyser.send(frames(message("N0002", "8.0")))

    found = heard.wait_until(
        lambda all_: any(one["sample"]["number"] == "N0002" for one in results(all_))
    )
    assert len(results(found)) == 2


def test_a_gateway_started_while_the_broker_is_down_delivers_when_it_is_up(
    programs: Programs, mosquitto: Broker, tmp_path: Path, dial: Dial
) -> None:
    port = free_port()
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])
    mosquitto.kill()
    market.start_gateway()
    analyser = Analyser(dial(port))
    for n in range(5):
        assert analyser.send(frames(message(f"N{n}", "12.6")))

    mosquitto.start()

    def offered() -> bool:
        told = market.status()
        return told is not None and told["status"]["offered"] == 5

    wait_until(offered)


def test_a_pulled_cable_is_back_within_two_seconds_of_being_plugged_in(
    programs: Programs, mosquitto: Broker, tmp_path: Path
) -> None:
    port = VirtualPort(tmp_path / "ttyPEST")
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(port.url)])
    market.start_gateway()
    assert Analyser(port).send(frames(message("N0001", "12.6")))
    port.unplug()
    wait_until(lambda: (market.status() or {})["instruments"][0]["state"] == "lost")

    port.plug()
    plugged_at = time.monotonic()

    assert Analyser(port).bid() == ACK
    assert time.monotonic() - plugged_at < 2
    port.unplug()


def test_a_stop_says_goodbye_and_leaves_nothing_behind(
    programs: Programs, mosquitto: Broker, subscribe: Subscribe, tmp_path: Path
) -> None:
    port = free_port()
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/status")
    gateway = market.start_gateway()
    heard.wait_until(lambda all_: any(b'"online"' in one.payload for one in all_))

    code = gateway.terminate(5)

    last = heard.wait_until(lambda all_: b'"offline"' in all_[-1].payload)[-1]
    assert (code, json.loads(last.payload)["at"] is not None) == (0, True)


def test_a_killed_gateway_is_said_to_be_offline_by_its_will(
    programs: Programs, mosquitto: Broker, subscribe: Subscribe, tmp_path: Path
) -> None:
    port = free_port()
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/status")
    gateway = market.start_gateway()
    heard.wait_until(lambda all_: any(b'"online"' in one.payload for one in all_))

    gateway.kill()

    last = heard.wait_until(lambda all_: b'"offline"' in all_[-1].payload)[-1]
    assert json.loads(last.payload)["at"] is None
