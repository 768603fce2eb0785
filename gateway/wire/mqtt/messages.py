"""What is said through a broker, where it is, and how it may refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


class PipeDown(ConnectionError):
    """Not connected, or the connection was lost before the broker took the message."""


class Refused(Exception):
    """The broker took the message's acknowledgement to say no; the reason is the text."""


class TooLarge(Exception):
    """The broker could never take this message."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(f"at most {most} bytes expected by the broker, {size} found")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and how it is reached. `url` is mqtt://host:port or mqtts://host:port."""

    url: str
    username: str | None = None
    password: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def address(self) -> tuple[str, int, bool]:
        """Host, port and whether it is TLS; ValueError says what was expected."""
        wrong = f"mqtt://host:port or mqtts://host:port expected, {self.url!r} found"
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            raise ValueError(wrong) from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == 0:
            raise ValueError(wrong)
        try:
            parts.hostname.encode("idna")
        except UnicodeError:
            raise ValueError(wrong) from None
        secure = parts.scheme == "mqtts"
        return parts.hostname, port or (8883 if secure else 1883), secure


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained, when this connection dies without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that came; it stays the broker's until it is acknowledged."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int
    connection: int


@dataclass(frozen=True, slots=True)
class Event:
    """CloudEvents 1.0 attributes, sent as user properties in binary mode (MQTT 5 only)."""

    id: str
    source: str
    type: str
    time: str
    content_type: str = "application/json"
    subject: str | None = None

    def attributes(self) -> list[tuple[str, str]]:
        named = [
            ("specversion", "1.0"),
            ("id", self.id),
            ("source", self.source),
            ("type", self.type),
            ("time", self.time),
        ]
        return named + ([("subject", self.subject)] if self.subject else [])


def json_event(source: str, payload: Mapping[str, Any]) -> Event:
    """The CloudEvents attributes of a payload that names itself."""
    sample = payload.get("sample") or {}
    return Event(
        id=f"{payload.get('id')}.{payload.get('revision')}",
        source=source,
        type=str(payload.get("schema")),
        time=str(payload.get("received_at")),
        subject=sample.get("number"),
    )
