"""The only place a cable is opened; the URL decides which kind."""

from __future__ import annotations

from drivers.errors import ProfileError
from drivers.links.base import Link
from drivers.links.memory import MemoryInstrument, MemoryLink, memory_pair
from drivers.links.serial import open_serial
from drivers.links.tcp import dial_tcp, listen_tcp
from drivers.links.url import SerialPlace, read_link_url
from drivers.profile import SerialDefaults

__all__ = [
    "Link",
    "MemoryInstrument",
    "MemoryLink",
    "memory_pair",
    "open_link",
    "read_link_url",
]


async def open_link(url: str, defaults: SerialDefaults | None = None) -> Link:
    """Open the cable a URL names; `defaults` say how its profile sets a serial port.

    Raises ProfileError for a URL that cannot be meant, LinkLost for a cable that is not there.
    """
    place = read_link_url(url, defaults)
    if place.framing is not None:
        raise ProfileError(f"link {url!r}: scheme: a link of bytes expected, a Modbus line found")
    if isinstance(place, SerialPlace):
        return open_serial(place)
    return await (listen_tcp(place) if place.waits else dial_tcp(place))
