"""G13: what a technician types, and what it says when something is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.ports import free_port
from tests.services.programs import Programs, entry_point

RESULT = rb"H|\^&|||FSRA-24" b"\rO|1|N1||^^^OPC-INH\rR|1|^^^OPC-INH|12.6|%\rL|1|N\r"


def gateway(*words: str | Path, said: bytes = b"", language: str = "C") -> tuple[int, str, str]:
    """Run a command; returns its exit code and what it said on both outputs."""
    done = subprocess.run(
        [entry_point("kj-gateway"), *words],
        input=said,
        capture_output=True,
        check=False,
        env={"LANG": language, "PATH": "/usr/bin:/bin:/usr/sbin", "COLUMNS": "200"},
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def held_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def station(folder: Path, links: str = "", broker: int | None = None) -> Path:
    port = broker or free_port()
    file = folder / "station.toml"
    file.write_text(
        f"""
[station]
id = "s0007"
region = "210112"
name = "浑南农贸市场快检室"
lab = "lab1"
[gateway]
id = "gw1"
[journal]
url = "sqlite:///{folder}/journal.db"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
[broker]
listen = "127.0.0.1:{port}"
{links}
""",
        encoding="utf-8",
    )
    return file


LINK = """
[[link]]
name = "bench-1"
url = "{url}"
instruments = [{{ id = "pest-1", profile = "{profile}" }}]
"""


def test_decode_prints_one_object_a_reading() -> None:
    code, out, _ = gateway("decode", "--profile", "fsra-24", "-", said=RESULT)

    (line,) = [json.loads(text) for text in out.splitlines()]
    assert code == 0
    assert set(line) == {
        "item",
        "value",
        "unit",
        "reported",
        "sample",
        "channel",
        "measured_at",
        "extras",
        "raw_sha256",
    }
    assert (line["item"], line["value"], line["sample"]) == ("opc-inhibition", "12.6", "N1")


def test_decode_takes_hex() -> None:
    code, out, _ = gateway("decode", "--hex", "-", said=RESULT.hex().encode())

    assert (code, json.loads(out)["item"]) == (0, "OPC-INH")


def test_a_query_prints_nothing_and_is_no_problem() -> None:
    query = rb"H|\^&" b"\rQ|1|^N1||ALL\rL|1|N\r"

    assert gateway("decode", "-", said=query)[:2] == (0, "")


def test_decode_of_something_else_says_what_was_expected() -> None:
    code, out, error = gateway("decode", "-", said=b"GET / HTTP/1.1\r\n")

    assert (code, out) == (1, "")
    assert "a message with an H record expected, none found in 16 bytes" in error


def test_an_unknown_profile_is_named_beside_the_known_ones() -> None:
    code, _, error = gateway("decode", "--profile", "nonesuch", "-", said=RESULT)

    assert code == 1
    assert "astm-generic" in error
    assert "'nonesuch' found" in error


@pytest.mark.parametrize(
    ("url", "profile", "problem"),
    [
        ("serial:///dev/ttyNONE", "fsra-24", "a serial port expected, /dev/ttyNONE not found"),
        ("tcp+listen://127.0.0.1:{held}", "fsra-24", "a free port expected, 127.0.0.1:{held}"),
        ("tcp://127.0.0.1:1", "fsra-24", "an answer from 127.0.0.1:1 expected"),
        ("carrier-pigeon:x", "fsra-24", "scheme: one of serial, tcp, tcp+listen, modbus+serial"),
        ("tcp+listen://127.0.0.1:{free}", "nonesuch", "'nonesuch' found"),
    ],
)
def test_check_names_each_problem_and_exits_with_1(
    tmp_path: Path, held_port: int, url: str, profile: str, problem: str
) -> None:
    ports = {"held": held_port, "free": free_port()}
    file = station(tmp_path, LINK.format(url=url.format(**ports), profile=profile))

    code, out, _ = gateway("check", "--config", file, "--json")

    problems = [one["problem"] for one in json.loads(out) if one["problem"]]
    assert (code, len(problems)) == (1, 1)
    assert problem.format(**ports) in problems[0]


def test_check_of_good_settings_exits_with_0(tmp_path: Path) -> None:
    url = f"tcp+listen://127.0.0.1:{free_port()}"

    code, out, _ = gateway(
        "check", "--config", station(tmp_path, LINK.format(url=url, profile="fsra-24"))
    )

    assert (code, "fsra-24 v1" in out) == (0, True)


def test_a_held_broker_port_stops_the_start_in_one_line(tmp_path: Path, held_port: int) -> None:
    code, _, error = gateway("run", "--config", station(tmp_path, broker=held_port))

    assert code == 1
    (line,) = [text for text in error.splitlines() if not text.startswith("{")]
    assert f"broker.listen: a free port expected, 127.0.0.1:{held_port} found held" in line


def test_settings_of_the_wrong_shape_stop_the_start_in_one_line(tmp_path: Path) -> None:
    file = station(tmp_path)
    file.write_text(file.read_text("utf-8").replace('"210112"', '"2101"'), encoding="utf-8")

    code, out, error = gateway("run", "--config", file)

    assert (code, out) == (1, "")
    assert error == (f"{file}: station.region: six digits of GB/T 2260 expected, '2101' found\n")


def test_status_without_a_gateway_says_so_in_the_readers_language(tmp_path: Path) -> None:
    file = station(tmp_path)

    assert "none found" in gateway("status", "--config", file)[2]
    assert "没有运行" in gateway("status", "--config", file, language="zh_CN.UTF-8")[2]


def test_the_other_links_run_on_beside_a_broken_one(tmp_path: Path, programs: Programs) -> None:
    port = free_port()
    good = LINK.format(url=f"tcp+listen://127.0.0.1:{port}", profile="fsra-24")
    bad = LINK.format(url="serial:///dev/ttyNONE", profile="nonesuch")
    bad = bad.replace("bench-1", "bench-2").replace("pest-1", "pest-2")
    file = station(tmp_path, good + bad)
    programs.start("kj-gateway", "run", "--config", file).wait_for_port(port)

    code, out, _ = gateway("status", "--config", file, "--json")

    states = {one["instrument"]: one["state"] for one in json.loads(out)["instruments"]}
    assert (code, states["pest-2"]) == (0, "faulted")
    assert states["pest-1"] != "faulted"
