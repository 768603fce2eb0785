"""What every profile says, whatever its instrument speaks."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.quirks import QUIRKS
from drivers.reading import Custody


class Part(BaseModel):
    """A part of a profile: unknown keys are refused, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Language(StrEnum):
    """The languages an instrument is described in."""

    ENGLISH = "en"
    CHINESE = "zh-CN"


class SerialDefaults(Part):
    """How its serial port is set unless the link's URL says otherwise."""

    baud: int = Field(default=9600, ge=50, le=4_000_000)
    bits: Literal["7", "8"] = "8"
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stop: Literal["1", "1.5", "2"] = "1"
    flow: Literal["none", "rtscts", "xonxoff"] = "none"
    dtr: Literal["on", "off", "as opened"] = "as opened"
    rts: Literal["on", "off", "as opened"] = "as opened"


class Profile(Part):
    """One analyser family; each protocol adds what it must know."""

    profile: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: int = Field(ge=1)
    quality: Literal["paper", "transcript", "hardware"]
    """Written from a manual, held by recordings, or seen on the bench."""
    maker: str | None = None
    models: tuple[str, ...] = ()
    describes: dict[Language, str]
    """One sentence in each language that a technician recognises the instrument by."""
    protocol: str
    custody: Custody
    answer_within: float = Field(default=12.0, gt=0)
    """Seconds after which an answer is no longer waited for."""
    serial: SerialDefaults = SerialDefaults()
    items: dict[str, str] = {}
    """The instrument's codes in the catalogue's words; others stay as they are."""
    reported: dict[str, str] = {}
    """The instrument's verdicts in plain words; others stay as they are."""
    sentinels: tuple[str, ...] = ()
    """What it sends in place of a value that it does not have; kept as sent."""
    quirk: str | None = None

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if missing := set(Language) - set(self.describes):
            raise ValueError(f"describes: a sentence in {min(missing).value} expected, none found")
        if self.quirk is not None and self.quirk not in QUIRKS:
            known = ", ".join(sorted(QUIRKS)) or "none registered"
            raise ValueError(f"quirk: one of ({known}) expected, {self.quirk!r} found")
        return self
