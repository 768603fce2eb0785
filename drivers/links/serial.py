"""A serial port. pyserial opens and configures it; the event loop moves the bytes.

`Serial.read` calls select(), which fails beyond about 200 ports, and its write spins at full load
when the peer does not read: so both are done here on the descriptor itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import termios
from pathlib import Path

import serial

from drivers.errors import LinkLost
from drivers.links.base import WRITE_WITHIN
from drivers.links.url import SerialPlace

_PIECE = 4096
_BACKLOG = 64 * 1024
"""Bytes waiting to be read before the port is left to its own buffer and flow control."""
_PARITIES = {
    "none": serial.PARITY_NONE,
    "even": serial.PARITY_EVEN,
    "odd": serial.PARITY_ODD,
    "mark": serial.PARITY_MARK,
    "space": serial.PARITY_SPACE,
}


def open_serial(place: SerialPlace) -> SerialLink:
    """Open a port for us alone. Raises LinkLost in plain words; needs a running loop."""
    return SerialLink(place, _opened(place))


def _opened(place: SerialPlace) -> serial.Serial:
    said = place.settings
    port = serial.Serial()
    port.port = str(place.path)
    port.baudrate = said.baud
    if not _is_pty(place.path):
        port.bytesize = int(said.bits)
        port.parity = _PARITIES[said.parity]
    port.stopbits = float(said.stop)
    port.rtscts = said.flow == "rtscts"
    port.xonxoff = said.flow == "xonxoff"
    port.timeout = 0
    port.exclusive = True
    # Before the port is open: a pty has no such lines and would refuse them afterwards.
    if said.dtr != "as opened":
        port.dtr = said.dtr == "on"
    if said.rts != "as opened":
        port.rts = said.rts == "on"
    try:
        port.open()
    except (OSError, ValueError, termios.error) as fault:
        raise LinkLost(_in_plain_words(place.path, fault)) from None
    return port


def _is_pty(path: Path) -> bool:
    """Whether it is no port but a terminal's other end.

    It has eight bits and no parity whatever is asked of it, and refuses to be opened with others
    a second time.
    """
    return path.resolve().is_relative_to("/dev/pts")


def _in_plain_words(path: Path, fault: Exception) -> str:
    if not path.exists():
        return f"serial port {path}: a device expected, nothing is plugged in there"
    number = fault.errno if isinstance(fault, OSError) else None
    if number == errno.EACCES:
        return f"serial port {path}: permission expected, access denied"
    if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(fault):
        return f"serial port {path}: to be free expected, another program holds it"
    if isinstance(fault, termios.error):
        return f"serial port {path}: a port that can be set so expected, {fault.args[-1]}"
    return f"serial port {path}: a port that opens expected, {fault}"


class SerialLink:
    """An open serial port; being unplugged is seen at once."""

    engaged = False

    def __init__(self, place: SerialPlace, port: serial.Serial) -> None:
        self.name = str(place.path)
        self._listens_only = place.listens_only
        self._port = port
        self._fd = port.fileno()
        os.set_blocking(self._fd, False)
        self._loop = asyncio.get_running_loop()
        self._heard = bytearray()
        self._stirred = asyncio.Event()
        self._room = asyncio.Event()
        self._lost: str | None = None
        self._turn = asyncio.Lock()
        self._is_reading = False
        self._watch(True)

    async def read(self) -> bytes:
        """Wait for bytes. Raises LinkLost once what came before the loss has been read."""
        while not self._heard:
            if self._lost is not None:
                raise LinkLost(self._lost)
            self._stirred.clear()
            await self._stirred.wait()
        heard = bytes(self._heard)
        self._heard.clear()
        self._watch(True)
        return heard

    async def write(self, data: bytes) -> None:
        """Send all of it, in turn. Raises LinkLost, also when nobody takes it for 5 s."""
        if self._listens_only:
            return
        async with self._turn:
            try:
                async with asyncio.timeout(WRITE_WITHIN):
                    await self._write(data)
            except TimeoutError:
                self._lose("a peer that reads expected, nothing was taken for 5 s")
                raise LinkLost(f"{self._lost}") from None

    async def _write(self, data: bytes) -> None:
        while data:
            if self._lost is not None:
                raise LinkLost(self._lost)
            try:
                data = data[os.write(self._fd, data) :]
            except (BlockingIOError, InterruptedError):
                await self._wait_for_room()
            except OSError as fault:
                self._lose(f"{fault.strerror}")

    async def _wait_for_room(self) -> None:
        self._room.clear()
        self._loop.add_writer(self._fd, self._room.set)
        try:
            await self._room.wait()
        finally:
            if self._lost is None:
                self._loop.remove_writer(self._fd)

    def _hear(self) -> None:
        try:
            piece = os.read(self._fd, _PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._lose("unplugged")
            return
        if piece:
            self._heard += piece
            if len(self._heard) >= _BACKLOG:
                self._watch(False)
            self._stirred.set()
        elif self._is_hung_up():
            self._lose("unplugged")

    def _is_hung_up(self) -> bool:
        # pyserial sets VMIN = 0, so that an empty read alone says nothing.
        look = select.poll()
        look.register(self._fd, select.POLLIN)
        return any(what & (select.POLLHUP | select.POLLERR) for _, what in look.poll(0))

    def _watch(self, wanted: bool) -> None:
        if wanted is self._is_reading or self._lost is not None:
            return
        self._is_reading = wanted
        if wanted:
            self._loop.add_reader(self._fd, self._hear)
        else:
            self._loop.remove_reader(self._fd)

    def _lose(self, why: str) -> None:
        """Close the descriptor at once: the kernel gives its number to the next port."""
        if self._lost is not None:
            return
        self._lost = f"serial port {self.name}: {why}"
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._stirred.set()
        self._room.set()
        with contextlib.suppress(OSError):  # gone or not, its descriptor is closed
            self._port.close()

    async def close(self) -> None:
        """Let go of the port."""
        self._lose("closed")
