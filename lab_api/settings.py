"""The lab's settings: `lab.toml` as models (DESIGN.md §5.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gateway.wire.configfile import SettingsPart, Truth, read_settings
from gateway.wire.mqtt import Broker
from gateway.wire.topics import REGION, RESERVED, SEGMENT


def _segment(text: str) -> str:
    if not SEGMENT.fullmatch(text):
        raise ValueError(f"1 to 64 of a-z 0-9 _ - expected, {text!r} found")
    return text


def _not_reserved(text: str) -> str:
    if text in RESERVED:
        raise ValueError(f"none of {', '.join(sorted(RESERVED))} expected, {text!r} found")
    return text


def _region(text: str) -> str:
    if not REGION.fullmatch(text):
        raise ValueError(f"a region of six digits expected, {text!r} found")
    return text


def _store_url(text: str) -> str:
    expected = "sqlite:////path/lab.db or postgresql://… expected"
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(f"{expected}, {text!r} found") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError(f"{expected}, a store without a file found")
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(f"{expected}, {backend!r} found")
    return text


def _broker_url(text: str) -> str:
    Broker(text).address()
    return text


def _listen(text: str) -> str:
    host, divider, port = text.rpartition(":")
    if not divider or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"host:port expected, {text!r} found")
    return text


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"http://host or https://host expected, {text!r} found")
    return text.rstrip("/")


Segment = Annotated[str, AfterValidator(_segment)]
Region = Annotated[str, AfterValidator(_region)]


class LabPart(SettingsPart):
    id: Annotated[Segment, AfterValidator(_not_reserved)]


class StorePart(SettingsPart):
    url: Annotated[str, AfterValidator(_store_url)]


class MqttPart(SettingsPart):
    url: Annotated[str, AfterValidator(_broker_url)]
    username: str | None = None
    password: SecretStr | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    share: str = ""
    """The group of a shared subscription on `result`; empty for one lab alone."""

    @field_validator("share")
    @classmethod
    def _group_or_nothing(cls, text: str) -> str:
        return _segment(text) if text else text

    def broker(self) -> Broker:
        """Where and how the home broker is reached."""
        return Broker(
            self.url,
            self.username,
            self.password.get_secret_value() if self.password else None,
            *(str(path) if path else None for path in (self.ca, self.cert, self.key)),
        )


class HttpPart(SettingsPart):
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
    public_url: Annotated[str, AfterValidator(_web_url)] = "http://127.0.0.1:8080"

    def address(self) -> tuple[str, int]:
        """Host and port to listen on; an IPv6 host without its brackets."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class StationPart(SettingsPart):
    id: Segment
    region: Region
    publish: Truth = False
    """Whether this lab announces the station's notices; the station must name it too."""


class LabSettings(SettingsPart):
    lab: LabPart
    store: StorePart
    mqtt: MqttPart
    http: HttpPart = HttpPart()
    station: tuple[StationPart, ...] = Field(default=())
    uplink: tuple[dict[str, Any], ...] = Field(default=())

    @field_validator("uplink")
    @classmethod
    def _no_uplink(cls, found: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        if found:
            raise ValueError(
                f"not available in this version: no [[uplink]] expected, {len(found)} found"
            )
        return found

    @field_validator("station")
    @classmethod
    def _each_once(cls, found: tuple[StationPart, ...]) -> tuple[StationPart, ...]:
        ids = [station.id for station in found]
        if again := next((id_ for id_ in ids if ids.count(id_) > 1), None):
            raise ValueError(f"each station once expected, {again!r} found again")
        return found


def read_lab_settings(path: Path) -> LabSettings:
    """Read `lab.toml` with the environment over it; raises SettingsError, one line a problem."""
    return read_settings(LabSettings, path)
