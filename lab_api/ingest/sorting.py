"""What a message on a gateway's topics is: checked, named, or unfit with the reason. Pure.

Topic and body must agree on region, station and gateway: a gateway's credentials end at its own
topics, so what a body says of another is not believed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from pydantic import ValidationError

from gateway.wire import missed, result
from gateway.wire.absent import Absent
from gateway.wire.commands import Reply
from gateway.wire.missed import Missed
from gateway.wire.model import Json, Wire
from gateway.wire.result import Result
from gateway.wire.status import InstrumentStatus, Status
from gateway.wire.stream import body_sha256, sha256
from gateway.wire.topics import SEGMENT, GatewayTopics, address_of
from lab_api.store.places import Place

W = TypeVar("W", bound=Wire)

ABSENT = "kuaijian.absent/1"
LARGEST = 2**53 - 1
"""Above it a reader that counts in doubles counts wrong."""
MOST_REVISIONS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Message:
    """What came, and whether it proves that its gateway lives now."""

    topic: str
    payload: bytes
    fresh: bool = True
    """False for what the broker kept: retained, or queued while we were away."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A result in its place."""

    place: Place
    result: Result
    payload: bytes


@dataclass(frozen=True, slots=True)
class Hole:
    """Records that an instrument made and nobody will ever read, in their place."""

    place: Place
    missed: Missed


@dataclass(frozen=True, slots=True)
class RawBytes:
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Unfit:
    """Not what its topic promises; `place` is there where its number could be read."""

    reason: str
    place: Place | None = None


Meaning: TypeAlias = Entry | Hole | Absent | RawBytes | Status | InstrumentStatus | Reply | Unfit


@dataclass(frozen=True, slots=True)
class Sorted:
    """A message and what it means; `gateway` is None where the topic is none of ours."""

    message: Message
    gateway: GatewayTopics | None
    meaning: Meaning


class _Unfit(Exception):
    pass


def sort(message: Message) -> Sorted:
    """Say what a message is; never raises for what a message may hold."""
    address = address_of(message.topic)
    if address is None:
        return Sorted(message, None, Unfit("a gateway's topic expected, another found"))
    gateway, rest = address.gateway, address.rest
    if rest and not SEGMENT.fullmatch(rest) and address.kind not in ("raw", "reply"):
        return Sorted(message, gateway, Unfit("a topic of a-z 0-9 _ - expected, another found"))
    meaning: Meaning
    try:
        match address.kind:
            case "result":
                meaning = _of_result_topic(gateway, rest, message.payload)
            case "raw":
                meaning = _raw(rest, message.payload)
            case "status" if rest:
                meaning = _instrument_status(rest, message.payload)
            case "status":
                meaning = _status(gateway, message.payload)
            case "reply":
                meaning = _reply(rest, message.payload)
            case kind:
                meaning = Unfit(f"result, raw, status or reply expected, {kind} found")
    except _Unfit as unfit:
        meaning = Unfit(str(unfit))
    return Sorted(message, gateway, meaning)


def _of_result_topic(gateway: GatewayTopics, instrument: str, payload: bytes) -> Meaning:
    body = _json(payload)
    schema = body.get("schema")
    if schema == ABSENT:
        return _absent(body)
    place = _place(body)
    try:
        if schema == missed.SCHEMA:
            hole = _model(Missed, body)
            _must_agree(gateway, hole)
            return Hole(_numbered(place), hole)
        if schema != result.SCHEMA:
            known = f"{result.SCHEMA}, {missed.SCHEMA} or {ABSENT}"
            raise _Unfit(f"{known} expected, {schema!r} found")
        found = _model(Result, body)
        _must_agree(gateway, found)
        if not instrument.startswith("_") and found.instrument.id != instrument:
            raise _Unfit(f"instrument {instrument} expected, {found.instrument.id!r} found")
        return Entry(_numbered(place), found, payload)
    except _Unfit as unfit:
        return Unfit(str(unfit), place)


def _numbered(place: Place | None) -> Place:
    if place is None:
        raise _Unfit(f"numbers up to {LARGEST} expected, larger ones found")
    return place


def _absent(body: Json) -> Absent:
    absent = _model(Absent, body)
    for run in absent.ranges:
        if not 1 <= run.first <= run.to <= LARGEST:
            raise _Unfit(f"a run of numbers expected, {run.first} to {run.to} found")
    if not 0 <= absent.epoch <= LARGEST:
        raise _Unfit(f"numbers up to {LARGEST} expected, larger ones found")
    return absent


def _raw(named: str, payload: bytes) -> RawBytes:
    found = sha256(payload)
    if found != named:
        raise _Unfit(f"bytes of SHA-256 {named} expected, {found} found")
    return RawBytes(found, payload)


def _status(gateway: GatewayTopics, payload: bytes) -> Status:
    status = _model(Status, _json(payload))
    _must_agree(gateway, status)
    if max(status.beat, status.epoch, status.head, status.offered) > LARGEST:
        raise _Unfit(f"numbers up to {LARGEST} expected, larger ones found")
    return status


def _instrument_status(instrument: str, payload: bytes) -> InstrumentStatus:
    status = _model(InstrumentStatus, _json(payload))
    if status.instrument != instrument:
        raise _Unfit(f"instrument {instrument} expected, {status.instrument!r} found")
    return status


def _reply(request: str, payload: bytes) -> Reply:
    reply = _model(Reply, _json(payload))
    if reply.request != request:
        raise _Unfit(f"request {request} expected, {reply.request!r} found")
    return reply


def _must_agree(gateway: GatewayTopics, body: Result | Missed | Status) -> None:
    expected = (gateway.region, gateway.station, gateway.gateway)
    found = (body.region, body.station, body.gateway)
    if found != expected:
        raise _Unfit(f"{'/'.join(expected)} as in the topic expected, {'/'.join(found)} found")


def _model(model: type[W], body: Json) -> W:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise _Unfit(f"{where}: {first['msg']}") from None


def _json(payload: bytes) -> Json:
    try:
        body = json.loads(payload, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _Unfit(f"JSON expected, {error} found") from None
    if not isinstance(body, dict):
        raise _Unfit(f"a JSON object expected, {type(body).__name__} found")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _place(body: Json) -> Place | None:
    """Where an entry stands, read even where the rest of it cannot be."""
    numbers = [body.get(name) for name in ("epoch", "seq", "revision")]
    if not all(type(number) is int and 0 <= number <= LARGEST for number in numbers):
        return None
    texts = [body.get(name) for name in ("chain", "id", "raw_sha256")]
    if texts[2] is None:
        texts[2] = ""
    if not all(isinstance(text, str) and len(text) <= 64 and text.isascii() for text in texts):
        return None
    epoch, seq, revision = (int(number) for number in numbers if number is not None)
    chain, id_, raw = (str(text) for text in texts)
    if seq < 1 or revision > MOST_REVISIONS or "\x00" in chain + id_ + raw:
        return None
    try:
        body_hash = body_sha256(body)
    except ValueError:  # a lone surrogate has no bytes
        return None
    return Place(epoch, seq, chain, id_, revision, raw or None, body_hash)
