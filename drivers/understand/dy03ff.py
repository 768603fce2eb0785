"""A Dayuan "03 FF" record + profile → readings.

A record is its own answer, with the page that its item stands on before it, where there is one.
Without a page nobody knows by which method a value was measured: it stays null, and its bytes are
in the extras.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from drivers.profile import Dy03ffProfile, ValueForm
from drivers.protocols.dy03ff_frames import Frame, frames_in, unpacked
from drivers.protocols.dy03ff_records import (
    PAGES,
    RECORDS,
    Channel,
    Item,
    List,
    Photometric,
    Report,
    Strip,
    identity_of,
    item_of,
    items_of,
    record_of,
)
from drivers.reading import Purpose, Reading
from drivers.understand.dy03ff_report import reading_of
from drivers.understand.text import padded_text

INVALID = "invalid"
"""How a profile's `reported` names the mark that a channel is not valid."""
_INHIBITION = 0
_QUALITATIVE = (0, 1)


def readings_of(profile: Dy03ffProfile, record: bytes) -> tuple[Reading, ...]:
    """The readings of one record, one a channel, in order. Raises ValueError."""
    table: dict[tuple[List, int], Item] = {}
    readings: list[Reading] = []
    for frame in frames_in(record):
        if isinstance(frame, bytes) or not frame.is_sound:
            octets = frame if isinstance(frame, bytes) else frame.wire
            raise ValueError(f"a sound answer expected, {octets[:32].hex(' ')} found")
        if frame.command in PAGES:
            kind = PAGES[frame.command]
            table |= {(kind, number): item for number, item in items_of(frame).items()}
        elif frame.command in RECORDS:
            number = item_of(frame)
            item = None if number is None else table.get((RECORDS[frame.command], number))
            readings += _Record(profile, frame, item).readings()
    return tuple(readings)


class _Record:
    """One record's answer, and the item that it belongs to, where it is known."""

    def __init__(self, profile: Dy03ffProfile, frame: Frame, item: Item | None) -> None:
        self._profile, self._frame, self._item = profile, frame, item

    def readings(self) -> Iterator[Reading]:
        match record_of(self._frame):
            case Photometric() as record:
                yield from self._photometric(record)
            case Strip() as record:
                yield self._strip(record)
            case Report() as record:
                yield reading_of(self._profile, self._frame, record)

    def _photometric(self, record: Photometric) -> Iterator[Reading]:
        """One a channel; the control stands beside each, and alone where there is nothing else."""
        controls = [channel for channel in record.channels if channel.number == 0]
        samples = [channel for channel in record.channels if channel.number != 0]
        beside = {"control": self._told(controls[0])} if controls and samples else {}
        for place, channel in enumerate(record.channels):
            if channel.number == 0 and samples:
                continue
            value = self._value(channel)
            extras = self._extras(record) | beside
            if channel.is_suspicious:
                extras["suspicious"] = True
            if value is None:
                extras["value_octets"] = channel.value.hex(" ").upper()
            yield self._reading(
                record.clock,
                bytes((place,)),
                value=value,
                unit=self._unit(),
                reported=None if channel.is_valid else self._profile.reported.get(INVALID),
                channel=str(channel.number),
                purpose=Purpose.QC if channel.number == 0 else Purpose.ROUTINE,
                extras=extras,
            )

    def _strip(self, record: Strip) -> Reading:
        """A qualitative strip's grade is its value; where a quantity stands is not known."""
        grade = self._profile.grades.get(str(record.grade))
        extras = self._extras(record) | {"number": record.number, "strip_method": record.method}
        is_qualitative = record.method in _QUALITATIVE
        if not is_qualitative or grade is None:
            extras["value_octets"] = self._frame.contents[8:].hex(" ").upper()
        return self._reading(
            record.clock,
            b"",
            value=grade if is_qualitative else None,
            unit=None if is_qualitative else self._unit_of_item(),
            reported=None if grade in self._profile.sentinels else grade,
            channel=None,
            purpose=Purpose.ROUTINE,
            extras=extras,
        )

    def _reading(
        self,
        clock: bytes,
        place: bytes,
        *,
        value: str | None,
        unit: str | None,
        reported: str | None,
        channel: str | None,
        purpose: Purpose,
        extras: Mapping[str, object],
    ) -> Reading:
        at = unpacked(clock)
        qc = {"purpose": "qc"} if purpose is Purpose.QC else {}
        return Reading(
            item=self._item_code(),
            value=value,
            unit=unit,
            reported=reported,
            sample=None,
            channel=channel,
            measured_at=at.isoformat() if at else None,
            identity=identity_of(self._frame) + place,
            instrument_text=clock.hex(" ").upper(),
            purpose=purpose,
            extras=dict(extras) | qc,
        )

    def _extras(self, record: Photometric | Strip) -> dict[str, object]:
        said: dict[str, object] = {"item_index": record.item}
        if self._item is not None:
            said["method"] = self._item.method
        if record.is_deleted:
            said["deleted"] = True
        return said

    def _item_code(self) -> str | None:
        if self._item is None:
            return None
        name = padded_text(self._item.name, self._profile.encoding)
        return self._profile.items.get(name or "", name)

    def _form(self) -> ValueForm | None:
        if self._item is None:
            return None
        is_inhibition = self._item.method == _INHIBITION
        return self._profile.inhibition if is_inhibition else self._profile.other_methods

    def _unit(self) -> str | None:
        form = self._form()
        return self._unit_of_item() or (form.unit if form else None)

    def _unit_of_item(self) -> str | None:
        item = self._item
        return None if item is None else padded_text(item.unit, self._profile.encoding)

    def _value(self, channel: Channel) -> str | None:
        form = self._form()
        return None if form is None else number_text(form, channel.value)

    def _told(self, channel: Channel) -> dict[str, object]:
        said: dict[str, object] = {
            "value": self._value(channel),
            "octets": channel.value.hex(" ").upper(),
        }
        if not channel.is_valid:
            said["valid"] = False
        if channel.is_suspicious:
            said["suspicious"] = True
        return said


def number_text(form: ValueForm, octets: bytes) -> str:
    """A scaled integer as an exact decimal with its scale, or what the display shows instead."""
    sent = octets[: int(form.octets)]
    if (instead := form.missing.get(sent.hex().upper())) is not None:
        return instead
    number = int.from_bytes(sent, "little")
    highest = 1 << (8 * len(sent) - 1)
    if form.sign == "magnitude" and number & highest:
        number = -(number - highest)
    return f"{Decimal(number).scaleb(-form.decimals):f}"
