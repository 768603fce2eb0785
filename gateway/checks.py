"""What can be said of a station's settings before it runs: one finding a line."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers import Profile, ProfileError, load_profiles, read_link_url
from drivers.links.url import SerialPlace
from gateway.broker import BrokerError, find_mosquitto, refuse_held_port
from gateway.local import ask, socket_path
from gateway.settings import InstrumentPart, LinkPart, StationSettings
from gateway.wire.language import say

DIAL_WITHIN = 2.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `problem` says what was expected and what was found."""

    what: str
    found: str
    problem: str | None = None

    @property
    def is_good(self) -> bool:
        return self.problem is None


def why_unusable(link: LinkPart, part: InstrumentPart, profile: Profile | None) -> str | None:
    """Why an instrument cannot be spoken with as it is set; None when it can."""
    if profile is None:
        known = ", ".join(sorted(load_profiles()))
        return f"profile: one of {known} expected, {part.profile!r} found"
    if not link.is_bus:
        if len(link.instruments) > 1:
            return f"one instrument on this kind of link expected, {len(link.instruments)} found"
        return None
    if part.unit is None:
        return f"unit: an address of 1 to 247 on the bus expected, none found for {part.id}"
    return None


def findings(settings: StationSettings) -> list[Finding]:
    """Journal, broker and links; opening no instrument's conversation."""
    is_running = ask(socket_path(settings.journal.path()), "status") is not None
    return [
        _journal(settings, is_running),
        _broker(settings, is_running),
        *(finding for link in settings.link for finding in _link(link, is_running)),
    ]


def _journal(settings: StationSettings, is_running: bool) -> Finding:
    path = settings.journal.path()
    what = say("journal", "日志库")
    if is_running:
        return Finding(what, say(f"{path}, in use by the running gateway", f"{path}，网关正在运行"))
    folder = _nearest_folder(path)
    if not os.access(folder, os.W_OK):
        return Finding(what, str(path), f"a folder we may write expected, {folder} found")
    return Finding(what, str(path))


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.exists())


def _broker(settings: StationSettings, is_running: bool) -> Finding:
    what, url = say("broker", "消息代理"), settings.mqtt.url
    if settings.broker and not is_running:
        try:
            refuse_held_port(*settings.broker.address())
        except BrokerError as error:
            return Finding(what, settings.broker.listen, str(error))
        kind = find_mosquitto() or "iotcore"
        return Finding(what, f"{settings.broker.listen} ({kind})")
    host, port, _ = settings.mqtt.broker().address()
    return _dial(what, url, host, port)


def _link(link: LinkPart, is_running: bool) -> Iterator[Finding]:
    profiles = load_profiles()
    what = f"{say('link', '连接')} {link.name}"
    for part in link.instruments:
        profile = profiles.get(part.profile)
        if problem := why_unusable(link, part, profile):
            yield Finding(f"{what} · {part.id}", part.profile, problem)
        elif profile is not None:
            found = f"{profile.profile} v{profile.version} ({profile.quality})"
            yield Finding(f"{what} · {part.id}", found)
    yield _place(what, link.url, is_running)


def _place(what: str, shown: str, is_running: bool) -> Finding:
    try:
        place = read_link_url(shown)
    except ProfileError as error:
        return Finding(what, shown, str(error))
    if isinstance(place, SerialPlace):
        return _port(what, shown, place.path, is_running)
    if not place.waits:
        return _dial(what, shown, place.host, place.port)
    try:
        if not is_running:
            refuse_held_port(place.host, place.port)
    except BrokerError:
        held = f"a free port expected, {place.host}:{place.port} found held"
        return Finding(what, shown, held)
    return Finding(what, shown)


def _port(what: str, shown: str, path: Path, is_running: bool) -> Finding:
    if not path.exists():
        return Finding(what, shown, f"a serial port expected, {path} not found")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        return Finding(what, shown, f"a port we may open expected, {error.strerror} found")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if is_running:
            return Finding(what, shown)
        return Finding(what, shown, f"a free port expected, {path} is held by another program")
    finally:
        os.close(descriptor)
    return Finding(what, shown)


def _dial(what: str, shown: str, host: str, port: int) -> Finding:
    try:
        socket.create_connection((host, port), DIAL_WITHIN).close()
    except (OSError, UnicodeError) as error:
        return Finding(what, shown, f"an answer from {host}:{port} expected, {error} found")
    return Finding(what, shown)
