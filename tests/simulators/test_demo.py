"""The whole market as a person meets it: one command, one page, Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
ROWS_WITHIN = 40.0
GONE_WITHIN = 10.0
MARK = "KJ_TEST_MARK"


class Running:
    """A demonstration that runs as a process, found again by a mark in its environment."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.mark = uuid.uuid4().hex
        self.said = folder / "said.txt"
        self.state = folder / "state"
        self.state.mkdir()
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "simulators.cli", "demo", "--port", str(self.port)],
                cwd=ROOT,
                env={
                    **os.environ,
                    "LC_ALL": "en_GB.UTF-8",
                    "TMPDIR": str(self.state),
                    MARK: self.mark,
                },
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.said.read_text("utf-8")

    def board(self) -> dict[str, Any] | None:
        """What the public board says, None while nobody answers."""
        url = f"http://127.0.0.1:{self.port}/api/v1/boards/s0007"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                board: dict[str, Any] = json.load(answer)
                return board
        except (urllib.error.HTTPError, OSError):
            return None

    def rows(self) -> list[dict[str, Any]]:
        board = self.board()
        return board["rows"] if board else []

    def processes(self) -> dict[int, str]:
        """Every living process of this demonstration, itself included: pid and command line."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and self._is_ours(folder):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode("utf-8", "replace")
        return found

    def _is_ours(self, folder: Path) -> bool:
        try:
            return f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes()
        except OSError:
            return False

    def ports(self) -> list[int]:
        """Every port its settings name: pages, broker, and the analysers that dial or listen."""
        written = "".join(path.read_text("utf-8") for path in self.state.rglob("*.toml"))
        after = [text.split('"')[0].split("?")[0] for text in written.split("127.0.0.1:")[1:]]
        return sorted({int(text) for text in after})

    def clean_up(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    try:
        yield running
    finally:
        running.clean_up()


def until(claim: Callable[[], bool], seconds: float, demo: Running) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert demo.process.poll() is None, demo.output
        assert time.monotonic() < deadline, demo.output
        time.sleep(0.2)


def is_open(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def gone(demo: Running) -> bool:
    deadline = time.monotonic() + GONE_WITHIN
    while demo.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    return not demo.processes()


def test_the_board_fills_and_ctrl_c_leaves_nothing_behind(demo: Running) -> None:
    until(lambda: len(demo.rows()) >= 5, ROWS_WITHIN, demo)
    rows = demo.rows()
    ports = demo.ports()
    programs = " ".join(demo.processes().values())
    demo.process.send_signal(signal.SIGINT)
    code = demo.process.wait(15)

    assert all(row["demo"] for row in rows)
    assert "station.toml" in programs
    assert "lab.toml" in programs
    assert len(ports) == 4
    assert code == 0, demo.output
    assert "Traceback" not in demo.output
    assert demo.processes() == {}
    assert [port for port in ports if is_open(port)] == []
    assert list(demo.state.iterdir()) == []


def test_what_the_board_shows_is_what_the_scenario_says_and_no_more(demo: Running) -> None:
    until(lambda: len(demo.rows()) >= 9, ROWS_WITHIN, demo)
    shown = {(row["sample"], row["stall"], row["value"]) for row in demo.rows()}
    number = min(sample for sample, _, _ in shown)[:-4]

    assert (f"{number}0001", "A-013", "12.6") in shown
    assert (f"{number}0003", "D-002", "11.0") in shown
    assert {sample[-4:] for sample, _, _ in shown}.isdisjoint({"0006", "0010"})


def test_a_program_that_dies_is_named_with_its_last_words(demo: Running) -> None:
    until(lambda: demo.board() is not None, ROWS_WITHIN, demo)
    lab = next(pid for pid, command in demo.processes().items() if "lab.toml" in command)
    os.kill(lab, signal.SIGKILL)
    code = demo.process.wait(15)

    assert code == 1
    assert "lab ended by itself (exit -9); its last words:" in demo.output
    assert "Traceback" not in demo.output
    assert gone(demo)


def test_when_the_demo_is_killed_its_programs_go_too(demo: Running) -> None:
    until(lambda: demo.board() is not None, ROWS_WITHIN, demo)
    before = len(demo.processes())
    demo.process.kill()
    demo.process.wait()

    assert before >= 4
    assert gone(demo)
