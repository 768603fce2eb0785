"""Recordings of an instrument that is asked hold its answers (DESIGN.md §5.1)."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers import decode, decode_file, profile_named
from tests.drivers.dy_instrument import channel, frame, item, photometric, report, strip
from tests.services.corpus import recordings
from tests.vectors import dy03ff as vectors

PROFILE = profile_named("dayuan-dy03ff")
PAGE = frame(0x42, 0, item("农药残留", "%") + item("甲醛", "mg/kg", 1))
OTHER_PAGE = frame(0x42, 0, item("甲醛", "mg/kg", 1) + item("农药残留", "%"))
QUESTIONS = vectors.TEST + vectors.ITEM_PAGE_0 + vectors.COUNT_OF_20261123 + vectors.RECORD_1


def lines(recording: bytes) -> list[dict[str, object]]:
    decoded = decode_file("dayuan-dy03ff", recording)
    assert decoded.faults == []
    return decoded.lines


def faults(recording: bytes) -> list[str]:
    return decode_file("dayuan-dy03ff", recording).faults


def test_a_line_is_one_json_object_a_channel() -> None:
    record = frame(0x45, 1, photometric(channel(0, 596), channel(1, 126, flag=0xC0)))

    (line,) = lines(PAGE + record)

    assert json.loads(json.dumps(line)) == {
        "item": "opc-inhibition",
        "value": "12.6",
        "unit": "%",
        "reported": None,
        "sample": None,
        "channel": "1",
        "measured_at": "2026-11-23T12:00:00",
        "extras": {
            "item_index": 0,
            "method": 0,
            "suspicious": True,
            "control": {"value": "59.6", "octets": "54 02 00 00"},
        },
        "raw_sha256": sha256(PAGE + record).hexdigest(),
    }


@pytest.mark.parametrize(
    "recording",
    [
        PAGE + vectors.INHIBITION_RECORD_1,
        QUESTIONS + PAGE + vectors.INHIBITION_RECORD_1,
        vectors.ITEM_PAGE_0 + PAGE + vectors.RECORD_1 + vectors.INHIBITION_RECORD_1,
        vectors.INHIBITION_RECORD_1 + PAGE,
        frame(0x62, 0, item("氯霉素")) + PAGE + vectors.INHIBITION_RECORD_1,
        PAGE + frame(0x43, 0, bytes(12)) + vectors.INHIBITION_RECORD_1,
    ],
    ids=["answers", "questions first", "in turns", "page after", "other pages", "a count"],
)
def test_a_recording_is_understood_however_it_was_made(recording: bytes) -> None:
    assert [line["value"] for line in lines(recording)] == ["12.6", "62.4", "50.3", "NA"]


def test_a_recording_without_a_page_gives_a_reading_a_channel_without_a_value() -> None:
    assert [line["value"] for line in lines(vectors.INHIBITION_RECORD_1)] == [None] * 4


def test_the_page_that_was_read_last_before_a_record_counts() -> None:
    record = frame(0x45, 1, photometric(channel(1, 126)))

    values = [line["value"] for line in lines(PAGE + record + OTHER_PAGE + record)]

    assert values == ["12.6", "0.126"]


def test_records_of_every_list_are_read_in_order() -> None:
    records = (
        frame(0x45, 1, photometric(channel(1, 126)))
        + frame(0x65, 1, strip(2))
        + frame(0x45, 2, report("检测项目：甲醛", "检测结果：0.5 mg/kg 合格"))
    )

    assert [line["value"] for line in lines(PAGE + records)] == ["12.6", "阴性", "0.5"]


def test_an_answer_with_a_wrong_check_is_told_and_gives_nothing() -> None:
    spoilt = vectors.INHIBITION_RECORD_1[:-1] + b"\x01"

    decoded = decode_file("dayuan-dy03ff", PAGE + spoilt + vectors.STRIP_RECORD_1, name="a.bin")

    assert decoded.faults == ["a.bin: garbled: the check of the contents does not match"]
    assert [line["value"] for line in decoded.lines] == ["阳性"]


def test_bytes_that_are_no_frame_are_told() -> None:
    assert faults(vectors.STRIP_RECORD_1 + b"\x03\xfe\x65") == [
        "-: garbled: 3 bytes that are no frame"
    ]


def test_questions_alone_hold_nothing_and_are_no_fault() -> None:
    assert (lines(QUESTIONS), faults(QUESTIONS)) == ([], [])


@pytest.mark.parametrize("content", [b"", b"nothing at all"])
def test_what_is_no_recording_is_told(content: bytes) -> None:
    expected = f"an answer that begins with 03 FE expected, none found in {len(content)} bytes"

    assert faults(content) == [f"-: {expected}"]


def test_hex_digits_are_read() -> None:
    text = f"06:45:12 {vectors.STRIP_RECORD_1.hex()}\n".encode()

    assert len(decode_file("dayuan-dy03ff", text, as_hex=True).lines) == 1


@pytest.mark.parametrize(
    "recording",
    recordings("nolicence", "dy_tl300_read_history_request.hex"),
    ids=lambda path: path.stem,
)
def test_the_recorded_question_of_a_real_host_is_no_fault(recording: Path) -> None:
    decoded = decode_file("dayuan-dy03ff", recording.read_bytes(), name=recording.name)

    assert (decoded.lines, decoded.faults) == ([], [])


@given(some.binary(max_size=400))
def test_any_bytes_are_some_recording(noise: bytes) -> None:
    decode(PROFILE, noise)
    decode(PROFILE, PAGE + noise + vectors.INHIBITION_RECORD_1)
