"""G1 and CUSTODY.md 9, 10 at the process: what an analyser is told, and what is then on disk."""

from __future__ import annotations

import json
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.analyser import ACK, EOT, NAK, Analyser, SocketLine, frame, frames, message
from tests.journeys.market import Bench, Market, wait_until
from tests.services.brokers import Broker
from tests.services.ports import free_port
from tests.services.programs import Programs
from tests.services.subscriber import Received, Subscription

Dial = Callable[[int], SocketLine]
Subscribe = Callable[..., Subscription]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def market(programs: Programs, mosquitto: Broker, tmp_path: Path, port: int) -> Market:
    return Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])


def values(heard: list[Received]) -> list[str]:
    return [json.loads(one.payload)["value"]["as_reported"] for one in heard]


def status_of(market: Market) -> dict[str, Any]:
    told = market.status()
    assert told is not None
    return told


def test_a_corrupted_intermediate_frame_is_refused_and_no_wrong_value_appears(
    market: Market, mosquitto: Broker, subscribe: Subscribe, dial: Dial, port: int
) -> None:
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/result/#")
    market.start_gateway()
    analyser = Analyser(dial(port))
    head, patient, order, result, last = message("N0001", "12.6")
    said = result + b"|" + b"x" * 300 + b"\r"
    first, second = frame(4, said[:240], b"\x17"), frame(5, said[240:])
    corrupted = first.replace(b"12.6", b"92.6")
    analyser.bid()
    for one in frames([head, patient, order]):
        assert analyser.say(one) == ACK

    answers = [analyser.say(one) for one in (corrupted, first, second, frame(6, last + b"\r"))]

    assert answers == [NAK, ACK, ACK, ACK]
    assert values(heard.wait_for(1)) == ["12.6"]


def test_a_repeated_frame_whose_ack_was_lost_gives_one_result(
    market: Market, mosquitto: Broker, subscribe: Subscribe, dial: Dial, port: int
) -> None:
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/result/#")
    market.start_gateway()
    analyser = Analyser(dial(port))
    analyser.bid()
    made = frames(message("N0001", "12.6"))
    for one in made:
        assert [analyser.say(one), analyser.say(one)] == [ACK, ACK]
    analyser.line.write(EOT)
    assert analyser.send(frames(message("N0002", "8.1")))

    assert values(heard.wait_for(2)) == ["12.6", "8.1"]


def test_with_the_journal_failing_the_sender_gets_no_ack_and_the_gateway_ends(
    market: Market, dial: Dial, port: int
) -> None:
    gateway = market.start_gateway()
    analyser = Analyser(dial(port))
    assert analyser.send(frames(message("N0001", "12.6")))
    # Every write to any file now fails for this process, as a failing disk would.
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    analyser.bid()
    *body, last = frames(message("N0002", "8.1"))
    for one in body:
        assert analyser.say(one) == ACK

    answer = analyser.say(last)

    assert (answer, gateway.wait(10)) == (b"", 1)


def test_what_was_not_acknowledged_is_delivered_to_the_next_start(
    market: Market, mosquitto: Broker, subscribe: Subscribe, dial: Dial, port: int
) -> None:
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/result/#")
    gateway = market.start_gateway()
    analyser = Analyser(dial(port))
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    assert not analyser.send(frames(message("N0001", "12.6")), tries=1)
    gateway.wait(10)

    market.start_gateway()
    assert Analyser(dial(port)).send(frames(message("N0001", "12.6")))

    assert values(heard.wait_for(1)) == ["12.6"]


def test_a_message_cut_before_its_last_record_yields_no_result_and_its_bytes_are_kept(
    market: Market, dial: Dial, port: int
) -> None:
    market.start_gateway()
    analyser = Analyser(dial(port))
    analyser.bid()
    for one in frames(message("N0001", "12.6")[:4]):
        analyser.say(one)
    analyser.line.write(EOT)

    wait_until(lambda: status_of(market)["status"]["not_understood"] == 1)

    with sqlite3.connect(f"file:{market.journal}?mode=ro", uri=True) as journal:
        (kept,) = journal.execute("select octets from raw").fetchone()
        (entries,) = journal.execute("select count(*) from entry").fetchone()
    journal.close()
    assert (b"|12.6|" in kept, entries) == (True, 0)


def test_a_result_is_the_same_in_one_write_byte_by_byte_and_after_noise(
    market: Market, mosquitto: Broker, subscribe: Subscribe, dial: Dial, port: int
) -> None:
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/result/#")
    market.start_gateway()
    line = dial(port)
    made = frames(message("N0001", "12.6"))
    line.write(b"\x05")
    line.read(1)
    for one in made:
        line.write(one)
        assert line.read(1) == ACK
    line.write(EOT + b"\xff\x00~noise\x05")
    line.read(1)
    for one in made:
        for byte in one:
            line.write(bytes([byte]))
        assert line.read(1) == ACK
    line.write(EOT)
    assert Analyser(line).send(frames(message("N0002", "8.1")))

    assert values(heard.wait_for(2)) == ["12.6", "8.1"]
