"""Settings from a TOML file with the environment over it; every error in one line.

A setting may come from the environment as `KJ_MQTT__PASSWORD`: the prefix, then the table and
the key joined by two underscores. Unknown keys are refused, so that a slip is not a default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)


class SettingsError(Exception):
    """Settings of the wrong shape; one line per problem naming file, key, expected, found."""


def _truth(found: object) -> object:
    if isinstance(found, bool) or found in ("true", "false"):
        return found == "true" if isinstance(found, str) else found
    raise ValueError(f"true or false expected, {found!r} found")


Truth = Annotated[bool, BeforeValidator(_truth)]
"""`true` or `false`, and nothing that looks like one; as text from the environment."""


class SettingsPart(BaseModel):
    """A table of settings: `public-url` in the file is `public_url` in Python."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


def read_settings(
    model: type[M], path: Path, *, environment: Mapping[str, str] = os.environ, prefix: str = "KJ_"
) -> M:
    """Read and check `path` with the environment over it; raises SettingsError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: a settings file expected, none found") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: a readable UTF-8 file expected, {error} found") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: TOML expected, {error} found") from None
    _lay_over(found, model, environment, prefix)
    try:
        return model.model_validate(found)
    except ValidationError as error:
        lines = [_line(path, problem) for problem in error.errors(include_url=False)]
        raise SettingsError("\n".join(dict.fromkeys(lines))) from None


def _lay_over(
    found: dict[str, Any], model: type[BaseModel], environment: Mapping[str, str], prefix: str
) -> None:
    """Put `KJ_TABLE__KEY` values into the tables that the model knows."""
    tables = {(field.alias or name).replace("-", "_") for name, field in model.model_fields.items()}
    for name, value in environment.items():
        table, divider, key = name.removeprefix(prefix).lower().partition("__")
        if not name.startswith(prefix) or not divider or table not in tables:
            continue
        part = found.setdefault(table, {})
        if isinstance(part, dict):
            part[key.replace("_", "-")] = value


def _line(path: Path, problem: ErrorDetails) -> str:
    key = ".".join(str(step) for step in problem["loc"]) or "(top)"
    found = problem.get("input")
    if problem["type"] == "extra_forbidden":
        return f"{path}: {key}: a known key expected, unknown key found"
    if problem["type"] == "missing":
        return f"{path}: {key}: a value expected, none found"
    expected = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if "expected" in expected and "found" in expected:
        return f"{path}: {key}: {expected}"
    shown = "a hidden value" if "password" in key else repr(found)
    return f"{path}: {key}: {expected} expected, {shown} found"
