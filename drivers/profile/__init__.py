"""A profile says what an instrument is and where it keeps what: YAML, read as text, typed here.

What every profile says is in `base`; what it must say beyond that is its protocol's own part:
`astm`, `dy03ff`, `modbus`. A key that neither knows is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from drivers.errors import ProfileError
from drivers.profile.astm import AstmProfile, Place
from drivers.profile.base import Language, Profile, SerialDefaults
from drivers.profile.dy03ff import Dy03ffProfile, ValueForm
from drivers.profile.modbus import ModbusProfile

__all__ = [
    "SHIPPED",
    "AstmProfile",
    "Dy03ffProfile",
    "Language",
    "ModbusProfile",
    "Place",
    "Profile",
    "SerialDefaults",
    "ValueForm",
    "load_profile",
    "load_profiles",
    "profile_named",
    "read_profile",
]

SHIPPED = files("drivers") / "profiles"
_ANY: TypeAdapter[Profile] = TypeAdapter(
    Annotated[AstmProfile | Dy03ffProfile | ModbusProfile, Field(discriminator="protocol")]
)


def read_profile(text: str, source: str) -> Profile:
    """Type a profile's YAML. Raises ProfileError naming `source`, key, expected and found."""
    try:
        # BaseLoader: every scalar is text, so that `no` is a word and 01 keeps its zero.
        content = yaml.load(text, Loader=yaml.BaseLoader)
        return _ANY.validate_python(content)
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
    found = error.get("ctx", {})
    if error["type"] == "union_tag_invalid":
        known = str(found["expected_tags"]).replace("'", "")
        return f"protocol: one of {known} expected, {found['tag']!r} found"
    if error["type"] == "union_tag_not_found":
        return "protocol: a value expected, nothing found"
    # The first part of the place is the protocol whose profile this is.
    key = ".".join(str(part) for part in error["loc"][1:] if part != "function-before[read()]")
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
