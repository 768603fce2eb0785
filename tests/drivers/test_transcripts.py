"""Every transcript: what the instrument said, what the host answered, what was understood.

A bug report is a folder `tests/transcripts/<profile>/<case>/` of `wire.txt`, `readings.json` and
`origin.md`. In `wire.txt` a line is seconds, who, and the bytes: text as it is, others as <hex>.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from drivers import Reading, Settlement, load_profiles, profile_named, understand
from drivers.links.modbus_frames import RtuFrames, answer_of, question
from drivers.profile import Dy03ffProfile, ModbusProfile
from drivers.protocols.base import Arrived, Asked, Exchange, Read, StreamProtocol, Write
from drivers.protocols.register_poll import RegisterPoll
from drivers.sessions import ask_protocol, stream_protocol
from tests.drivers.asking import Conversations

T = TypeVar("T")

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


class Played:
    """The host's part of a case, played against what its instrument said."""

    def __init__(self, case: Path) -> None:
        self.profile = profile_named(case.parent.name)
        self.records: list[bytes] = []
        self.said = b""
        self._wire = wire(case)
        if isinstance(self.profile, Dy03ffProfile):
            self._ask()
        elif isinstance(self.profile, ModbusProfile):
            self._poll(self.profile)
        else:
            self._listen()

    def _listen(self) -> None:
        protocol = stream_protocol(self.profile)
        for one in self._wire:
            if not one.by_host:
                self.records += hear(protocol, one.octets)
                self.said += protocol.outgoing()

    def _answers(self) -> list[bytes]:
        """Each question is answered by what the instrument said until the next one."""
        answers: list[bytes] = []
        for one in self._wire:
            if one.by_host:
                answers.append(b"")
            else:
                answers[-1] += one.octets
        return answers

    def _poll(self, profile: ModbusProfile) -> None:
        answers, protocol = self._answers(), RegisterPoll(profile.registers)
        while answers:
            for event in self._converse(protocol.poll(), answers):
                if isinstance(event, Arrived):
                    self.records.append(event.record)
                    stored = protocol.settle(event.held, Settlement.STORED)
                    self._converse(stored, answers)

    def _converse(self, exchange: Exchange[T], answers: list[bytes]) -> T:
        """Each step is answered by what the unit said, in RTU."""
        frames, registers, unit = RtuFrames(), None, self._wire[0].octets[0]
        try:
            while True:
                step = exchange.send(registers)
                registers = None
                if isinstance(step, Read | Write):
                    asked = question(unit, step, 1)
                    self.said += frames.frame(asked)
                    said = frames.find(bytearray(answers.pop(0) if answers else b""), asked)
                    registers = answer_of(asked, said) if said else None
        except StopIteration as done:
            result: T = done.value
            return result

    def _ask(self) -> None:
        answers = self._answers()
        questions = len(answers)
        talking = Conversations(ask_protocol(self.profile), self._answering(answers))
        while answers:
            self.records += [one.record for one in talking.one(most=questions)]

    def _answering(self, answers: list[bytes]) -> Callable[[bytes], bytes]:
        def answer(question: bytes) -> bytes:
            if not answers:
                return b""
            self.said += question
            return answers.pop(0)

        return answer


@each_case
def test_a_transcript_gives_its_readings(case: Path) -> None:
    played = Played(case)

    readings = [
        told(reading) for record in played.records for reading in understand(played.profile, record)
    ]

    assert readings == json.loads((case / "readings.json").read_text(encoding="utf-8"))


@each_case
def test_the_host_says_what_it_said_in_a_transcript(case: Path) -> None:
    assert Played(case).said == b"".join(one.octets for one in wire(case) if one.by_host)


@each_case
def test_a_transcript_says_where_it_comes_from(case: Path) -> None:
    assert len((case / "origin.md").read_text(encoding="utf-8").split()) > 5


def test_every_profile_has_a_transcript() -> None:
    assert {case.parent.name for case in CASES} == set(load_profiles())
