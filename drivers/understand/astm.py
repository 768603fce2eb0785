"""An ASTM message + profile → readings (DESIGN.md §5.1 `astm-generic`).

A profile says where things stand; what stands there is taken as it was sent, trimmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from drivers.profile import AstmProfile, Place
from drivers.protocols.astm_records import Message, Record, messages_of, unescaped
from drivers.reading import Purpose, Query, Reading
from drivers.understand.text import shown

NULL = '""'
"""How E1394 says "no value" where a blank would mean "unchanged"."""
_BLANKS = " \t\0\b\r\n"
_IDENTIFYING = ("P", "O", "R")
_PARENTS = "HPOR"
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
    return next(iter(map(reader.device_serial, messages_of(record))), None)


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
        for record in message.records[:1]:
            self._enter(record)
        return self._first(self._profile.fields.device_serial)[0]

    def _enter(self, record: Record) -> None:
        """A record ends what was below its own level."""
        for kind in _PARENTS[_PARENTS.index(record.kind) :]:
            self._above.pop(kind, None)
            self._remarks.pop(kind, None)
        self._above[record.kind] = record

    def _remark(self, record: Record) -> None:
        deepest = next((kind for kind in reversed(_PARENTS) if kind in self._above), "H")
        if text := _text(record.field(4), record, self._encoding):
            self._remarks.setdefault(deepest, []).append(text)

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
        outside = {(place.kind, place.field) for place in self._profile.identity.outside}
        lines = []
        for kind in _IDENTIFYING:
            if (record := self._above.get(kind)) is not None:
                kept = [
                    b"" if (kind, number) in outside else text
                    for number, text in enumerate(record.fields, start=1)
                ]
                line = record.delimiters.field.join(kept)
                lines.append(line.rstrip(record.delimiters.field))
        return b"\r".join(lines)

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
            "comments": self._remarks.get("R"),
            "order_comments": self._remarks.get("O"),
            "sample_from": sample_from,
            "processing": self._processing(),
            "purpose": "qc" if purpose is Purpose.QC else None,
            "unknown_escapes": True if self._has_unknown_escape(result) else None,
        }
        return {name: value for name, value in said.items() if value}

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
