"""Recordings of Modbus instruments: ours in every container, and those of real instruments."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers import Delivery, decode, decode_file, profile_named
from drivers.profile import ModbusProfile, read_profile
from drivers.understand.modbus_heard import crc
from tests.drivers.played_line import rtu, tcp
from tests.drivers.test_modbus_readings import page_record, words
from tests.services.corpus import recordings
from tests.vectors import modbus

SPECTRO = profile_named("spectrophotometer-modbus")
RECORD = (7, 2, 1, 0, *words(modbus.FLOAT_12_6["ABCD"]), 0, 0, 0x2611, 0x2306, 0x4512, 10, 0, 0)
NAME = words(b"SP-8 SN24A0117".ljust(32, b"\0"))
EMPTY = (0,) * 14


def question(address: int, count: int) -> bytes:
    return b"\x03" + address.to_bytes(2, "big") + count.to_bytes(2, "big")


def answer(registers: tuple[int, ...]) -> bytes:
    octets = b"".join(register.to_bytes(2, "big") for register in registers)
    return bytes((3, len(octets))) + octets


def page(record: tuple[int, ...] = RECORD) -> tuple[int, ...]:
    return (*record, 0, 0, *EMPTY)


def head(counter: int = 7) -> tuple[int, ...]:
    return (17, counter, 2)


LOOK = [
    (0x0000, NAME),
    (0x0010, head()),
    (0x0100, page()),
    (0x0010, head()),
]
"""What one look asks for, and what is answered."""


def rtu_of(look: list[tuple[int, tuple[int, ...]]], *, with_questions: bool = True) -> bytes:
    return b"".join(
        (rtu(5, question(at, len(said))) if with_questions else b"") + rtu(5, answer(said))
        for at, said in look
    )


def tcp_of(look: list[tuple[int, tuple[int, ...]]]) -> bytes:
    return b"".join(
        tcp(number, 5, question(at, len(said))) + tcp(number, 5, answer(said))
        for number, (at, said) in enumerate(look, start=1)
    )


def csv_of(look: list[tuple[int, tuple[int, ...]]]) -> bytes:
    rows = ["seq,direction,hex,crc_ok,meaning"]
    for at, said in look:
        rows.append(
            f'1,host->device,{rtu(5, question(at, len(said))).hex(" ")},yes,"asks, politely"'
        )
        rows.append(f"2,device->host,{rtu(5, answer(said)).hex(' ')},yes,answers")
    return "\n".join(rows).encode()


def jsonl_of(look: list[tuple[int, tuple[int, ...]]]) -> bytes:
    rows = ["# a note on top", '{"kind": "header"}']
    for at, said in look:
        row = {"method": "read_holding_registers", "address": at, "response_words": list(said)}
        rows.append(json.dumps(row))
    return "\n".join(rows).encode()


def values(deliveries: list[Delivery]) -> list[tuple[str | None, str | None]]:
    return [(one.item, one.value) for each in deliveries for one in each.readings]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (rtu_of(LOOK), "a.bin"),
        (rtu_of(LOOK, with_questions=False), "a.bin"),
        (rtu_of(LOOK[1:], with_questions=False), "a.bin"),
        (b"\xff\x00noise" + rtu_of(LOOK) + b"\x05\x03", "a.bin"),
        (rtu_of(LOOK[:2]) + rtu(5, b"\x83\x06") + rtu_of(LOOK[2:]), "a.bin"),
        (rtu_of(LOOK) + rtu(5, b"\x05\0\1\xff\0") * 2 + rtu_of(LOOK[1:2]), "a.bin"),
        (tcp_of(LOOK), "a.bin"),
        (csv_of(LOOK), "a_frames.csv"),
        (jsonl_of(LOOK), "a_registers.jsonl"),
        (page_record(), "-"),
    ],
    ids=[
        "frames",
        "answers alone",
        "answers from the middle on",
        "noise around",
        "a refusal in between",
        "a release behind",
        "tcp",
        "csv",
        "json lines",
        "as the journal keeps it",
    ],
)
def test_a_recording_is_understood_however_it_was_made(content: bytes, name: str) -> None:
    deliveries = decode(SPECTRO, content, name)

    assert [one.fault for one in deliveries] == [None]
    assert values(deliveries) == [("opc-inhibition", "12.6")]


def test_a_record_that_was_read_twice_comes_once_and_the_next_after_it() -> None:
    following = [(0x0010, head(8)), (0x0100, page((8, *RECORD[1:4], 0x41C8, 0, *RECORD[6:])))]
    recording = rtu_of([*LOOK, *LOOK[1:], *following, *following])

    assert [value for _, value in values(decode(SPECTRO, recording))] == ["12.6", "25"]


def test_a_record_that_was_read_while_it_was_written_does_not_come() -> None:
    torn = [(0x0010, head(7)), (0x0100, page((8, *RECORD[1:]))), (0x0010, head(8))]

    assert decode(SPECTRO, rtu_of(torn)) == []


def test_a_look_that_found_nothing_new_prints_nothing() -> None:
    decoded = decode_file("spectrophotometer-modbus", rtu_of(LOOK[:2]), name="a.bin")

    assert (decoded.lines, decoded.faults) == ([], [])


def test_a_line_is_one_json_object_a_reading() -> None:
    hex_digits = rtu_of(LOOK).hex(" ").encode()

    (line,) = decode_file("spectrophotometer-modbus", hex_digits, as_hex=True).lines

    assert (line["item"], line["value"], line["unit"]) == ("opc-inhibition", "12.6", "%")
    assert (line["channel"], line["measured_at"]) == ("1", "2026-11-23T06:45:12")
    assert len(str(line["raw_sha256"])) == hashlib.sha256().digest_size * 2


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.bin", "a.bin: an answer of a Modbus instrument expected, none found in 0 bytes"),
        (b"hello there", "a.bin", "an answer of a Modbus instrument expected, none found in 11"),
        (
            rtu_of([(0x2600, (0, 0x8D41, 0, 0x8D41))]),
            "a.bin",
            "registers 0x0100 to 0x010D of function 3 expected, registers 0x2600 to",
        ),
        (
            rtu(5, answer((1, 2, 3, 4, 5))),
            "a.bin",
            "expected, an answer of 5 registers of function 3 found",
        ),
        (b"a,b\n1,2\n", "a.csv", "a column hex expected, 'a,b' found"),
        (b"hex\nxyz\n", "a.csv", "hex digits expected"),
        (b"no json\n", "a.jsonl", "line 1: a JSON object expected, 'no json' found"),
        (
            b'{"method": "read_holding_registers", "address": "x"}',
            "a.jsonl",
            "line 1: address and response_words expected",
        ),
        (
            b'{"method": "read_holding_registers", "address": 1, "response_words": [70000]}',
            "a.jsonl",
            "line 1: numbers of 16 bits expected",
        ),
    ],
)
def test_a_recording_that_does_not_fit_is_told(content: bytes, name: str, said: str) -> None:
    decoded = decode_file("spectrophotometer-modbus", content, name=name)

    assert decoded.lines == []
    assert said in decoded.faults[0]


@given(content=some.binary(max_size=300), name=some.sampled_from(["-", "a.csv", "a.jsonl"]))
def test_any_bytes_are_some_recording(content: bytes, name: str) -> None:
    decode_file("spectrophotometer-modbus", content, name=name)
    decode(SPECTRO, rtu_of(LOOK) + content + rtu_of(LOOK), name)


@pytest.mark.parametrize(("body", "checksum"), modbus.CHECKSUMS)
def test_a_frame_s_checksum_is_the_manual_s(body: bytes, checksum: bytes) -> None:
    assert crc(body) == checksum


# -- real instruments ----------------------------------------------------------------------------

_BESIDE = """
version: 1
quality: transcript
describes: {en: a real instrument, zh-CN: 真实仪器}
protocol: modbus
custody: kept
"""
YOSEMITECH = """
registers:
  order: DCBA
  interval: 1
  timeout: 1
  slowest_answer: 2
  write_time: 0.1
  record: {at: 0x2600, length: %d, stamp: [+0]}
readings:
  - {item: temperature, value: {at: +0, type: float32}, unit: degC}
  - {item: %s, value: {at: +2, type: float32}, unit: "%s"}
"""
WATLOW = """
registers:
  interval: 1
  timeout: 1
  slowest_answer: 2
  write_time: 0.1
  also: [{at: 606}, {at: 901}]
  event: {at: 101, values: [0]}
  record: {at: 100, length: 1}
readings:
  - item: process_value
    value: {at: 100, type: i16, places: 606}
    unit: &unit {at: 901, words: {0: degF, 1: degC}}
  - {item: setpoint, value: {at: 300, type: i16, places: 606}, unit: *unit}
  - {item: output_power, value: {at: 103, scale: "0.1"}, unit: "%"}
  - {item: alarm_1_low, value: {at: 302, type: i16, places: 606}, unit: *unit}
  - {item: alarm_1_high, value: {at: 303, type: i16, places: 606}, unit: *unit}
  - {item: alarm_2_low, value: {at: 321, type: i16, places: 606}, unit: *unit}
  - {item: alarm_2_high, value: {at: 322, type: i16, places: 606}, unit: *unit}
  - {item: cold_junction_temperature, value: {at: 1500, scale: "0.1"}, unit: degF}
  - {item: output_high_power_limit, value: {at: 714, scale: "0.1"}, unit: "%"}
  - {item: software_revision, value: {at: 4, scale: "0.01"}}
"""
PARTS = {
    "yosemitech_y504_do_frames": YOSEMITECH % (4, "DO", "%"),
    "yosemitech_y514_chl_frames": (YOSEMITECH % (5, "chlorophyll", "mg/L"))
    + "  - {item: error, value: {at: +4}}\n",
    "watlow_f4p_registers": WATLOW,
}
RECORDINGS = [path for path in recordings("modbus") if path.stem in PARTS]


def profile_of(recording: Path) -> ModbusProfile:
    text = f"profile: real{_BESIDE}{PARTS[recording.stem]}"
    profile = read_profile(text, recording.name)
    assert isinstance(profile, ModbusProfile)
    return profile


def expected(recording: Path) -> list[dict[str, Any]]:
    sidecar = recording.with_name(f"{recording.stem}.expected.json")
    told: list[dict[str, Any]] = json.loads(sidecar.read_text(encoding="utf-8"))["readings"]
    return told


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_of_a_real_instrument_gives_what_was_written_down(recording: Path) -> None:
    content = recording.read_bytes()

    (delivery,) = decode(profile_of(recording), content, recording.name)

    found = {one.item: (float(one.value or "nan"), one.unit) for one in delivery.readings}
    told = {one["code"]: (one["value"], one.get("unit", "")) for one in expected(recording)}
    assert found.keys() == told.keys()
    for item, (value, unit) in told.items():
        assert found[item][0] == value
        assert unit.startswith(found[item][1] or "")


@pytest.mark.parametrize("recording", recordings("modbus"), ids=lambda path: path.stem)
def test_a_recording_of_another_instrument_is_told_and_gives_no_reading(recording: Path) -> None:
    decoded = decode_file("spectrophotometer-modbus", recording.read_bytes(), name=recording.name)

    assert decoded.lines == []
    assert len(decoded.faults) == 1
    assert "expected" in decoded.faults[0]
