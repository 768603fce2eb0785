"""The broker beside us, when `[broker]` is configured: a child that dies with us.

mosquitto if it is installed, else iotcore (rumqttd in a wheel), which listens on loopback only
and forgets everything when it ends. Neither is trusted with durability: receipts are.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
"""Where Debian and others put mosquitto, outside a plain user's PATH."""
LARGEST = 8 * 1024 * 1024
"""Bytes of one message."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
PR_SET_PDEATHSIG = 1
READY_WITHIN = 10.0
"""Seconds until a fresh broker accepts connections."""
BACK_OFF = 2.0
"""Seconds before a broker that ended is started again."""


class BrokerError(Exception):
    """No broker could be started; says what was expected and what was found."""


def find_mosquitto() -> str | None:
    """Where mosquitto is."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=PLACES)


def command_for(host: str, port: int, state: Path) -> list[str]:
    """Write the broker's own settings below `state` and say how it is started."""
    state.mkdir(parents=True, exist_ok=True)
    if executable := find_mosquitto():
        written = state / "mosquitto.conf"
        written.write_text(mosquitto_settings(host, port, state))
        return [executable, "-c", str(written)]
    if host not in LOOPBACK:
        raise BrokerError(
            f"broker.listen: a loopback address expected where mosquitto is not installed, "
            f"{host} found"
        )
    written = state / "iotcore.toml"
    written.write_text(iotcore_settings(host, port))
    serve = (
        "import sys, iotcore; broker = iotcore.Broker(config_path=sys.argv[1]);"
        "broker.start(); sys.stdin.read()"
    )
    return [sys.executable, "-c", serve, str(written)]


def mosquitto_settings(host: str, port: int, state: Path) -> str:
    """Persistent, no queue limit: a reader that was away gets all of it."""
    lines = [
        f"listener {port} {host}",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {state}/",
        "autosave_on_changes true",
        "autosave_interval 50",
        "max_queued_messages 0",
        f"message_size_limit {LARGEST}",
    ]
    if os.getuid() == 0:
        lines.append("user root")
    return "\n".join(lines) + "\n"


def iotcore_settings(host: str, port: int) -> str:
    """MQTT 5 on the port; the segments bound what it keeps for a slow reader."""
    return f"""id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10
[v5.1]
name = "v5"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {LARGEST}
max_inflight_count = 100
"""


async def keep_broker(host: str, port: int, state: Path, ready: asyncio.Event) -> None:
    """Run the broker for as long as we run; started again when it ends.

    Raises BrokerError when the port is held by somebody else.
    """
    refuse_held_port(host, port)
    command = command_for(host, port, state)
    while True:
        await _run_once(command, host, port, ready)
        ready.clear()
        await asyncio.sleep(BACK_OFF)


def refuse_held_port(host: str, port: int) -> None:
    """Say in one line that a port is held, before anything is started on it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError) as error:
            is_held = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            expected = "a free port" if is_held else "an address of this machine"
            raise BrokerError(
                f"broker.listen: {expected} expected, {host}:{port} found"
                + (" held" if is_held else f" ({error})")
            ) from None


async def _run_once(command: Sequence[str], host: str, port: int, ready: asyncio.Event) -> None:
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=_die_with_parent,
    )
    try:
        await _until_it_listens(child, host, port)
        ready.set()
        log.info("broker %s listens on %s:%d", Path(command[0]).name, host, port)
        code = await child.wait()
        log.error("the broker ended with %d", code)
    finally:
        if child.returncode is None:
            child.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await child.wait()
        if child.returncode is None:
            child.kill()
            await child.wait()


async def _until_it_listens(child: asyncio.subprocess.Process, host: str, port: int) -> None:
    async with asyncio.timeout(READY_WITHIN):
        while child.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
                return
            await asyncio.sleep(0.03)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
