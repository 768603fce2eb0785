"""Every transcript: what the instrument said, what the host answered, what was understood.

A bug report is a folder `tests/transcripts/<profile>/<case>/` of `wire.txt`, `readings.json` and
`origin.md`. In `wire.txt` a line is seconds, who, and the bytes: text as it is, others as <hex>.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers import Reading, Settlement, load_profiles, profile_named, understand
from drivers.protocols.base import Arrived, Asked, StreamProtocol
from drivers.sessions import stream_protocol

FOLDER = Path(__file__).parents[1] / "transcripts"
CASES = sorted(path.parent for path in FOLDER.glob("*/*/wire.txt"))
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(FOLDER)))


@dataclass(frozen=True)
class Said:
    by_host: bool
    octets: bytes


def wire(case: Path) -> list[Said]:
    lines = (case / "wire.txt").read_text(encoding="ascii").splitlines()
    spoken = [line.split(" ", 2) for line in lines if line and not line.startswith("#")]
    return [Said(who == "host", octets(said)) for _, who, said in spoken]


def octets(said: str) -> bytes:
    """
    >>> octets("R|<3C>0.05<0D>")
    b'R|<0.05\\r'
    """
    parts = re.split(r"<([0-9A-F]{2})>", said)
    texts, others = parts[::2], [*parts[1::2], ""]
    return b"".join(
        text.encode("ascii") + bytes.fromhex(other)
        for text, other in zip(texts, others, strict=True)
    )


def hear(protocol: StreamProtocol, said: bytes) -> list[bytes]:
    """Store every record at once; return them."""
    records = []
    for event in protocol.feed(said):
        if isinstance(event, Arrived | Asked):
            records.append(event.record if isinstance(event, Arrived) else event.query)
            protocol.settle(event.held, Settlement.STORED)
    return records


def told(reading: Reading) -> dict[str, object]:
    names = ("item", "value", "unit", "reported", "sample", "channel", "measured_at")
    return {name: getattr(reading, name) for name in names} | {"extras": dict(reading.extras)}


@each_case
def test_a_transcript_gives_its_readings(case: Path) -> None:
    profile = profile_named(case.parent.name)
    protocol = stream_protocol(profile)
    records = [
        record for said in wire(case) if not said.by_host for record in hear(protocol, said.octets)
    ]

    readings = [told(reading) for record in records for reading in understand(profile, record)]

    assert readings == json.loads((case / "readings.json").read_text(encoding="utf-8"))


@each_case
def test_a_transcript_is_answered_as_it_was(case: Path) -> None:
    protocol = stream_protocol(profile_named(case.parent.name))
    answers = b""
    for said in wire(case):
        if not said.by_host:
            hear(protocol, said.octets)
            answers += protocol.outgoing()

    assert answers == b"".join(said.octets for said in wire(case) if said.by_host)


@each_case
def test_a_transcript_says_where_it_comes_from(case: Path) -> None:
    assert len((case / "origin.md").read_text(encoding="utf-8").split()) > 5


def test_every_profile_has_a_transcript() -> None:
    assert {case.parent.name for case in CASES} == set(load_profiles())
