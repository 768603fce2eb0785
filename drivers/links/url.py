"""Link URLs (DESIGN.md §5.2): what settings say of a cable, checked before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import ValidationError

from drivers.errors import ProfileError
from drivers.profile import SerialDefaults


class Framing(StrEnum):
    """How Modbus travels over a cable."""

    RTU = "rtu"
    """Unit, function, CRC; frames are told apart by their length."""
    TCP = "tcp"
    """A header with a transaction's number, no CRC."""


_BUSES = {
    "modbus+serial": Framing.RTU,
    "modbus+rtu+tcp": Framing.RTU,
    "modbus+tcp": Framing.TCP,
}
SCHEMES = ("serial", "tcp", "tcp+listen", *_BUSES)
_WORDS = ("bits", "parity", "stop", "flow", "dtr", "rts")
_SERIAL_KEYS = ("baud", *_WORDS)


@dataclass(frozen=True, slots=True)
class SerialPlace:
    """A serial port and how it is set."""

    path: Path
    settings: SerialDefaults
    listens_only: bool = False
    framing: Framing | None = None
    """Of a Modbus line."""


@dataclass(frozen=True, slots=True)
class TcpPlace:
    """A TCP endpoint that we dial, or where we wait to be dialled."""

    host: str
    port: int
    waits: bool
    listens_only: bool = False
    framing: Framing | None = None
    """Of a Modbus line."""


LinkPlace = SerialPlace | TcpPlace


def read_link_url(url: str, defaults: SerialDefaults | None = None) -> LinkPlace:
    """Read a link URL; what it does not say of a serial port, `defaults` do.

    Raises ProfileError naming the part, what was expected and what was found.
    """
    parts = _parts(url)
    if parts.scheme not in SCHEMES:
        raise _fault(url, "scheme", f"one of {', '.join(SCHEMES)}", parts.scheme)
    framing = _BUSES.get(parts.scheme)
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    mode = said.pop("mode", "both")
    if mode not in ("both", "listen"):
        raise _fault(url, "mode", "listen", mode)
    if framing and mode == "listen":
        raise _fault(url, "mode", "a line on which we ask", mode)
    if parts.scheme in ("serial", "modbus+serial"):
        path = Path(unquote(parts.path))
        if parts.netloc or not path.is_absolute():
            raise _fault(url, "path", f"{parts.scheme}:///dev/… with an absolute path", parts.path)
        if not str(path).isprintable():
            raise _fault(url, "path", "printable characters", str(path))
        settings = _settings(url, said, defaults or SerialDefaults())
        return SerialPlace(path, settings, mode == "listen", framing)
    for key, value in said.items():
        raise _fault(url, key, "no such key on a TCP link", value)
    host, port = _endpoint(url, parts)
    return TcpPlace(host, port, parts.scheme == "tcp+listen", mode == "listen", framing)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _fault(url, "URL", "such as tcp://192.168.1.20:4001", url) from None


def _settings(url: str, said: dict[str, str], defaults: SerialDefaults) -> SerialDefaults:
    for key, value in said.items():
        if key not in _SERIAL_KEYS:
            raise _fault(url, key, f"one of {', '.join((*_SERIAL_KEYS, 'mode'))}", value)
    try:
        return SerialDefaults.model_validate({**defaults.model_dump(), **said})
    except ValidationError as fault:
        key = str(fault.errors()[0]["loc"][0])
        raise _fault(url, key, _expected(key), said[key]) from None


def _expected(key: str) -> str:
    if key == "baud":
        return "a whole number such as 9600"
    return "one of " + ", ".join(get_args(SerialDefaults.model_fields[key].annotation))


def _endpoint(url: str, parts: SplitResult) -> tuple[str, int]:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    lowest = 0 if parts.scheme == "tcp+listen" else 1
    if not host or port is None or port < lowest or parts.path not in ("", "/"):
        raise _fault(url, "host:port", "such as 192.168.1.20:4001", parts.netloc + parts.path)
    if not _is_resolvable(host):
        raise _fault(url, "host", "a name or address that can be looked up", host)
    return host, port


def _is_resolvable(host: str) -> bool:
    """Whether a resolver would take it at all: it is asked in this encoding."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return host.isprintable()


def _fault(url: str, key: str, expected: str, found: str) -> ProfileError:
    named = key if key.isprintable() else repr(key)
    return ProfileError(f"link {url!r}: {named}: {expected} expected, {found!r} found")
