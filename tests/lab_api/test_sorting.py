"""A message is what its topic promises, or unfit with the reason; never an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.wire.model import canonical
from lab_api.ingest.sorting import Entry, Message, Unfit, sort
from tests.lab_api.station import FakeGateway

KINDS = ("result/pest-1", "result/_gateway", "raw/00", "status", "status/pest-1", "reply/lab1.a")
ROOT = "kuaijian/v1/21/01/12/s0007/gw1"
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def changed(**changes: Any) -> Message:
    """An entry whose payload was changed after it was made."""
    message = FakeGateway().entries("a")[0]
    return Message(message.topic, canonical({**json.loads(message.payload), **changes}))


def unfit(message: Message) -> Unfit:
    meaning = sort(message).meaning
    assert isinstance(meaning, Unfit)
    return meaning


@given(kind=some.sampled_from(KINDS), payload=some.binary(max_size=60))
def test_any_bytes_are_something(kind: str, payload: bytes) -> None:
    assert sort(Message(f"{ROOT}/{kind}", payload)).meaning is not None


@given(
    kind=some.sampled_from(KINDS),
    key=some.sampled_from(["epoch", "seq", "revision", "id", "chain", "sample", "schema", "beat"]),
    value=JSON,
)
def test_any_value_anywhere_is_something(kind: str, key: str, value: Any) -> None:
    gateway = FakeGateway()
    for message in (*gateway.entries("a"), gateway.status(), gateway.absent(1, 2, None)):
        body = {**json.loads(message.payload), key: value}
        payload = json.dumps(body).encode()

        assert sort(Message(f"{ROOT}/{kind}", payload)).meaning is not None


@given(topic=some.text(max_size=80))
def test_any_topic_is_something(topic: str) -> None:
    assert sort(Message(topic, b"{}")).meaning is not None


def test_an_entry_is_its_result_in_its_place() -> None:
    gateway = FakeGateway()
    message = gateway.entries("a")[0]

    meaning = sort(message).meaning

    assert isinstance(meaning, Entry)
    assert (meaning.place.seq, meaning.place.chain) == (1, gateway.chain)
    assert meaning.payload == message.payload


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seq": 0}, "seq"),
        ({"seq": 2**70}, "numbers up to"),
        ({"revision": 0}, "revision"),
        ({"demo": None}, "demo"),
        ({"received_at": "2026-11-24T12:00:00"}, "timezone"),
        ({"station": "s0008"}, "210112/s0007/gw1 as in the topic expected"),
        ({"schema": "kuaijian.result/2"}, "kuaijian.result/1"),
        ({"raw_sha256": "\x00"}, "NUL"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str) -> None:
    assert reason in unfit(changed(**changes)).reason


def test_a_result_of_another_instrument_than_its_topic_is_unfit() -> None:
    message = FakeGateway().entries("a")[0]
    elsewhere = message.topic.replace("pest-1", "pest-2")

    assert "instrument pest-2 expected" in unfit(Message(elsewhere, message.payload)).reason


def test_a_number_that_can_be_read_is_read_from_what_is_unfit() -> None:
    place = unfit(changed(demo=None)).place

    assert place is not None
    assert place.seq == 1


@pytest.mark.parametrize("wrong", [{"seq": "1"}, {"seq": True}, {"epoch": -1}, {"chain": "\x00"}])
def test_a_number_that_cannot_be_read_is_not_invented(wrong: dict[str, Any]) -> None:
    assert unfit(changed(demo=None, **wrong)).place is None


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"null", b"\xff", b'{"epoch": NaN}', b"[" * 100_000]
)
def test_what_is_no_json_object_is_unfit(payload: bytes) -> None:
    assert "expected" in unfit(Message(f"{ROOT}/result/pest-1", payload)).reason
