"""A profile says what an instrument is and where it keeps what: YAML, read as text, typed here.

A place is written as the standard writes it: `R.4` is the fourth field of an R record, `O.3.1`
its first component, `R.3.4+` the first component from the fourth on that is not empty. A list of
places is tried in order. There are no expressions: where you would need an `if`, name a quirk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from drivers.errors import ProfileError
from drivers.quirks import QUIRKS
from drivers.reading import Custody

_PLACE = re.compile(r"(?P<kind>[HPOR])\.(?P<field>\d{1,3})(?:\.(?P<component>\d{1,3})(?P<on>\+)?)?")
_WORD = re.compile(r"[^\W_]+")
SHIPPED = files("drivers") / "profiles"


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


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Language(StrEnum):
    """The languages an instrument is described in."""

    ENGLISH = "en"
    CHINESE = "zh-CN"


class SerialDefaults(_Part):
    """How its serial port is set unless the link's URL says otherwise."""

    baud: int = Field(default=9600, ge=50, le=4_000_000)
    bits: Literal["7", "8"] = "8"
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stop: Literal["1", "1.5", "2"] = "1"
    flow: Literal["none", "rtscts", "xonxoff"] = "none"
    dtr: Literal["on", "off", "as opened"] = "as opened"
    rts: Literal["on", "off", "as opened"] = "as opened"


class Fields(_Part):
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


class ControlMark(_Part):
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


class Identity(_Part):
    """What of a record's own bytes does not identify it (CUSTODY.md 4)."""

    outside: Places = ()


class Profile(_Part):
    """One analyser family."""

    profile: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: int = Field(ge=1)
    quality: Literal["paper", "transcript", "hardware"]
    """Written from a manual, held by recordings, or seen on the bench."""
    maker: str | None = None
    models: tuple[str, ...] = ()
    describes: dict[Language, str]
    """One sentence in each language that a technician recognises the instrument by."""
    protocol: Literal["astm"]
    link_control: Literal["strict", "none"] = "strict"
    """`none`: bare records, without <ENQ>, frames and answers."""
    custody: Custody
    answer_within: float = Field(default=12.0, gt=0)
    """Seconds after which an answer is no longer waited for."""
    serial: SerialDefaults = SerialDefaults()
    encoding: tuple[Literal["ascii", "utf-8", "gbk", "gb18030", "latin-1"], ...] = Field(
        min_length=1
    )
    """The first that fits the whole message."""
    fields: Fields
    items: dict[str, str] = {}
    """The instrument's codes in the catalogue's words; others stay as they are."""
    reported: dict[str, str] = {}
    """The instrument's verdicts in plain words; others stay as they are."""
    sentinels: tuple[str, ...] = ()
    """What it sends in place of a value that it does not have; kept as sent."""
    controls: tuple[ControlMark, ...] = ()
    identity: Identity
    quirk: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Profile:
        if missing := set(Language) - set(self.describes):
            raise ValueError(f"describes: a sentence in {min(missing).value} expected, none found")
        if self.quirk is not None and self.quirk not in QUIRKS:
            known = ", ".join(sorted(QUIRKS)) or "none registered"
            raise ValueError(f"quirk: one of ({known}) expected, {self.quirk!r} found")
        wanted = Custody.SPOKEN_ONCE if self.link_control == "none" else Custody.HELD
        if self.custody is not wanted:
            raise ValueError(
                f"custody: {wanted.value!r} expected where link_control is "
                f"{self.link_control!r}, {self.custody.value!r} found"
            )
        return self


def read_profile(text: str, source: str) -> Profile:
    """Type a profile's YAML. Raises ProfileError naming `source`, key, expected and found."""
    try:
        # BaseLoader: every scalar is text, so that `no` is a word and 01 keeps its zero.
        content = yaml.load(text, Loader=yaml.BaseLoader)
        return Profile.model_validate(content)
    except yaml.YAMLError as fault:
        raise ProfileError(f"{source}: YAML expected, {' '.join(str(fault).split())}") from None
    except ValidationError as fault:
        raise ProfileError(f"{source}: {_in_one_line(fault)}") from None


def load_profile(path: Path) -> Profile:
    """Read one profile's file; its name must be the profile's. Raises ProfileError."""
    return _load(path)


def _load(path: Traversable | Path) -> Profile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise ProfileError(f"{path.name}: a readable UTF-8 file expected, {fault}") from None
    profile = read_profile(text, path.name)
    if f"{profile.profile}.yaml" != path.name:
        raise ProfileError(
            f"{path.name}: profile: {path.name.removesuffix('.yaml')!r} expected, "
            f"{profile.profile!r} found"
        )
    return profile


@cache
def load_profiles() -> Mapping[str, Profile]:
    """Every profile that comes with the product, by name. Raises ProfileError."""
    found = sorted(
        (path for path in SHIPPED.iterdir() if path.name.endswith(".yaml")),
        key=lambda path: path.name,
    )
    return {profile.profile: profile for profile in map(_load, found)}


def profile_named(name: str) -> Profile:
    """Return one of the shipped profiles. Raises ProfileError for an unknown one."""
    profiles = load_profiles()
    if name not in profiles:
        raise ProfileError(f"profile: one of {', '.join(profiles)} expected, {name!r} found")
    return profiles[name]


def _in_one_line(fault: ValidationError) -> str:
    error = fault.errors()[0]
    key = ".".join(str(part) for part in error["loc"] if part != "function-before[read()]")
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return f"{key}: {said}" if key else said
    if error["type"] == "extra_forbidden":
        return f"{key}: a key of a profile expected, an unknown one found"
    if error["type"] == "missing":
        return f"{key}: a value expected, nothing found"
    return f"{key}: {_lower(said)}, {_short(error['input'])} found"


def _lower(said: str) -> str:
    return said[:1].lower() + said[1:]


def _short(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."
