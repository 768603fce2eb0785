"""The analysers of a scenario: what each is, how it speaks, and where it stands."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic import model_validator as checked

from simulators.kit.faults import Faults
from simulators.modbus_frames import Framing

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
Address = Annotated[str, StringConstraints(pattern=r"^[^:/\s]+:[0-9]{1,5}$")]

INVALID = ("NA", "---.-")
"""What every reader can say in place of a value: nothing measured, and overflow."""


class Part(BaseModel):
    """A part of a scenario: nothing in it is unknown, and nothing changes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        # YAML spells every scalar as text here, numbers and truth values too.
        str_strip_whitespace=True,
    )


class Encoding(StrEnum):
    ASCII = "ascii"
    GBK = "gbk"
    UTF_8 = "utf-8"


class Speaks(StrEnum):
    """What an analyser speaks."""

    ASTM = "astm"
    """It sends what it has, with the sample's number."""
    DY03FF = "dy03ff"
    """It is asked, in bytes, and knows channels; a DY-7200 knows numbers."""
    MODBUS = "modbus"
    """It is asked, in registers, and knows channels."""


class Stand(Part):
    """Where an analyser stands: exactly one of the first three. Modbus units share one."""

    pty: Name | None = None
    """The serial port's name in the scenario's folder."""
    listen: Address | None = None
    """The analyser waits to be dialled here; port 0 takes a free one."""
    dial: Address | None = None
    """The analyser dials whoever listens here."""
    framing: Framing = Framing.TCP
    """Of Modbus over a socket; on a serial port it is always RTU."""

    @checked(mode="after")
    def _is_one(self) -> Self:
        given = [key for key in ("pty", "listen", "dial") if getattr(self, key)]
        if len(given) != 1:
            raise ValueError(f"one of pty, listen, dial expected, {given or 'none'} found")
        return self


class Instrument(Part):
    id: Name
    speaks: Speaks = Speaks.ASTM
    model: Text
    serial: Text
    version: Text = "V1.0"
    encoding: Encoding = Encoding.ASCII
    """Of ASTM; a DY writes GB2312, and Modbus has no text that is not ASCII."""
    stand: Stand
    faults: Faults = Faults()
    channels: Annotated[int, Field(ge=1, le=48)] = 8
    unit: Annotated[int, Field(ge=1, le=247)] | None = None
    """A Modbus unit's address on its bus."""
    remembers: Annotated[int, Field(ge=0)] = 0
    """Tests of the day before in the memory of a DY that nobody has read yet."""
    clock_off: float = Field(default=0, alias="clock-off")
    """Seconds by which its clock is ahead of the time."""

    @property
    def pairs_by_channel(self) -> bool:
        """Whether it sends a channel, and not the number of a sample."""
        return self.speaks is Speaks.MODBUS or (
            self.speaks is Speaks.DY03FF and not self.writes_reports
        )

    @property
    def writes_reports(self) -> bool:
        """Whether it tells its records as text, as a DY-7200 does."""
        return self.speaks is Speaks.DY03FF and self.model.startswith("DY-7200")

    @checked(mode="after")
    def _is_one_of_its_kind(self) -> Self:
        if (self.unit is not None) != (self.speaks is Speaks.MODBUS):
            raise ValueError(f"a unit for modbus alone expected, {self.unit} found")
        if self.speaks is Speaks.MODBUS and self.stand.dial:
            raise ValueError(f"pty or listen for modbus expected, dial {self.stand.dial} found")
        return self

    def may_stand_beside(self, other: Instrument) -> bool:
        """Whether both can have the same stand: units of one bus, or each at a free port."""
        if self.unit is not None and other.unit is not None:
            return self.unit != other.unit
        alone = self.unit is None and other.unit is None
        return alone and bool(self.stand.listen and self.stand.listen.endswith(":0"))

    def must_be_able_to_send(self, item: str, value: str, unit: str) -> None:
        """Raise ValueError for what this analyser cannot say."""
        if self.speaks is Speaks.MODBUS and not item.isdecimal():
            raise ValueError(f"an item's number for modbus expected, {item!r} found")
        if self.speaks is Speaks.ASTM or self.writes_reports:
            encoding = self.encoding if self.speaks is Speaks.ASTM else Encoding.GBK
            for text in (item, value, unit):
                must_be_text(text, encoding)
        elif value not in INVALID:
            _must_be_number(value)


def must_be_text(text: str, encoding: Encoding) -> None:
    """Raise ValueError for what cannot be written so."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        raise ValueError(f"text in {encoding} expected, {text!r} found") from None


def _must_be_number(value: str) -> None:
    try:
        Decimal(value)
    except InvalidOperation:
        raise ValueError(f"a number or one of {INVALID} expected, {value!r} found") from None
