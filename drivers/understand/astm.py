"""An ASTM message + profile → readings (DESIGN.md §5.1 `astm-generic`).

A profile says where things stand; what stands there is taken as it was sent, trimmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from drivers.errors import shown
from drivers.profile import AstmProfile, Place
from drivers.protocols.astm_records import Message, Record, messages_of, unescaped
from drivers.reading import Purpose, Query, Reading

NULL = '""'
"""How E1394 says "no value" where a blank would mean "unchanged"."""
_BLANKS = " \t\0\b\r\n"
_IDENTIFYING = ("P", "O", "R")
_PARENTS = "HPOR"
COMMENTS = 20
COMMENT_CHARACTERS = 2_000
"""What a reading carries at most of what was remarked; its raw bytes keep the whole."""
LONGEST_IDENTITY = 1024
"""Bytes above which an identity, or a record in it, is named by its SHA-256."""
_TIME = re.compile(r"(\d{14}|\d{12})(?:\.\d+)?(?:[+-]\d{4})?")


def readings_of(profile: AstmProfile, record: bytes) -> tuple[Reading, ...]:
    """The readings of one message, in order; none for a query or an order."""
    encoding = _encoding(profile, record)
    return tuple(
        reading
        for message in messages_of(record)
        for reading in _AstmReader(profile, encoding).readings(message)
    )


def device_serial(profile: AstmProfile, record: bytes) -> str | None:
    """The serial number that the instrument gives itself in a record; None where it gives none."""
    reader = _AstmReader(profile, _encoding(profile, record))
    headed = (message for message in messages_of(record) if message.has("H"))
    return next(map(reader.device_serial, headed), None)


def query_of(profile: AstmProfile, record: bytes) -> Query:
    """What an instrument asks the host (E1394 Q record: Q.3, Q.5, Q.13; L.3)."""
    encoding = _encoding(profile, record)
    records = [one for message in messages_of(record) for one in message.records]
    queries = [one for one in records if one.kind == "Q"]
    ended = [_text(one.field(3), one, encoding) for one in records if one.kind == "L"]
    statuses = [_text(one.field(13), one, encoding) for one in queries]
    return Query(
        samples=tuple(_named(queries, 3, encoding)),
        tests=tuple(test for test in _named(queries, 5, encoding) if test != "ALL"),
        is_withdrawn="A" in statuses or "T" in ended,
        raw=record,
    )


def _named(queries: Sequence[Record], number: int, encoding: str) -> Iterator[str]:
    """The first component that says something, of every repeat of a field."""
    for query in queries:
        for repeat in query.repeats(number):
            texts = (_text(component, query, encoding) for component in repeat)
            if (first := next((text for text in texts if text), None)) is not None:
                yield first


class _AstmReader:
    """Walks through a message, remembering which order and which patient it is in."""

    def __init__(self, profile: AstmProfile, encoding: str) -> None:
        self._profile = profile
        self._encoding = encoding
        self._above: dict[str, Record] = {}
        """The H, P, O and R record that we are below."""
        self._lines: dict[str, bytes] = {}
        """What of them identifies a reading."""
        self._remarks: dict[str, list[str]] = {}

    def readings(self, message: Message) -> Iterator[Reading]:
        """Every R record with the comments that follow it."""
        pending: Record | None = None
        for record in message.records:
            if record.kind == "C":
                self._remark(record)
                continue
            if pending is not None and record.kind in "HPORL":
                yield self._reading()
                pending = None
            if record.kind in _PARENTS:
                self._enter(record)
                pending = record if record.kind == "R" else None
        if pending is not None:
            yield self._reading()

    def device_serial(self, message: Message) -> str | None:
        """The instrument's own serial number, where its header carries one."""
        self._enter(next(record for record in message.records if record.kind == "H"))
        return self._first(self._profile.fields.device_serial)[0]

    def _enter(self, record: Record) -> None:
        """A record ends what was below its own level."""
        for kind in _PARENTS[_PARENTS.index(record.kind) :]:
            self._above.pop(kind, None)
            self._lines.pop(kind, None)
            self._remarks.pop(kind, None)
        self._above[record.kind] = record
        if record.kind in _IDENTIFYING:
            self._lines[record.kind] = self._line(record)

    def _remark(self, record: Record) -> None:
        deepest = next((kind for kind in reversed(_PARENTS) if kind in self._above), "H")
        remarks = self._remarks.setdefault(deepest, [])
        # One more than is carried, so that it can be said that more was there.
        if len(remarks) <= COMMENTS and (text := _text(record.field(4), record, self._encoding)):
            remarks.append(text)

    def _reading(self) -> Reading:
        fields = self._profile.fields
        code, _ = self._first(fields.item)
        sample, sample_from = self._first(fields.sample)
        reported, _ = self._first(fields.reported)
        clock, _ = self._first(fields.measured_at)
        purpose = Purpose.QC if self._is_control() else Purpose.ROUTINE
        return Reading(
            item=self._profile.items.get(code or "", code),
            value=self._first(fields.value)[0],
            unit=self._first(fields.unit)[0],
            reported=self._profile.reported.get(reported or "", reported),
            sample=sample,
            channel=self._first(fields.channel)[0],
            measured_at=local_time(clock),
            identity=self._identity(),
            instrument_text=clock,
            purpose=purpose,
            extras=self._extras(sample_from, purpose),
        )

    def _first(self, places: Sequence[Place]) -> tuple[str | None, str | None]:
        """What stands at the first place that holds something, and where that was."""
        for place in places:
            for number, text in self._at(place):
                if text is not None:
                    where = f"{place.kind}.{place.field}"
                    return text, where if number is None else f"{where}.{number}"
        return None, None

    def _at(self, place: Place) -> Iterator[tuple[int | None, str | None]]:
        record = self._above.get(place.kind)
        if record is None:
            return
        if place.component is None:
            yield None, _text(record.field(place.field), record, self._encoding)
            return
        for repeat in record.repeats(place.field):
            wanted = repeat[place.component - 1 :]
            for number, component in enumerate(
                wanted if place.is_onwards else wanted[:1], start=place.component
            ):
                yield number, _text(component, record, self._encoding)

    def _identity(self) -> bytes:
        """The P, O and R records as sent, without what the profile says is outside."""
        lines = [self._lines[kind] for kind in _IDENTIFYING if kind in self._lines]
        return _bounded(b"\r".join(lines))

    def _line(self, record: Record) -> bytes:
        outside = {(place.kind, place.field) for place in self._profile.identity.outside}
        kept = [
            b"" if (record.kind, number) in outside else text
            for number, text in enumerate(record.fields, start=1)
        ]
        return _bounded(record.delimiters.field.join(kept).rstrip(record.delimiters.field))

    def _is_control(self) -> bool:
        return any(
            mark.is_in(text)
            for mark in self._profile.controls
            for _, text in self._at(mark.at)
            if text is not None
        )

    def _extras(self, sample_from: str | None, purpose: Purpose) -> Mapping[str, object]:
        """What was said beyond the reading's own fields; what was not said is left out."""
        result = self._above["R"]
        values = self._components(result, 4)
        said: dict[str, object] = {
            "test_id_raw": self._said(result, 3),
            "values": values if len(values) > 1 else None,
            "flag": self._said(result, 7),
            "reference": self._said(result, 6),
            "status": self._said(result, 9),
            "operator": self._first(self._profile.fields.operator)[0],
            **self._comments(),
            "sample_from": sample_from,
            "processing": self._processing(),
            "purpose": "qc" if purpose is Purpose.QC else None,
            "unknown_escapes": True if self._has_unknown_escape(result) else None,
        }
        return {name: value for name, value in said.items() if value}

    def _comments(self) -> dict[str, object]:
        """What was remarked on the result, then on its order, as far as there is room."""
        said = [
            (name, text)
            for name, kind in (("comments", "R"), ("order_comments", "O"))
            for text in self._remarks.get(kind, ())
        ]
        kept: dict[str, list[str]] = {}
        room = COMMENT_CHARACTERS
        for name, text in said[:COMMENTS]:
            if room > 0:
                kept.setdefault(name, []).append(text[:room])
            room -= len(text)
        return {**kept, "comments_cut": len(said) > COMMENTS or room < 0}

    def _said(self, record: Record, number: int) -> str | None:
        return _text(record.field(number), record, self._encoding)

    def _components(self, record: Record, number: int) -> list[str | None]:
        return [
            _text(component, record, self._encoding)
            for repeat in record.repeats(number)
            for component in repeat
        ]

    def _processing(self) -> str | None:
        """H.12 where it is anything but production: T training, D debugging, Q control."""
        header = self._above.get("H")
        said = self._said(header, 12) if header else None
        return None if said == "P" else said

    @staticmethod
    def _has_unknown_escape(record: Record) -> bool:
        return unescaped(record.wire, record.delimiters)[1]


def _bounded(identity: bytes) -> bytes:
    """As it is, or named by its SHA-256 where it is so long that hundreds of copies would hurt."""
    if len(identity) <= LONGEST_IDENTITY:
        return identity
    return b"sha256:" + sha256(identity).hexdigest().encode("ascii")


def local_time(text: str | None) -> str | None:
    """An E1394 time as ISO 8601 without offset; None where it says no instant.

    >>> local_time("20261123064455")
    '2026-11-23T06:44:55'
    """
    found = _TIME.fullmatch(text or "")
    if found is None:
        return None
    digits = found[1].ljust(14, "0")
    date, clock = (
        (digits[0:4], digits[4:6], digits[6:8]),
        (digits[8:10], digits[10:12], digits[12:]),
    )
    try:
        return datetime.fromisoformat(f"{'-'.join(date)}T{':'.join(clock)}").isoformat()
    except ValueError:
        return None


def _encoding(profile: AstmProfile, record: bytes) -> str:
    """The profile's first encoding that fits the whole record, else its last."""
    for encoding in profile.encoding:
        try:
            record.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return profile.encoding[-1]


def _text(wire: bytes, record: Record, encoding: str) -> str | None:
    """A field as text, trimmed; a character cut in half and a NUL become U+FFFD."""
    if not wire:
        return None
    text = unescaped(wire, record.delimiters)[0].decode(encoding, "replace").strip(_BLANKS)
    return None if text in ("", NULL) else shown(text)
