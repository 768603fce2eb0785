"""Ports of loopback."""

from __future__ import annotations

import socket
import time

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on now."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """True if a connection to the port is accepted."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def wait_until_listening(port: int, seconds: float = 10) -> None:
    """Return once the port accepts connections. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not is_listening(port):
        if time.monotonic() > until:
            raise TimeoutError(f"expected a listener on port {port} within {seconds} s, found none")
        time.sleep(0.02)
