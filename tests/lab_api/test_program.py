"""`kj-lab` as a process: it starts, says what is wrong in one line, and ends in time."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lab_api.cli import app
from tests.lab_api.station import FakeGateway
from tests.services.brokers import Broker
from tests.services.missing import needed
from tests.services.ports import free_port
from tests.services.programs import Program, Programs

RUNNER = CliRunner()
ENGLISH = {"LC_ALL": "C.UTF-8"}


@dataclass
class Installed:
    """A lab's settings on disk, and its program."""

    programs: Programs
    file: Path
    store: str
    port: int

    def write(self, broker: str = "mqtt://127.0.0.1:9", more: str = "") -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(
            f'[lab]\nid = "lab1"\n[store]\nurl = "{self.store}"\n[mqtt]\nurl = "{broker}"\n'
            f'[http]\nlisten = "127.0.0.1:{self.port}"\n'
            f'[[station]]\nid = "s0007"\nregion = "210112"\npublish = true\n{more}'
        )

    def start(self) -> Program:
        program = self.programs.start("kj-lab", "run", "--config", self.file)
        program.wait_for_port(self.port)
        self.get("/healthz")
        return program

    def ask(self, *words: str) -> Result:
        """Run a command of kj-lab to its end, in this process."""
        return RUNNER.invoke(app, [*words, "--config", str(self.file)], env=ENGLISH)

    def refused(self) -> list[str]:
        """The lines that `kj-lab run` ends with when it refuses to start."""
        program = self.programs.start("kj-lab", "run", "--config", self.file, env=ENGLISH)
        assert program.wait() == 1
        return program.output.splitlines()

    def get(self, path: str, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture
def installed(programs: Programs, tmp_path: Path, migrated_sqlite: Path) -> Installed:
    folder = tmp_path / "lab"
    folder.mkdir()
    shutil.copy(migrated_sqlite, folder / "lab.db")
    made = Installed(programs, folder / "lab.toml", f"sqlite:///{folder / 'lab.db'}", free_port())
    made.write()
    return made


@pytest.fixture
def installed_on_postgres(programs: Programs, tmp_path: Path, empty_postgres: str) -> Installed:
    made = Installed(programs, tmp_path / "lab.toml", empty_postgres, free_port())
    made.write()
    return made


def open_stream(installed: Installed) -> http.client.HTTPResponse:
    url = f"http://127.0.0.1:{installed.port}/api/v1/boards/s0007/stream"
    answer: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=10)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    return answer


def test_sigterm_ends_it_within_a_second_while_screens_are_open(
    installed: Installed, mosquitto: Broker, publish_status: Callable[[Broker], None]
) -> None:
    installed.write(mosquitto.url)
    lab = installed.start()
    publish_status(mosquitto)
    _wait_for_board(installed)
    streams = [open_stream(installed) for _ in range(3)]
    assert [stream.readline() for stream in streams] == [b"retry: 2000\n"] * 3

    began = time.monotonic()
    code = lab.terminate()

    assert (code, time.monotonic() - began < 1) == (0, True)
    for stream in streams:
        assert stream.read().startswith(b"\nevent: heartbeat")
        stream.close()


@pytest.fixture
def publish_status(programs: Programs) -> Callable[[Broker], None]:
    """Lets a gateway say who it is, by a program that has never seen our code."""

    def publish(broker: Broker) -> None:
        message = FakeGateway().status()
        subprocess.run(
            [
                needed("mosquitto_pub", "mosquitto-clients"),
                *("-h", broker.host, "-p", str(broker.port), "-q", "1", "-r"),
                *("-t", message.topic, "-m", message.payload.decode()),
            ],
            check=True,
        )

    return publish


def _wait_for_board(installed: Installed) -> None:
    until = time.monotonic() + 15
    while not installed.get("/api/v1/boards")["items"]:
        assert time.monotonic() < until, "a board expected, none found"
        time.sleep(0.05)


def test_a_killed_lab_gives_its_store_back(installed: Installed) -> None:
    installed.start().kill()

    installed.start()


def test_a_second_lab_on_the_store_is_refused(installed: Installed) -> None:
    first = installed.start()
    installed.port = free_port()
    installed.write()

    assert installed.refused() == [
        f"{installed.file.parent / 'lab.db'}: no other writing process expected, "
        f"process {first.pid} found"
    ]


def test_a_held_port_is_named_with_its_holder(installed: Installed) -> None:
    with socket.create_server(("127.0.0.1", installed.port)):
        (line,) = installed.refused()

    assert line.startswith(f"http.listen: 127.0.0.1:{installed.port} free to listen on expected, ")
    assert f"({os.getpid()}) found" in line


def test_settings_of_the_wrong_shape_refuse_to_start(installed: Installed) -> None:
    installed.write(more='surprise = 1\n[[uplink]]\nname = "district"\n')

    assert installed.refused() == [
        f"{installed.file}: station.0.surprise: a known key expected, unknown key found",
        f"{installed.file}: uplink: not available in this version: no [[uplink]] expected, 1 found",
    ]


def test_a_database_that_is_away_is_said_in_one_line(installed: Installed) -> None:
    installed.store = "postgresql://nobody@127.0.0.1:9/none"
    installed.write()

    (line,) = installed.refused()
    assert line.startswith(f"{installed.file}: store.url: a working store expected, ")


def test_a_key_is_printed_alone_on_stdout(installed: Installed) -> None:
    made = installed.ask("key", "add", "--role", "technician", "--name", "bench")

    assert made.exit_code == 0
    assert made.stdout.startswith("kj_")
    assert made.stdout.count("\n") == 1
    assert "only now" in made.stderr


def test_keys_made_without_a_running_lab_and_beside_it_both_open_it(installed: Installed) -> None:
    before = installed.ask("key", "add", "--role", "monitor").stdout.strip()
    installed.start()

    beside = installed.ask("key", "add", "--role", "monitor").stdout.strip()

    for key in (before, beside):
        assert installed.get("/api/v1/stations", key)["items"][0]["station"] == "s0007"


def test_a_key_made_while_the_lab_starts_is_made(installed: Installed) -> None:
    installed.programs.start("kj-lab", "run", "--config", installed.file)

    made = installed.ask("key", "add", "--role", "monitor")

    assert (made.exit_code, made.stdout[:3]) == (0, "kj_")


def test_keys_beside_a_lab_on_postgresql(installed_on_postgres: Installed) -> None:
    installed_on_postgres.start()

    key = installed_on_postgres.ask("key", "add", "--role", "admin").stdout.strip()

    assert installed_on_postgres.get("/api/v1/stations", key)["next"] is None


def test_a_store_in_a_deep_folder_is_reached_too(
    installed: Installed, tmp_path: Path, migrated_sqlite: Path
) -> None:
    folder = tmp_path / ("a" * 80) / ("b" * 80)
    folder.mkdir(parents=True)
    shutil.copy(migrated_sqlite, folder / "lab.db")
    installed.store = f"sqlite:///{folder / 'lab.db'}"
    installed.write()
    installed.start()

    assert installed.ask("key", "add", "--role", "monitor").exit_code == 0


def test_keys_are_listed_without_secrets_and_revoked_by_id(installed: Installed) -> None:
    installed.start()
    key = installed.ask("key", "add", "--role", "admin", "--scope", "2101").stdout.strip()

    (listed,) = json.loads(installed.ask("key", "list", "--json").stdout)

    assert (listed["id"], listed["role"], listed["scope"]) == (key.split("_")[1], "admin", "2101")
    assert key.split("_")[2] not in json.dumps(listed)
    assert installed.ask("key", "revoke", listed["id"]).exit_code == 0
    again = installed.ask("key", "revoke", listed["id"])
    assert (again.exit_code, again.stderr) == (
        1,
        f"a living key {listed['id']} expected, none found\n",
    )


def test_a_role_nobody_has_is_refused(installed: Installed) -> None:
    refused = installed.ask("key", "add", "--role", "boss")

    assert (refused.exit_code != 0, refused.stdout) == (True, "")


def test_a_scope_that_is_no_place_is_refused(installed: Installed) -> None:
    refused = installed.ask("key", "add", "--role", "monitor", "--scope", "everywhere")

    assert (refused.exit_code, "'everywhere' found" in refused.stderr) == (1, True)


def test_a_station_is_added_beside_a_running_lab(installed: Installed) -> None:
    installed.start()

    assert installed.ask("station", "add", "s0008", "--region", "210112").exit_code == 0

    listed = json.loads(installed.ask("station", "list", "--json").stdout)
    assert [(each["station"], each["known"]) for each in listed] == [
        ("s0007", True),
        ("s0008", True),
    ]
    again = installed.ask("station", "add", "s0008", "--region", "330100")
    assert (again.exit_code, "s0008 in 210112 found" in again.stderr) == (1, True)


def test_nothing_to_read_is_said(installed: Installed) -> None:
    installed.store = f"sqlite:///{installed.file.parent / 'none.db'}"
    installed.write()

    refused = installed.ask("key", "list")

    assert (refused.exit_code, "kj-lab run or migrate expected" in refused.stderr) == (1, True)


def test_migrate_makes_an_empty_store(installed: Installed) -> None:
    installed.store = f"sqlite:///{installed.file.parent / 'new.db'}"
    installed.write()

    assert installed.ask("migrate").exit_code == 0
    assert json.loads(installed.ask("key", "list", "--json").stdout) == []


def test_a_restored_store_has_another_feed(installed: Installed) -> None:
    backup = installed.file.parent / "backup.db"
    assert installed.ask("key", "add", "--role", "monitor", "--name", "old").exit_code == 0
    shutil.copy(installed.file.parent / "lab.db", backup)
    assert installed.ask("key", "add", "--role", "monitor", "--name", "new").exit_code == 0

    restored = installed.ask("restore", "--from", str(backup))

    assert restored.exit_code == 0
    assert [each["name"] for each in json.loads(installed.ask("key", "list", "--json").stdout)] == [
        "old"
    ]
    assert restored.stderr.split()[-1].strip(".") not in _feeds(backup)
    assert list(installed.file.parent.glob("lab.db.before-*"))


def _feeds(store: Path) -> list[str]:
    with closing(sqlite3.connect(store)) as found:
        return [feed for (feed,) in found.execute("SELECT feed FROM store_mark")]


def test_a_store_is_not_restored_under_a_running_lab(installed: Installed) -> None:
    backup = installed.file.parent / "backup.db"
    shutil.copy(installed.file.parent / "lab.db", backup)
    installed.start()

    refused = installed.ask("restore", "--from", str(backup))

    assert (refused.exit_code, "no other writing process expected" in refused.stderr) == (1, True)


def test_a_backup_that_is_none_is_refused(installed: Installed) -> None:
    backup = installed.file.parent / "backup.db"
    backup.write_bytes(b"not a database, but long enough to look at")

    refused = installed.ask("restore", "--from", str(backup))

    assert refused.exit_code == 1
    assert "a copy of a lab's store expected" in refused.stderr


def test_a_second_ctrl_c_is_heard(installed: Installed) -> None:
    lab = installed.start()

    lab.send(signal.SIGINT)
    lab.send(signal.SIGINT)

    assert lab.wait(5) == 0
