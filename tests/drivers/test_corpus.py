"""Every ASTM recording of a real instrument against its sidecar, by hand (G2; CUSTODY.md 3).

The recordings are not part of the project: they are found by `KJ_CORPUS`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers import Purpose, Reading, decode, profile_named, understand
from drivers.protocols.astm_bare import BareAstm
from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Arrived, Asked, Incomplete, StreamProtocol
from drivers.reading import Settlement
from tests.astm_frames import in_random_pieces, messages_of, re_batched, session_of
from tests.services.corpus import recordings

GENERIC = profile_named("astm-generic")
RECORDINGS = recordings("astm", "*.astm")
each_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
ASKED = ("query", "order")


def expected(recording: Path) -> dict[str, Any]:
    sidecar = recording.with_name(f"{recording.stem}.expected.json")
    told: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
    return told


def told_results(recording: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every result of the sidecar with its sample, in order."""
    for message in expected(recording)["messages"]:
        for sample in message.get("samples", []):
            for result in sample.get("results", []):
                yield result, sample


def agree(readings: list[Reading], recording: Path) -> None:
    told = list(told_results(recording))
    assert len(readings) == len(told)
    for reading, (result, sample) in zip(readings, told, strict=True):
        components = result["test_id_raw"].replace("\\", "^").split("^")
        values = (result["value_raw"].strip(), result["value_raw"].strip().split("^")[0])
        assert reading.item == result["code"] or reading.item in components
        assert reading.value in values
        assert (reading.unit or "") == result["unit"]
        assert reading.sample in (sample["sample_id"], *sample.get("sample_id_accept", []))
        assert reading.measured_at == (result.get("measured_at") or None)
        assert (reading.purpose is Purpose.QC) == bool(sample.get("control"))


def spoken(protocol: StreamProtocol, pieces: Iterable[bytes]) -> list[Reading]:
    """What a gateway that stores everything at once understands."""
    readings: list[Reading] = []
    for piece in pieces:
        events = list(protocol.feed(piece))
        while events:
            event = events.pop(0)
            assert isinstance(event, Arrived | Asked | Incomplete), event
            if isinstance(event, Arrived | Asked):
                record = event.record if isinstance(event, Arrived) else event.query
                readings += understand(GENERIC, record)
                protocol.settle(event.held, Settlement.STORED)
                events += protocol.feed(b"")
    return readings


def as_spoken(recording: Path, *, per_record: bool = True) -> list[bytes]:
    """A recording as a strict sender says it, framed again."""
    messages = messages_of(recording.read_bytes())
    return session_of(*messages, per_record=per_record)


def identities(readings: list[Reading]) -> Counter[bytes]:
    return Counter(reading.identity for reading in readings)


@each_recording
def test_a_recording_decodes_to_what_was_written_down(recording: Path) -> None:
    deliveries = decode(GENERIC, recording.read_bytes())

    agree([reading for one in deliveries for reading in one.readings], recording)


@each_recording
def test_nothing_in_a_recording_is_called_a_fault(recording: Path) -> None:
    assert [one.fault for one in decode(GENERIC, recording.read_bytes()) if one.fault] == []


@each_recording
@pytest.mark.parametrize("per_record", [True, False], ids=["frame a record", "blind frames"])
@pytest.mark.parametrize("pieces", ["one write", "byte by byte", "random pieces", "with noise"])
def test_a_recording_spoken_over_a_strict_link_gives_the_same(
    recording: Path, pieces: str, per_record: bool
) -> None:
    said = as_spoken(recording, per_record=per_record)
    wire = b"".join(said)
    cut = {
        "one write": [wire],
        "byte by byte": [wire[place : place + 1] for place in range(len(wire))],
        "random pieces": in_random_pieces(wire, seed=7),
        "with noise": [b"\0\r\n", *said],
    }[pieces]

    agree(spoken(AstmReceiver(), cut), recording)


@each_recording
def test_a_recording_written_as_bare_records_gives_the_same(recording: Path) -> None:
    records = [record for message in messages_of(recording.read_bytes()) for record in message]

    agree(spoken(BareAstm(), in_random_pieces(b"".join(records), seed=11)), recording)


@pytest.mark.parametrize(
    "recording",
    [path for path in RECORDINGS if b"\x05\x02" in path.read_bytes()],
    ids=lambda path: path.stem,
)
def test_a_recording_with_its_own_link_control_passes_the_strict_link_as_it_is(
    recording: Path,
) -> None:
    wire = recording.read_bytes()

    agree(spoken(AstmReceiver(), in_random_pieces(wire, seed=3)), recording)


@each_recording
def test_a_recording_has_as_many_identities_as_results(recording: Path) -> None:
    readings = spoken(AstmReceiver(), as_spoken(recording))

    assert len(identities(readings)) == len(list(told_results(recording)))


@each_recording
def test_a_recording_played_twice_adds_no_identity(recording: Path) -> None:
    receiver, said = AstmReceiver(), as_spoken(recording)

    assert identities(spoken(receiver, said)) == identities(spoken(receiver, said))


@each_recording
def test_a_recording_re_batched_adds_no_identity(recording: Path) -> None:
    once = spoken(AstmReceiver(), as_spoken(recording))

    split = session_of(*re_batched(messages_of(recording.read_bytes())))

    assert identities(spoken(AstmReceiver(), split)) == identities(once)


@each_recording
def test_a_query_or_an_order_gives_no_reading(recording: Path) -> None:
    kinds = [message["kind"] for message in expected(recording)["messages"]]

    readings = spoken(AstmReceiver(), as_spoken(recording))

    assert bool(readings) == any(kind not in ASKED for kind in kinds)
