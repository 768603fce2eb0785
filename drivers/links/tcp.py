"""TCP links: an instrument (or a serial server) that we dial, or that dials us."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque

from drivers.errors import LinkLost
from drivers.links.base import WRITE_WITHIN
from drivers.links.url import TcpPlace

_PIECE = 64 * 1024
_DIAL_WITHIN = 10.0
QUIET = 30.0
"""Seconds of silence within a session after which a peer makes room for the next.

A sender may pause as long between two frames (LIS1-A 8.4).
"""
IDLE = 3.0
"""Seconds of silence between sessions after which it does: it may be half-open."""
_LINE = 16
"""Dials that may wait; further ones are refused."""
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


async def dial_tcp(place: TcpPlace) -> TcpLink:
    """Dial an instrument. Raises LinkLost in plain words."""
    name = f"{place.host}:{place.port}"
    try:
        async with asyncio.timeout(_DIAL_WITHIN):
            reader, writer = await asyncio.open_connection(place.host, place.port)
    except TimeoutError:
        raise LinkLost(
            f"{name}: an answer within {_DIAL_WITHIN:.0f} s expected, none came"
        ) from None
    except OSError as fault:
        raise LinkLost(f"{name}: someone who listens expected, {_words(fault)}") from None
    return TcpLink(name, _Peer(name, reader, writer), listens_only=place.listens_only)


async def listen_tcp(place: TcpPlace) -> TcpListener:
    """Wait at an address to be dialled. Raises LinkLost where the port is held."""
    listener = TcpListener(place)
    await listener.start()
    return listener


def _words(fault: OSError) -> str:
    return (fault.strerror or str(fault) or type(fault).__name__).lower()


class _Peer:
    """One open connection."""

    def __init__(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.name, self._reader, self._writer = name, reader, writer
        self._turn = asyncio.Lock()
        self.heard_at = asyncio.get_running_loop().time()
        _keep_alive(writer)

    async def read(self) -> bytes:
        """Wait for bytes. Raises LinkLost when there will be no more."""
        try:
            heard = await self._reader.read(_PIECE)
        except OSError as fault:
            raise LinkLost(f"{self.name}: {_words(fault)}") from None
        if not heard:
            raise LinkLost(f"{self.name}: the other side hung up")
        self.heard_at = asyncio.get_running_loop().time()
        return heard

    async def write(self, data: bytes) -> None:
        async with self._turn:
            try:
                self._writer.write(data)
                async with asyncio.timeout(WRITE_WITHIN):
                    await self._writer.drain()
            except TimeoutError:
                self.abort()
                raise LinkLost(f"{self.name}: nothing was taken for {WRITE_WITHIN:.0f} s") from None
            except OSError as fault:
                raise LinkLost(f"{self.name}: {_words(fault)}") from None

    def abort(self) -> None:
        """Hang up without ceremony; whoever reads gets LinkLost."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Notice within half a minute that the other side is gone without a word."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in _KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, option, seconds)


class TcpLink:
    """A connection that we dialled."""

    engaged = False

    def __init__(self, name: str, peer: _Peer, *, listens_only: bool) -> None:
        self.name, self._peer, self._listens_only = name, peer, listens_only

    async def read(self) -> bytes:
        """Wait for bytes. Raises LinkLost."""
        return await self._peer.read()

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises LinkLost."""
        if not self._listens_only:
            await self._peer.write(data)

    async def close(self) -> None:
        """Hang up."""
        await self._peer.close()


class TcpListener:
    """An address where instruments dial in, one after the other.

    One peer is served at a time. The next one waits until it has hung up, or has said nothing
    for `IDLE` seconds, `QUIET` within a session: an instrument that lost its power leaves a
    connection behind that nobody closes. Each change of peer is one b"" from `read`.
    """

    engaged = False

    def __init__(self, place: TcpPlace) -> None:
        self.name = f"{place.host}:{place.port}"
        self._place = place
        self._server: asyncio.Server | None = None
        self._peer: _Peer | None = None
        self._waiting: deque[_Peer] = deque()
        self._dialled = asyncio.Event()
        self._is_closed = False

    @property
    def port(self) -> int:
        """The port it listens on, also where the URL asked for any."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen. Raises LinkLost."""
        try:
            self._server = await asyncio.start_server(
                self._greet, self._place.host, self._place.port, reuse_address=True
            )
        except OSError as fault:
            raise LinkLost(f"{self.name}: a free port expected, {_words(fault)}") from None

    def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")[:2]
        peer = _Peer(f"{host}:{port}", reader, writer)
        if self._is_closed or len(self._waiting) >= _LINE:
            peer.abort()
            return
        self._waiting.append(peer)
        self._dialled.set()
        self._make_room()

    async def read(self) -> bytes:
        """Wait for bytes of the peer that is served; b"" when it is served no more."""
        peer = self._peer or await self._next_peer()
        try:
            return await peer.read()
        except LinkLost:
            await peer.close()
            self._peer = None
            return b""

    async def _next_peer(self) -> _Peer:
        while not self._waiting:
            if self._is_closed:
                raise LinkLost(f"{self.name}: closed")
            self._dialled.clear()
            await self._dialled.wait()
        peer = self._waiting.popleft()
        self._serve(peer)
        return peer

    def _serve(self, peer: _Peer) -> None:
        self._peer = peer
        peer.heard_at = asyncio.get_running_loop().time()
        self._make_room()

    def _make_room(self) -> None:
        """Hang up on a peer that has long said nothing while another one waits."""
        if self._peer is None or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        patience = self._peer.heard_at + (QUIET if self.engaged else IDLE) - loop.time()
        if patience <= 0:
            self._peer.abort()
        else:
            loop.call_later(min(patience, IDLE), self._make_room)

    async def write(self, data: bytes) -> None:
        """Send to the peer that is served, if it is still there. Raises LinkLost for its loss."""
        if self._peer is not None and not self._place.listens_only:
            await self._peer.write(data)

    async def close(self) -> None:
        """Stop listening and hang up on everyone."""
        self._is_closed = True
        self._dialled.set()
        for peer in (*self._waiting, *([self._peer] if self._peer else [])):
            peer.abort()
        self._waiting.clear()
        if self._server is not None:
            self._server.close()
