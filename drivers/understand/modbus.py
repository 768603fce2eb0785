"""Registers → readings: what stands where a profile says, exactly as it was sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from drivers.errors import shown
from drivers.profile.modbus import ModbusProfile, RegisterReading
from drivers.protocols.register_blocks import Image, image_of, looked_up, unpacked
from drivers.protocols.register_map import Mark, Spot
from drivers.protocols.register_page import Place, is_there, places_of
from drivers.protocols.registers import (
    Kind,
    as_bytes,
    as_text,
    as_time,
    as_whole,
    bits_between,
    digits_of,
    number_text,
    set_bits,
)
from drivers.reading import Purpose, Reading

MOST_PLACES = 12
"""Decimal places that a whole number can sensibly have."""


def readings_of(profile: ModbusProfile, record: bytes) -> tuple[Reading, ...]:
    """Every reading of every record on a page, in order. Raises ValueError for other bytes."""
    image = image_of(unpacked(record))
    page = _Page(profile, image)
    return tuple(
        reading for place in places_of(profile.registers, image) for reading in page.readings(place)
    )


def device_serial(profile: ModbusProfile, record: bytes) -> str | None:
    """The instrument's own serial number, where the record carries one."""
    if profile.device_serial is None:
        return None
    return _text(_Page(profile, image_of(unpacked(record))).said(profile.device_serial, 0))


@dataclass(frozen=True, slots=True)
class _Page:
    """All registers of one record or one page of them."""

    profile: ModbusProfile
    image: Image

    def readings(self, place: Place) -> Iterator[Reading]:
        for wanted in self.profile.readings:
            yield self._reading(wanted, place)

    def _reading(self, wanted: RegisterReading, place: Place) -> Reading:
        profile, base = self.profile, place.base
        code = self._word(wanted.item, base)
        purpose = Purpose.QC if self._is_any(profile.controls, base) else Purpose.ROUTINE
        reported = self._word(wanted.reported, base)
        return Reading(
            item=profile.items.get(code or "", code),
            value=self._value(wanted.value, base),
            unit=profile.units.get(code or "", self._word(wanted.unit, base)),
            reported=profile.reported.get(reported or "", reported),
            sample=self._word(wanted.sample, base),
            channel=self._word(wanted.channel, base) or place.channel,
            measured_at=self._word(wanted.measured_at, base),
            identity=self._identity(place),
            instrument_text=self._as_sent(wanted.measured_at, base),
            purpose=purpose,
            extras=self._extras(wanted, base, code, purpose),
        )

    def said(self, spot: Spot, base: int) -> str | list[str] | None:
        """What stands at a spot: text, the names of the bits that are set, or nothing."""
        found = looked_up(self.image, self.profile.registers.span(spot, base))
        if found is None:
            return None
        order = spot.order or self.profile.registers.order
        if word := spot.instead.get(as_bytes(found, order).hex().upper()):
            return word
        match spot.type:
            case "text":
                text = as_text(found, spot.encoding, order)
                return text and shown(spot.words.get(text, text))
            case "time":
                return as_time(found, spot.packed, spot.form, order)
            case "bcd":
                return digits_of(found, order)
            case Kind() as kind if spot.names:
                return list(set_bits(as_whole(found, kind, order), spot.names))
            case Kind() as kind if spot.bits:
                text = str(bits_between(as_whole(found, kind, order), *spot.bits))
            case Kind() as kind:
                if (scale := self._scale(spot, base)) is None:
                    return None
                text = number_text(found, kind, order, scale=scale, decimals=spot.decimals)
        return spot.words.get(text, text)

    def _scale(self, spot: Spot, base: int) -> Decimal | None:
        """A number's scale; None where the register that says it was not read."""
        if spot.places is None:
            return spot.scale
        where = spot.model_copy(update={"at": spot.places, "type": Kind.U16})
        found = looked_up(self.image, self.profile.registers.span(where, base))
        return None if found is None else spot.scale.scaleb(-min(found[0], MOST_PLACES))

    def _word(self, wanted: Spot | str | None, base: int) -> str | None:
        return _text(self.said(wanted, base)) if isinstance(wanted, Spot) else wanted

    def _value(self, spot: Spot, base: int) -> str | None:
        for mark in self.profile.no_value:
            if self._is_any([mark], base):
                return mark.says
        return self._word(spot, base)

    def _as_sent(self, spot: Spot | None, base: int) -> str | None:
        """A clock's own digits."""
        if spot is None:
            return None
        found = looked_up(self.image, self.profile.registers.span(spot, base))
        order = spot.order or self.profile.registers.order
        return None if found is None else as_bytes(found, order).hex()

    def _extras(
        self, wanted: RegisterReading, base: int, code: str | None, purpose: Purpose
    ) -> dict[str, object]:
        said: dict[str, object] = {"item_code": code if isinstance(wanted.item, Spot) else None}
        said |= {name: self.said(spot, base) for name, spot in wanted.extras.items()}
        said["operator"] = self._word(wanted.operator, base)
        said["sent"] = self._sent_beside(wanted.value, base)
        said["purpose"] = "qc" if purpose is Purpose.QC else None
        return {name: one for name, one in said.items() if one}

    def _sent_beside(self, spot: Spot, base: int) -> str | None:
        """What stood in the value's registers where a word or a rounded number is told for it."""
        plain = spot.model_copy(update={"instead": {}, "decimals": None})
        sent = self._word(plain, base)
        return sent if sent != self._value(spot, base) else None

    def _identity(self, place: Place) -> bytes:
        """The record's registers, without what the profile says is outside."""
        identity, registers = self.profile.identity, self.profile.registers
        outside = {at.number for at in identity.outside}
        kept = [one for at, one in enumerate(place.registers) if at not in outside]
        if identity.counter == "in" and registers.counter is not None:
            kept += looked_up(self.image, registers.span(registers.counter)) or ()
        return as_bytes(kept)

    def _is_any(self, marks: Iterable[Mark], base: int) -> bool:
        return any(is_there(self.profile.registers, mark, self.image, base) for mark in marks)


def _text(said: str | list[str] | None) -> str | None:
    return ",".join(said) or None if isinstance(said, list) else said
