"""The HTTP server: one socket, one process, and an end that open screens do not hold up."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from lab_api.app.lab import create_app
from lab_api.settings import LabSettings
from lab_api.store.store import Store

LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp."""


class CannotListen(OSError):
    """The address of `[http] listen` cannot be had."""


class LabServer(uvicorn.Server):
    """Lets the readers of the feed go before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in good order; a second Ctrl-C at once. uvicorn's own dies of the signal."""
        rooms = getattr(self._app.state, "rooms", None)
        if rooms is not None:
            rooms.feed.close()
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def listen(settings: LabSettings) -> socket.socket:
    """The socket to serve on; CannotListen names address and holder where it is taken."""
    host, port = settings.http.address()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        found = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            found = holder_of(port) or "another process"
        raise CannotListen(
            f"http.listen: {settings.http.listen} free to listen on expected, {found} found"
        ) from None
    return listening


def serve(settings: LabSettings, store: Store, listening: socket.socket) -> bool:
    """Serve until a signal; whether it ended well. Closes the store."""
    failed = False

    def died() -> None:
        nonlocal failed
        failed = server.should_exit = True

    app = create_app(settings, store, died)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = LabServer(config, app)
    server.run(sockets=[listening])
    return server.started and not failed


def holder_of(port: int) -> str | None:
    """`name (pid)` of the process that listens on a TCP port; None where it is not to be seen."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listeners(table, port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for file in (process / "fd").iterdir():
                held = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(file))
                if held and held[1] in inodes:
                    name = (process / "comm").read_text("utf-8", "replace").strip()
                    return f"{name} ({process.name})"
        except OSError:
            continue  # it ended meanwhile, or is not ours to look into
    return None


def _listeners(table: str, port: int) -> list[str]:
    try:
        lines = Path("/proc/net", table).read_text("ascii").splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [row[9] for row in rows if row[3] == LISTENING and row[1].endswith(f":{port:04X}")]
