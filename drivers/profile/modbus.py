"""What a profile of a Modbus instrument says: its registers, and what a record in them means."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.profile.base import Part, Profile
from drivers.protocols.register_map import AddressField, Mark, RegisterMap, Spot
from drivers.reading import Custody


class RegisterReading(Part):
    """One value of a record, and what stands beside it; a bare word is the same in every record."""

    item: Spot | str
    value: Spot
    unit: Spot | str | None = None
    """Where `units` does not know the item's."""
    sample: Spot | None = None
    channel: Spot | None = None
    """Its place on the page, from 1, where nothing is said and a page has several."""
    measured_at: Spot | None = None
    reported: Spot | None = None
    operator: Spot | None = None
    extras: dict[str, Spot] = Field(default_factory=dict)


class NoValue(Mark):
    """What marks a record whose value is none, and the word for it."""

    says: str


class RegisterIdentity(Part):
    """What of a record's own registers does not identify it (CUSTODY.md 4)."""

    outside: tuple[AddressField, ...] = ()
    counter: Literal["in", "outside"] = "outside"
    """Whether the number that the instrument counted is part of it, where records carry none."""


class ModbusProfile(Profile):
    """An instrument that is asked for registers, on TCP, a serial line or a serial server."""

    protocol: Literal["modbus"]
    registers: RegisterMap
    readings: tuple[RegisterReading, ...] = Field(min_length=1)
    units: dict[str, str] = Field(default_factory=dict)
    """The unit of each item, by the instrument's own code."""
    no_value: tuple[NoValue, ...] = ()
    controls: tuple[Mark, ...] = ()
    """What marks a control."""
    device_serial: Spot | None = None
    identity: RegisterIdentity = RegisterIdentity()

    @property
    def identifies(self) -> bool:
        """Whether a record is told from every other by what stands in it or was counted."""
        record = self.registers.record
        return bool(record.stamp or record.number or self.identity.counter == "in")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.custody is Custody.SPOKEN_ONCE:
            raise ValueError(f"custody: held or kept expected, {self.custody.value!r} found")
        if self.registers.counter and not self.identifies:
            raise ValueError("identity: a record's number, stamp or counter expected, none found")
        for word in self._words_for_none():
            if word not in self.sentinels:
                raise ValueError(f"sentinels: {word!r} among them expected, it is not there")
        return self

    def _words_for_none(self) -> list[str]:
        values = (reading.value for reading in self.readings)
        return [one.says for one in self.no_value] + [
            word for value in values for word in value.instead.values()
        ]
