"""What a profile of an ASTM instrument says: where each part of a reading stands.

A place is written as the standard writes it: `R.4` is the fourth field of an R record, `O.3.1`
its first component, `R.3.4+` the first component from the fourth on that is not empty. A list of
places is tried in order. There are no expressions: where you would need an `if`, name a quirk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from drivers.profile.base import Part, Profile
from drivers.reading import Custody

_PLACE = re.compile(r"(?P<kind>[HPOR])\.(?P<field>\d{1,3})(?:\.(?P<component>\d{1,3})(?P<on>\+)?)?")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a message something stands; all counted from 1."""

    kind: str
    field: int
    component: int | None
    is_onwards: bool
    """The first component from there on that is not empty."""

    @classmethod
    def read(cls, text: object) -> Place:
        """Read it as a profile writes it. Raises ValueError."""
        found = _PLACE.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f"a place such as R.4, O.3.1 or R.3.4+ expected, {text!r} found")
        component = found["component"]
        return cls(
            found["kind"],
            int(found["field"]),
            int(component) if component else None,
            found["on"] is not None,
        )

    def __str__(self) -> str:
        component = "" if self.component is None else f".{self.component}"
        return f"{self.kind}.{self.field}{component}{'+' if self.is_onwards else ''}"


PlaceField = Annotated[Place, BeforeValidator(Place.read), PlainSerializer(str)]
Places = tuple[PlaceField, ...]


class Fields(Part):
    """Where each part of a reading stands; the first place that holds something counts."""

    item: Places
    value: Places
    unit: Places = ()
    sample: Places = ()
    channel: Places = ()
    measured_at: Places = ()
    reported: Places = ()
    operator: Places = ()
    device_serial: Places = ()


class ControlMark(Part):
    """What marks a control at one place: the whole text, or a word in it."""

    at: PlaceField
    codes: tuple[str, ...] = ()
    """The text is exactly one of these."""
    words: tuple[str, ...] = ()
    """One of these is a word of the text; written in capitals, or in Chinese."""

    def is_in(self, text: str) -> bool:
        """Whether a text says that this was a control."""
        found = {word.upper() for word in _WORD.findall(text)}
        return text in self.codes or any(
            word in found or (not word.isascii() and word in text) for word in self.words
        )


class Identity(Part):
    """What of a record's own bytes does not identify it (CUSTODY.md 4)."""

    outside: Places = ()


class AstmProfile(Profile):
    """An analyser that speaks ASTM E1381/E1394 (LIS1-A/LIS2-A2), or its records alone."""

    protocol: Literal["astm"]
    link_control: Literal["strict", "none"] = "strict"
    """`none`: bare records, without <ENQ>, frames and answers."""
    encoding: tuple[Literal["ascii", "utf-8", "gbk", "gb18030", "latin-1"], ...] = Field(
        min_length=1
    )
    """The first that fits the whole message."""
    fields: Fields
    controls: tuple[ControlMark, ...] = ()
    identity: Identity

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        wanted = Custody.SPOKEN_ONCE if self.link_control == "none" else Custody.HELD
        if self.custody is not wanted:
            raise ValueError(
                f"custody: {wanted.value!r} expected where link_control is "
                f"{self.link_control!r}, {self.custody.value!r} found"
            )
        return self
