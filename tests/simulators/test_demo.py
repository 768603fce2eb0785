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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Held:
    """A market that was held from the prompt to Ctrl-C, and what was seen of it."""

    rows: list[dict[str, Any]]
    programs: str
    ports: list[int]
    code: int
    output: str
    left: dict[int, str]
    open_ports: list[int]
    files: list[Path]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    demo = Running(tmp_path_factory.mktemp("demo"))
    try:
        until(lambda: len(demo.rows()) >= 13, ROWS_WITHIN, demo)
        rows, ports, programs = demo.rows(), demo.ports(), " ".join(demo.processes().values())
        demo.process.send_signal(signal.SIGINT)
        code = demo.process.wait(15)
        left, still_open = demo.processes(), [port for port in ports if is_open(port)]
        files = list(demo.state.iterdir())
        yield Held(rows, programs, ports, code, demo.output, left, still_open, files)
    finally:
        demo.clean_up()


def test_every_row_of_the_board_is_marked_as_demonstration(held: Held) -> None:
    assert [row["demo"] for row in held.rows] == [True] * len(held.rows)


def test_gateway_broker_and_lab_are_processes_of_their_own(held: Held) -> None:
    assert "station.toml" in held.programs
    assert "lab.toml" in held.programs
    assert len(held.ports) == 4


def test_the_board_shows_the_numbers_with_the_foods_stalls_and_values_of_the_scenario(
    held: Held,
) -> None:
    shown = {
        (row["sample"][-4:], row["food_name"], row["stall"], row["value"]["as_reported"])
        for row in held.rows
    }

    assert {
        ("0001", "上海青", "A-013", "12.6"),
        ("0003", "酱牛肉", "D-002", "11.0"),
        ("0008", "木耳（干）", "C-011", "0.021"),
    } <= shown


@pytest.mark.parametrize(
    "row",
    [
        ("0012", "小白菜", "B-011", "7.4"),  # a DY reader's channel, asked in bytes
        ("0014", "草鱼", "C-004", "阴性"),  # a DY-7200's text
        ("0013", "萝卜", "A-031", "4.9"),  # two units of one bus, asked in registers
        ("0015", "西葫芦", "A-009", "13.3"),
    ],
)
def test_the_board_shows_what_readers_said_that_had_to_be_asked(
    held: Held, row: tuple[str, ...]
) -> None:
    shown = {
        (one["sample"][-4:], one["food_name"], one["stall"], one["value"]["as_reported"])
        for one in held.rows
    }

    assert row in shown


def test_positives_and_invalid_results_of_the_scenario_are_not_on_the_board(held: Held) -> None:
    hidden = {"0006", "0010", "0016", "0017"}

    assert {row["sample"][-4:] for row in held.rows}.isdisjoint(hidden)


def test_what_a_reader_remembered_from_before_is_not_on_the_board(held: Held) -> None:
    assert all(row["sample"] for row in held.rows)
    assert len({row["sample"] for row in held.rows}) == len(held.rows)


def test_ctrl_c_ends_it_with_0_and_without_a_traceback(held: Held) -> None:
    assert held.code == 0, held.output
    assert "Traceback" not in held.output


def test_ctrl_c_leaves_no_process_port_or_file(held: Held) -> None:
    assert held.left == {}
    assert held.open_ports == []
    assert held.files == []


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
