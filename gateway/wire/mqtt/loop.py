"""Puts a paho client on the running loop: its socket is read and written when epoll says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho


def wire_to_loop(client: paho.Client) -> None:
    """Let the running loop's own selector serve the client's socket; no thread is started."""
    loop = asyncio.get_running_loop()
    ours = threading.get_ident()

    def on_loop(action: Callable[..., object], *given: object) -> None:
        # `connect` runs in a worker thread; the selector belongs to the loop.
        if threading.get_ident() == ours:
            action(*given)
        else:
            loop.call_soon_threadsafe(action, *given)

    def opened(_c: object, _u: object, sock: Any) -> None:
        on_loop(loop.add_reader, sock.fileno(), client.loop_read)

    def closing(_c: object, _u: object, sock: Any) -> None:
        on_loop(loop.remove_reader, sock.fileno())
        on_loop(loop.remove_writer, sock.fileno())

    def wants_to_write(_c: object, _u: object, sock: Any) -> None:
        on_loop(loop.add_writer, sock.fileno(), client.loop_write)

    def has_written(_c: object, _u: object, sock: Any) -> None:
        on_loop(loop.remove_writer, sock.fileno())

    client.on_socket_open = opened
    client.on_socket_close = closing
    client.on_socket_register_write = wants_to_write
    client.on_socket_unregister_write = has_written
