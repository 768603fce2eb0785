"""`kj-sim` as a person meets it: started as a program, read on its output."""

import json
import os
import socket
import string
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.words import WORDS, language

ROOT = Path(__file__).parent.parent.parent


def kj_sim(*words: str, lang: str = "en_GB.UTF-8") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulators.cli", *words],
        cwd=ROOT,
        env={**os.environ, "LANG": lang, "LC_ALL": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_is_in_the_terminals_language() -> None:
    assert "没有见过我们代码" in kj_sim("--help", lang="zh_CN.UTF-8").stdout
    assert "never seen our code" in kj_sim("--help", lang="en_GB.UTF-8").stdout


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": ""}, "en"),
        ({}, "en"),
    ],
)
def test_the_terminals_language_is_found_as_the_system_does(
    environment: dict[str, str], spoken: str
) -> None:
    assert language(environment) == spoken


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_have_every_text_with_the_same_blanks(key: str) -> None:
    chinese, english = WORDS[key]
    blanks = [{part[1] for part in _blanks(text)} for text in (chinese, english)]

    assert chinese
    assert english
    assert blanks[0] == blanks[1]


def _blanks(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return [part for part in string.Formatter().parse(text) if part[1] is not None]


def test_a_scenario_that_is_not_there_is_said_in_one_line() -> None:
    ended = kj_sim("run", "nope")

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "nope: a file or one of" in ended.stderr


def test_a_port_to_listen_at_that_is_taken_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 4101))
        taken.listen()
        ended = kj_sim("run", "market-morning")

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "4101" in ended.stderr


def test_a_demo_whose_port_is_taken_says_so_in_one_line_and_starts_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = kj_sim("demo", "--port", str(port))

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"port {port}: a free one expected, one in use found; choose another with --port\n"
    )


def test_run_prints_where_each_analyser_is_and_stops_when_told(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "simulators.cli", "fleet", "3", "--folder", tmp_path, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            ports = sorted(path.name for path in tmp_path.iterdir())
            process.terminate()
            code = process.wait(10)
            complaints = process.stderr.read() if process.stderr else ""
        finally:
            process.kill()

    assert [one["url"] for one in said["instruments"]] == [
        f"serial://{tmp_path}/{name}?baud=9600" for name in ports
    ]
    assert (code, complaints, list(tmp_path.iterdir())) == (0, "", [])


def test_a_fleet_on_buses_says_which_unit_is_where(tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "simulators.cli", "fleet", "2"),
            *("--kind", "modbus", "--folder", tmp_path, "--json"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            process.terminate()
            process.wait(10)
        finally:
            process.kill()

    url = f"modbus+serial://{tmp_path}/bus-01?baud=19200&parity=none"
    assert [one["url"] for one in said["instruments"]] == [f"{url} #1", f"{url} #2"]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_whoever_reads_may_go_away_without_a_traceback(tmp_path: Path, form: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "simulators.cli", "fleet", "2", "--folder", tmp_path, *form],
            cwd=ROOT,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr, list(tmp_path.iterdir())) == (1, "", [])
