"""Real MQTT brokers: mosquitto, and iotcore as the embedded one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.services.missing import needed
from tests.services.ports import LOOPBACK, free_port
from tests.services.programs import Program, Programs

IOTCORE = """
id = 0
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
max_payload_size = 1048576
max_inflight_count = 100
"""


class Broker:
    """A broker on one port of loopback, which can be killed and comes back on the same port."""

    host = LOOPBACK

    def __init__(self, command: Sequence[str], port: int, folder: Path) -> None:
        self.port = port
        self._command = command
        self._programs = Programs(folder)
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    @property
    def program(self) -> Program:
        """The process of now; its `send` freezes and thaws it."""
        return self._programs.started[-1]

    def start(self) -> None:
        """Start it and return once it listens."""
        self._programs.start(*self._command).wait_for_port(self.port)

    def stop(self) -> None:
        """Stop it by SIGTERM; mosquitto then saves what it is to keep."""
        self.program.terminate()

    def kill(self) -> None:
        """kill -9."""
        self.program.kill()

    def restart(self) -> None:
        """Stop it if it runs, and start it again on the same port."""
        if self.program.is_running:
            self.stop()
        self.start()

    def reap(self) -> None:
        self._programs.reap()


@contextlib.contextmanager
def _running(broker: Broker) -> Iterator[Broker]:
    try:
        yield broker
    finally:
        broker.reap()


def mosquitto(
    folder: Path, *, acl: str | None = None, persistent: bool = False, settings: str = ""
) -> contextlib.AbstractContextManager[Broker]:
    """Run mosquitto on a free port, its files in `folder`.

    `acl` is the text of an ACL file: user names are believed, as no password is asked for.
    `persistent` keeps retained messages and sessions over a restart; otherwise it forgets all.
    `settings` are further lines of mosquitto.conf.
    """
    program = needed("mosquitto", "mosquitto")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    lines = [f"listener {port} {LOOPBACK}", "allow_anonymous true", "max_queued_messages 0"]
    if persistent:
        lines += ["persistence true", f"persistence_location {folder}/"]
        lines += ["autosave_on_changes true", "autosave_interval 1"]
    if acl is not None:
        (folder / "acl").write_text(acl, "utf-8")
        (folder / "acl").chmod(0o600)
        lines.append(f"acl_file {folder / 'acl'}")
    if os.getuid() == 0:
        lines.append("user root")  # else it becomes `mosquitto`, which may not enter the folder
    configuration = folder / "mosquitto.conf"
    configuration.write_text("\n".join([*lines, settings, ""]), "utf-8")
    return _running(Broker([program, "-c", str(configuration)], port, folder))


def iotcore(folder: Path) -> contextlib.AbstractContextManager[Broker]:
    """Run the embedded broker on a free port, MQTT 5 only; it forgets all when it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    configuration = folder / "iotcore.toml"
    configuration.write_text(IOTCORE.format(host=LOOPBACK, port=port), "utf-8")
    command = [sys.executable, "-m", "iotcore", "--config", str(configuration)]
    return _running(Broker(command, port, folder))
