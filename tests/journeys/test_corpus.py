"""Recordings of real instruments through the whole gateway, read by an independent subscriber.

G2 once, G4 another's garbage costs nothing, G6 nothing is invented; CUSTODY.md 3.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.astm_frames import frames_of, messages_of, re_batched
from tests.journeys.analyser import Analyser, SocketLine
from tests.journeys.market import Bench, Market
from tests.services.brokers import Broker
from tests.services.corpus import recordings
from tests.services.ports import free_port
from tests.services.programs import Programs
from tests.services.subscriber import Received, Subscription
from tests.services.virtual_port import VirtualPort

RECORDINGS = recordings("astm", "*.astm")
Dial = Callable[[int], SocketLine]


def expected(recording: Path) -> list[tuple[set[str], set[str], str, str, bool]]:
    """Per result of the sidecar: samples and items that are right, value, unit, whether QC."""
    sidecar = json.loads(recording.with_suffix(".expected.json").read_text("utf-8"))
    return [
        (
            {one.get("sample_id") or "", *one.get("sample_id_accept", [])},
            {said["code"], *said["test_id_raw"].split("^")},
            said["value_raw"].strip(),
            said["unit"],
            bool(one.get("control")) or message["kind"] == "qc",
        )
        for message in sidecar["messages"]
        for one in message.get("samples", [])
        for said in one.get("results", [])
    ]


def found_in(heard: list[Received], instrument: str) -> list[dict[str, Any]]:
    topic = f"/result/{instrument}"
    return [json.loads(one.payload) for one in heard if one.topic.endswith(topic)]


def with_ending(records: list[bytes]) -> list[bytes]:
    """A message as it has to end; some recordings were cut before their L record."""
    ended = records[-1].startswith(b"L")
    return records if ended else [*records, b"L" + records[0][1:2] + b"1\r"]


@pytest.fixture(params=["each record a frame", "frames of 240"])
def per_record(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "each record a frame")


def test_every_reading_of_every_recording_arrives_as_it_was_sent_and_once(
    programs: Programs,
    mosquitto: Broker,
    subscribe: Callable[..., Subscription],
    tmp_path: Path,
    dial: Dial,
    per_record: bool,
) -> None:
    if not RECORDINGS:
        return  # conftest says "not run: corpus"
    noise = free_port()
    ports = [free_port() for _ in RECORDINGS]
    benches = [
        Bench(f"tcp+listen://127.0.0.1:{port}", f"a{n}", "astm-generic")
        for n, port in enumerate(ports)
    ]
    benches.append(Bench(f"tcp+listen://127.0.0.1:{noise}", "noise", "astm-generic"))
    market = Market(programs, mosquitto, tmp_path / "m", benches)
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/result/#")
    market.start_gateway()
    shouting = dial(noise)
    wanted = sum(len(expected(recording)) for recording in RECORDINGS)

    for n, recording in enumerate(RECORDINGS):
        shouting.write(b"\x00\xff garbage")
        messages = [with_ending(one) for one in messages_of(recording.read_bytes())]
        analyser = Analyser(dial(ports[n]), seed=n)
        for batch in (*messages, *messages, *re_batched(messages)):
            assert analyser.send(frames_of(batch, per_record=per_record)), recording.name

    last = Analyser(shouting)
    assert last.send(frames_of([b"H|\\^&\r", b"O|1|END\r", b"R|1|^^^END|1\r", b"L|1\r"]))
    everything = heard.wait_until(lambda all_: len(found_in(all_, "noise")) == 1, 40)
    assert len(everything) == wanted + 1
    for n, recording in enumerate(RECORDINGS):
        assert_as_sent(found_in(everything, f"a{n}"), recording)


def assert_as_sent(found: list[dict[str, Any]], recording: Path) -> None:
    wanted = expected(recording)
    assert len({one["id"] for one in found}) == len(wanted), recording.name
    for (samples, items, value, unit, is_qc), one in zip(wanted, found, strict=True):
        said = (one["value"]["as_reported"] or "", one["value"]["unit"] or "")
        assert said == (value, unit) or said[0] in value.split("^"), recording.name
        assert one["test"]["item"] in items, recording.name
        assert (one["sample"]["number"] or "") in {name.strip() for name in samples}
        assert (one["test"]["purpose"] == "qc") >= is_qc, recording.name


def test_a_recording_over_a_pty_arrives_as_over_a_socket(
    programs: Programs,
    mosquitto: Broker,
    subscribe: Callable[..., Subscription],
    tmp_path: Path,
) -> None:
    chosen = [one for one in RECORDINGS if "yumizen_h500_patient" in one.name]
    if not chosen:
        return  # conftest says "not run: corpus"
    port = VirtualPort(tmp_path / "ttyYUMIZEN")
    bench = Bench(port.url, "y1", "astm-generic")
    market = Market(programs, mosquitto, tmp_path / "m", [bench])
    heard = subscribe(mosquitto, "kuaijian/v1/+/+/+/+/+/result/#")
    market.start_gateway()
    (records,) = messages_of(chosen[0].read_bytes())

    assert Analyser(port).send(frames_of(records))

    found = found_in(heard.wait_for(len(expected(chosen[0]))), "y1")
    assert_as_sent(found, chosen[0])
    port.unplug()
