"""Recordings that lack what a living link insists on, and what `decode` prints of them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers import ProfileError, decode, decode_file, profile_named
from tests.astm_frames import frames_of, session_of
from tests.vectors import astm

FSRA = profile_named("fsra-24")
RECORDS = astm.MESSAGE_RECORDS
MESSAGE = b"".join(RECORDS)
FRAMES = list(astm.MESSAGE_FRAMES)
LINE_FEEDS = MESSAGE.replace(b"\r", b"\n")


@pytest.mark.parametrize(
    "recording",
    [
        astm.MESSAGE_WIRE,
        b"".join(FRAMES),
        b"".join(frame.replace(b"\r\n", b"") for frame in FRAMES),
        b"".join(frames_of(RECORDS, per_record=False)),
        MESSAGE,
        LINE_FEEDS,
        MESSAGE.replace(b"\r", b"\r\n"),
        MESSAGE.removesuffix(b"\r"),
        b"".join(RECORDS[:-1]),
        b"".join(b"%d" % number + record for number, record in enumerate(RECORDS, start=1)),
        b"^E^B1" + LINE_FEEDS + b"^C3A\n^D\n",
        b"\x05" + MESSAGE + b"\x04",
        b"a note on top\n" + LINE_FEEDS,
        astm.MESSAGE_WIRE.replace(FRAMES[3], FRAMES[3].replace(b"12.6", b"72.6") + FRAMES[3]),
        astm.MESSAGE_WIRE.replace(FRAMES[3], FRAMES[3] + FRAMES[3]),
    ],
    ids=[
        "as captured",
        "frames alone",
        "frames without line ends",
        "cut every 240 bytes",
        "CR",
        "LF",
        "CR LF",
        "no line end at the end",
        "no L record at the end",
        "frame numbers left over",
        "as a terminal shows it",
        "bid and end without frames",
        "a note on top",
        "a frame refused and repeated",
        "a frame repeated",
    ],
)
def test_a_recording_is_understood_however_it_was_made(recording: bytes) -> None:
    (delivery,) = decode(FSRA, recording)

    assert (delivery.fault, [one.value for one in delivery.readings]) == (None, ["12.6"])


def test_several_messages_are_several_deliveries() -> None:
    recording = b"".join(session_of(RECORDS)) + b"".join(session_of(RECORDS, RECORDS))

    assert len(decode(FSRA, recording)) == 3


def test_a_frame_with_a_wrong_checksum_that_was_not_repeated_yields_no_value() -> None:
    (delivery,) = decode(FSRA, astm.MESSAGE_WIRE.replace(b"12.6", b"72.6"))

    assert delivery.readings == ()
    assert delivery.fault is not None
    assert "checksum 27 expected" in delivery.fault
    assert b"72.6" in delivery.raw


def test_a_message_cut_before_its_l_record_yields_no_value() -> None:
    cut = astm.ENQ + b"".join(FRAMES[:-1]) + astm.EOT

    (delivery,) = decode(FSRA, cut)

    assert delivery.readings == ()
    assert delivery.fault == "incomplete: it ends before its L record"


def test_what_was_cut_does_not_run_into_the_next_message() -> None:
    cut, whole = decode(FSRA, astm.ENQ + b"".join(FRAMES[:-1]) + astm.EOT + astm.MESSAGE_WIRE)

    assert (cut.readings, len(whole.readings)) == ((), 1)


def test_a_line_is_one_json_object_a_reading() -> None:
    decoded = decode_file("fsra-24", astm.MESSAGE_WIRE)

    assert decoded.faults == []
    assert decoded.lines == [
        {
            "item": "opc-inhibition",
            "value": "12.6",
            "unit": "%",
            "reported": "阴性",
            "sample": "N0120261123-0001",
            "channel": "S1",
            "measured_at": "2026-11-23T06:44:55",
            "extras": {
                "test_id_raw": "^^^OPC-INH",
                "flag": "N",
                "reference": "0 to 50",
                "status": "F",
                "operator": "op07",
                "sample_from": "O.3.1",
            },
            "raw_sha256": hashlib.sha256(MESSAGE).hexdigest(),
        }
    ]


@pytest.mark.parametrize(
    "content",
    [
        astm.MESSAGE_WIRE.hex().encode(),
        astm.MESSAGE_WIRE.hex(" ").encode(),
        b"".join(b"06:45:01 " + said.hex().encode() + b"\n" for said in [astm.ENQ, *FRAMES]),
    ],
    ids=["digits", "with blanks", "with time stamps"],
)
def test_hex_digits_are_read(content: bytes) -> None:
    assert len(decode_file("fsra-24", content, as_hex=True).lines) == 1


def test_hex_is_known_by_its_ending() -> None:
    assert len(decode_file("fsra-24", astm.MESSAGE_WIRE.hex().encode(), name="a.hex").lines) == 1


@pytest.mark.parametrize(
    ("content", "as_hex", "fault"),
    [
        (b"02 zz", True, "bench.log: hex digits expected, "),
        (b"nothing at all", False, "bench.log: a message with an H record expected, none found"),
        (b"", False, "bench.log: a message with an H record expected, none found in 0 bytes"),
        (b"A,0.1,0.2\r\nH,0.3,0.4\r\n", False, "bench.log: a message with an H record expected"),
        (b"H\r\nStat High\r\nL\r\n", False, "bench.log: a message with an H record expected"),
        (b"H      0.0\rQ      0.0\rV1\r", False, "bench.log: a message with an H record expected"),
        (b"\x02L\x03", False, "bench.log: a message with an H record expected"),
    ],
)
def test_what_is_no_recording_is_told(content: bytes, as_hex: bool, fault: str) -> None:
    decoded = decode_file("fsra-24", content, as_hex=as_hex, name="bench.log")

    assert decoded.lines == []
    assert len(decoded.faults) == 1
    assert decoded.faults[0].startswith(fault)


@pytest.mark.parametrize(
    "content",
    [
        b"H|\\^&\rQ|1|^1007149||ALL||||||||O\rL|1|N\r",
        b"H|\\^&\rP|1\rO|1|0651439A||^^^Crossmatch|R||||||N\rL|1|N\r",
    ],
    ids=["query", "order"],
)
def test_a_query_or_an_order_is_no_fault_and_prints_nothing(content: bytes) -> None:
    decoded = decode_file("fsra-24", content)

    assert (decoded.lines, decoded.faults) == ([], [])


@pytest.mark.parametrize(
    "content", [b"R|1|^^^OPC-INH|12.6\rL|1\r", b"".join(frames_of((b"R|1|^^^A|12.6\r", b"L|1\r")))]
)
def test_results_without_a_header_are_decoded(content: bytes) -> None:
    assert [line["value"] for line in decode_file("fsra-24", content).lines] == ["12.6"]


def test_an_unknown_profile_is_told() -> None:
    with pytest.raises(ProfileError, match="'no-such' found"):
        decode_file("no-such", b"")


@given(some.binary(max_size=400))
def test_any_bytes_are_some_recording(noise: bytes) -> None:
    decode(FSRA, noise)
    decode(FSRA, astm.MESSAGE_WIRE + noise + astm.MESSAGE_WIRE)
