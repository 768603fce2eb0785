"""Where an analyser stands: at a serial port that is a pty, or at either end of a TCP socket.

A place can be unplugged and plugged in again, as a cable can. A serial cable cannot tell that
nobody listens: what is written to a port that nobody has opened is gone. A socket can tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import tty
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

_NOBODY_THERE = 0.05
"""Seconds between looks at a port that nobody has open, or an address that nobody answers."""
_TO_DIAL = 1.0
"""Seconds that dialling may take, however short the wait that led to it."""
_CHUNK = 4096


class CableOut(Exception):
    """There is no cable: it was unplugged, or the other side of a socket went away."""


class Line(Protocol):
    """A cable as an analyser sees it."""

    async def read(self, seconds: float) -> bytes:
        """Return what arrives within `seconds`, or b"" if nothing does. Raises CableOut."""

    async def write(self, sent: bytes) -> None:
        """Send all bytes. Raises CableOut."""


class Place(Line, Protocol):
    """A line that can be plugged in, pulled, and found."""

    @property
    def url(self) -> str:
        """What a gateway at the other end would have in its settings."""

    @property
    def plugged(self) -> bool: ...

    async def plug(self) -> None: ...

    async def unplug(self) -> None: ...


class Pty:
    """A serial port made of a pty; `path` is a symbolic link to it, as udev would set it.

    Nothing is held on the port's side, so that a reader who opens, closes and opens it again
    meets what a USB adapter would show, and pulling it hangs the reader up at once.
    """

    def __init__(self, path: Path, baud: int = 9600) -> None:
        self.path = path
        self._baud = baud
        self._master: int | None = None
        self._waiting: asyncio.Future[None] | None = None

    @property
    def url(self) -> str:
        return f"serial://{self.path}?baud={self._baud}"

    @property
    def plugged(self) -> bool:
        return self._master is not None

    async def plug(self) -> None:
        if self._master is not None:
            return
        master, port = os.openpty()
        # A new pty echoes: without this the analyser's first words would come back to it.
        tty.setraw(port)
        name = os.ttyname(port)
        os.close(port)
        os.set_blocking(master, False)
        self._master = master
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(self.path.name + ".new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(name)
        beside.replace(self.path)

    async def unplug(self) -> None:
        if self._master is None:
            return
        self.path.unlink(missing_ok=True)
        master, self._master = self._master, None
        self._forget(master)
        os.close(master)
        self._wake()

    async def read(self, seconds: float) -> bytes:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            left = deadline - loop.time()
            try:
                return os.read(self._plugged_master(), _CHUNK)
            except BlockingIOError:
                if left <= 0:
                    return b""
                await self._stir(left, for_writing=False)
            except OSError as error:
                # EIO is how a pty says that nobody has its other side open.
                if error.errno != errno.EIO:
                    raise
                if left <= 0:
                    return b""
                await asyncio.sleep(min(left, _NOBODY_THERE))

    async def write(self, sent: bytes) -> None:
        left = memoryview(sent)
        while left and self._is_open():
            try:
                left = left[os.write(self._plugged_master(), left) :]
            except BlockingIOError:
                await self._stir(1.0, for_writing=True)

    def _plugged_master(self) -> int:
        if self._master is None:
            raise CableOut(f"{self.path} is unplugged")
        return self._master

    def _is_open(self) -> bool:
        """Tell whether anybody has the port open; a pty says so by the absence of a hang-up."""
        looked = select.poll()
        looked.register(self._plugged_master(), select.POLLIN)
        return not any(event & select.POLLHUP for _, event in looked.poll(0))

    async def _stir(self, seconds: float, *, for_writing: bool) -> None:
        """Wait until the port can be used or is pulled, but no longer than `seconds`."""
        loop = asyncio.get_running_loop()
        master = self._plugged_master()
        waiting: asyncio.Future[None] = loop.create_future()
        self._waiting = waiting
        (loop.add_writer if for_writing else loop.add_reader)(master, self._wake)
        try:
            await asyncio.wait([waiting], timeout=seconds)
        finally:
            if self._master == master:
                self._forget(master)
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @staticmethod
    def _forget(master: int) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(master)
        loop.remove_writer(master)


class _Socket(ABC):
    """What both ends of a TCP cable have in common: at most one peer at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._plugged = False
        self._peer: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def plugged(self) -> bool:
        return self._plugged

    @abstractmethod
    async def _find_peer(self, seconds: float) -> None:
        """Wait for somebody at the other end, but no longer than `seconds`."""

    async def unplug(self) -> None:
        self._plugged = False
        self._hang_up()

    async def read(self, seconds: float) -> bytes:
        deadline = asyncio.get_running_loop().time() + seconds
        reader, _ = await self._someone(seconds)
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        try:
            heard = await asyncio.wait_for(reader.read(_CHUNK), left or 0.001)
        except TimeoutError:
            return b""
        except OSError as error:
            self._hang_up()
            raise CableOut(f"{self.host}:{self.port}: {error.strerror}") from error
        if not heard:
            self._hang_up()
            raise CableOut(f"{self.host}:{self.port} hung up")
        return heard

    async def write(self, sent: bytes) -> None:
        _, writer = await self._someone(_NOBODY_THERE)
        try:
            writer.write(sent)
            await writer.drain()
        except OSError as error:
            self._hang_up()
            raise CableOut(f"{self.host}:{self.port}: {error.strerror}") from error

    async def _someone(self, seconds: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._plugged and self._peer is None:
            await self._find_peer(seconds)
        if not self._plugged:
            raise CableOut(f"{self.host}:{self.port} is unplugged")
        if self._peer is None:
            raise CableOut(f"nobody at {self.host}:{self.port}")
        return self._peer

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._peer[1].close()
            self._peer = None


class TcpListen(_Socket):
    """The analyser listens and the gateway dials; port 0 takes a free one and keeps it."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._server: asyncio.Server | None = None
        self._greeted = asyncio.Event()

    @property
    def url(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    async def plug(self) -> None:
        if self._plugged:
            return
        self._server = await asyncio.start_server(self._greet, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._plugged = True

    async def unplug(self) -> None:
        await super().unplug()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A gateway that was killed and dials again takes the place of its former self.
        self._hang_up()
        self._peer = reader, writer
        self._greeted.set()

    async def _find_peer(self, seconds: float) -> None:
        self._greeted.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._greeted.wait(), seconds)


class TcpDial(_Socket):
    """The gateway listens and the analyser dials, as long as it takes."""

    @property
    def url(self) -> str:
        return f"tcp+listen://{self.host}:{self.port}"

    async def plug(self) -> None:
        self._plugged = True

    async def _find_peer(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, _TO_DIAL)):
                while self._plugged and self._peer is None:
                    with contextlib.suppress(OSError):
                        self._peer = await asyncio.open_connection(self.host, self.port)
                        return
                    await asyncio.sleep(_NOBODY_THERE)
