from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers.protocols.astm_records import Delimiters, Record, messages_of, unescaped
from tests.vectors import astm


def record(wire: bytes) -> Record:
    return Record(wire, Delimiters())


def test_fields_are_counted_from_one_with_the_letter_as_the_first() -> None:
    assert record(b"R|1|^^^OP|12.5").field(4) == b"12.5"


def test_a_field_beyond_the_end_is_empty() -> None:
    assert record(b"R|1").field(13) == b""


def test_delimiters_are_those_of_the_header() -> None:
    (message,) = messages_of(b"H!`^&\rR!1!a`b^c\r")

    assert message.records[1].repeats(3) == ((b"a",), (b"b", b"c"))


def test_delimiters_a_header_does_not_declare_are_as_usual() -> None:
    (message,) = messages_of(b"H|||\rR|1|a\\b^c\r")

    assert message.records[1].repeats(3) == ((b"a",), (b"b", b"c"))


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_record_ends_with_any_line_end(end: bytes) -> None:
    (message,) = messages_of(end.join([b"H|\\^&", b"R|1", b"L|1"]))

    assert [one.kind for one in message.records] == ["H", "R", "L"]


def test_a_header_begins_a_message() -> None:
    assert len(messages_of(b"H|\\^&\rL|1\rH|\\^&\rL|1\r")) == 2


def test_a_frame_number_left_before_a_record_is_forgiven() -> None:
    (message,) = messages_of(b"H|\\^&\r2P|1\r4L|1|N\r")

    assert [one.kind for one in message.records] == ["H", "P", "L"]


def test_what_is_no_record_is_of_no_kind() -> None:
    assert [record(wire).kind for wire in (b"Hello", b"|1", b"", b"Z|1", b"\xff|")] == ["?"] * 5


@pytest.mark.parametrize(("text", "wire"), astm.ESCAPED)
def test_an_escape_is_resolved(text: str, wire: bytes) -> None:
    assert unescaped(wire, Delimiters()) == (text.encode(), False)


def test_highlighting_is_dropped() -> None:
    assert unescaped(b"a &H&loud&N& b", Delimiters()) == (b"a loud b", False)


def test_an_unknown_escape_stays_and_is_told() -> None:
    assert unescaped(b"a &Q7& b", Delimiters()) == (b"a &Q7& b", True)


def test_a_lone_escape_character_is_a_character() -> None:
    assert unescaped(b"salt & pepper", Delimiters()) == (b"salt & pepper", False)


def test_escapes_follow_the_declared_delimiters() -> None:
    assert unescaped(b"~F~ ~S~", Delimiters(b"!", b"`", b"^", b"~"))[0] == b"! ^"


@given(text=some.binary(max_size=200))
def test_any_bytes_are_some_messages(text: bytes) -> None:
    for message in messages_of(text):
        for one in message.records:
            assert one.kind in "HPORCQMSL?"
            unescaped(one.field(3), one.delimiters)
