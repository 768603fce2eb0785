"""`station.toml` as types (DESIGN.md §5.2). Wrong shapes refuse to start, in one line each."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from gateway.wire.configfile import SettingsPart, Truth, read_settings
from gateway.wire.mqtt import Broker
from gateway.wire.topics import REGION, RESERVED, SEGMENT, GatewayTopics

AREA = re.compile(r"[0-9]{1,12}")
CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def _segment(name: str) -> str:
    if not SEGMENT.fullmatch(name):
        raise ValueError(f"1 to 64 of a-z 0-9 _ - expected, {name!r} found")
    return name


def _gateway_name(name: str) -> str:
    if name in RESERVED:
        taken = ", ".join(sorted(RESERVED))
        raise ValueError(f"a name other than {taken} expected, {name!r} found")
    return _segment(name)


def _region(code: str) -> str:
    if not REGION.fullmatch(code):
        raise ValueError(f"six digits of GB/T 2260 expected, {code!r} found")
    return code


def _area(code: str) -> str:
    if not AREA.fullmatch(code):
        raise ValueError(f"up to 12 digits of street and community expected, {code!r} found")
    return code


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"a time zone such as Asia/Shanghai expected, {name!r} found") from None
    return name


def _clock_time(text: str) -> str:
    if not CLOCK_TIME.fullmatch(text):
        raise ValueError(f"a time such as 00:00 or 18:00 expected, {text!r} found")
    return text


def _broker_url(url: str) -> str:
    Broker(url).address()
    return url


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _sqlite_url(url: str) -> str:
    if not url.startswith("sqlite:///") or url.removeprefix("sqlite:///") in ("", ":memory:"):
        raise ValueError(f"sqlite:////path/to/journal.db expected, {url!r} found")
    return url


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not port.isascii() or not 0 < int(port) < 65536:
        raise ValueError(f"host:port such as 127.0.0.1:1883 expected, {text!r} found")
    return text


Segment = Annotated[str, AfterValidator(_segment)]
GatewayName = Annotated[str, AfterValidator(_gateway_name)]
Region = Annotated[str, AfterValidator(_region)]
Zone = Annotated[str, AfterValidator(_zone)]
ClockTime = Annotated[str, AfterValidator(_clock_time)]
BrokerUrl = Annotated[str, AfterValidator(_broker_url)]
SqliteUrl = Annotated[str, AfterValidator(_sqlite_url)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]


class StationPart(SettingsPart):
    id: Segment
    region: Region
    name: Annotated[str, Field(min_length=1, max_length=200)]
    time_zone: Zone = "Asia/Shanghai"
    area: Annotated[str, AfterValidator(_area)] | None = None
    office: str | None = None
    day_starts: ClockTime = "00:00"
    lab: Segment
    organisation: str | None = None
    demo: Truth = False

    def zone(self) -> ZoneInfo:
        """The station's time zone."""
        return ZoneInfo(self.time_zone)

    def day_offset(self) -> timedelta:
        """How long after midnight the station's day starts."""
        hours, minutes = self.day_starts.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes))


class GatewayPart(SettingsPart):
    id: GatewayName


class JournalPart(SettingsPart):
    url: SqliteUrl

    def path(self) -> Path:
        """Where the journal's file is."""
        return Path(self.url.removeprefix("sqlite:///"))


class MqttPart(SettingsPart):
    url: BrokerUrl
    username: str | None = None
    password: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def broker(self) -> Broker:
        """How the home broker is reached."""
        return Broker(self.url, self.username, self.password, self.ca, self.cert, self.key)


class RetentionPart(SettingsPart):
    needs: tuple[Segment, ...] = ()
    keep_days: int = Field(default=30, ge=1, le=36_500)


class BrokerPart(SettingsPart):
    listen: HostAndPort

    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class UplinkPart(SettingsPart):
    name: Segment
    url: BrokerUrl
    username: str | None = None
    password_file: Path | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @model_validator(mode="after")
    def _password_is_readable(self) -> UplinkPart:
        self._password()
        return self

    def broker(self) -> Broker:
        """How this further broker is reached."""
        return Broker(self.url, self.username, self._password(), self.ca, self.cert, self.key)

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError(
                f"password-file: a UTF-8 file we may read expected, {self.password_file} found"
            ) from None


class InstrumentPart(SettingsPart):
    id: Segment
    profile: str
    unit: int | None = Field(default=None, ge=1, le=247)
    serial: str | None = None


class LinkPart(SettingsPart):
    name: Segment
    url: str
    instruments: tuple[InstrumentPart, ...]

    @model_validator(mode="after")
    def _has_a_scheme(self) -> LinkPart:
        if not self.instruments:
            raise ValueError("instruments: at least one expected, none found")
        if not _scheme(self.url):
            raise ValueError(f"a url such as serial:///dev/ttyS0 expected, {self.url!r} found")
        return self


class StationSettings(SettingsPart):
    """All of `station.toml`."""

    station: StationPart
    gateway: GatewayPart
    journal: JournalPart
    mqtt: MqttPart
    retention: RetentionPart = RetentionPart()
    broker: BrokerPart | None = None
    uplink: tuple[UplinkPart, ...] = ()
    link: tuple[LinkPart, ...] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> StationSettings:
        needs = self.retention.needs
        if needs and self.station.lab not in needs:
            raise ValueError(
                f"retention.needs: the publishing lab {self.station.lab!r} among them expected, "
                f"{', '.join(needs)} found"
            )
        for what, names in (
            ("link.name", [link.name for link in self.link]),
            ("uplink.name", [uplink.name for uplink in self.uplink]),
            ("instruments.id", [one.id for link in self.link for one in link.instruments]),
        ):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{what}: each name once expected, {min(twice)!r} twice found")
        return self

    def topics(self) -> GatewayTopics:
        """Where this gateway speaks."""
        return GatewayTopics(self.station.region, self.station.id, self.gateway.id)


def station_settings(path: Path) -> StationSettings:
    """Read `station.toml` with the environment over it; raises SettingsError."""
    return read_settings(StationSettings, path)
