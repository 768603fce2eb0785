"""`run.py` on the smallest Debian there is: python3 and pip, no venv module, no make, no uv.

Needs root, debootstrap and a Debian mirror; the bare system is made anew in a folder of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import run
from tests.services.missing import leave_out, needed
from tests.services.ports import free_port, is_listening
from tests.services.programs import Programs

RELEASE = "bookworm"
PACKAGES = "python3,python3-pip,ca-certificates"
# How this machine reaches its package index, where that is said outside of the environment.
# Files only: a link inside the bare system would lead out of it again.
NETWORK = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
    "/etc/xdg/pip/constraints.txt",
    "/etc/ssl/certs/ca-certificates.crt",
)
INSIDE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def source_files() -> list[str]:
    """Return what a clone would hold: all that git tracks or would."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=run.ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (run.ROOT / name).is_file()]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bare Debian with a clone of the project in /kuaijian."""
    debootstrap = needed("debootstrap", "debootstrap")
    if os.getuid() != 0:
        leave_out("a bare Debian", "be root")
    root = tmp_path_factory.mktemp("bare")
    subprocess.run(
        [debootstrap, "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(root)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for name in NETWORK:
        source, target = Path(name), root / name[1:]
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy(source, target)
    for name in source_files():
        copy = root / "kuaijian" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(run.ROOT / name, copy)
    yield root
    shutil.rmtree(root)


def inside(bare: Path, *command: str) -> tuple[int, str, float]:
    """Run a command in the bare system; return its exit code, its words and the seconds."""
    environment = {name: text for name, text in os.environ.items() if name.startswith("PIP_")}
    begun = time.monotonic()
    ended = subprocess.run(
        ["/usr/sbin/chroot", str(bare), *command],
        env=environment | INSIDE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, time.monotonic() - begun


def test_the_system_is_as_bare_as_we_say(bare: Path) -> None:
    tools = "for tool in make uv git curl; do command -v $tool; done; true"

    assert inside(bare, "/bin/sh", "-c", tools)[:2] == (0, "")
    assert inside(bare, "/usr/bin/python3", "-c", "import ensurepip")[0] == 1


def test_it_installs_there_and_starts_at_once_the_second_time(bare: Path) -> None:
    first, told, seconds = inside(bare, "/usr/bin/python3", "/kuaijian/run.py", "install")
    assert first == 0, told

    second, silence, again = inside(bare, "/usr/bin/python3", "/kuaijian/run.py", "install")
    print(f"run.py install on a bare Debian: first {seconds:.1f} s, then {again:.2f} s")

    assert (second, silence) == (0, "")
    assert again < 1


def test_what_it_installed_runs(bare: Path) -> None:
    code, told, _ = inside(bare, "/kuaijian/.venv/bin/kj-sim", "--help")

    assert code == 0, told


# A bare machine has these mounted; they are ours alone and go with the process.
MOUNTS = (
    "mount -t proc proc $0/proc && mount -t devpts -o ptmxmode=666 devpts $0/dev/pts && "
    "ln -sf pts/ptmx $0/dev/ptmx && "
)


def rows_on_the_board(port: int) -> list[dict[str, object]]:
    """Return what the public board of the demonstration shows, nothing before there is one."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/boards/s0007", trust_env=False)
    except httpx.TransportError:
        return []
    rows: list[dict[str, object]] = answer.json().get("rows", [])
    return rows


def test_from_the_prompt_to_live_results_takes_less_than_a_minute(
    bare: Path, programs: Programs
) -> None:
    shutil.rmtree(bare / "kuaijian" / ".venv", ignore_errors=True)
    port, begun = free_port(), time.monotonic()
    enter = f"{MOUNTS} exec /usr/sbin/chroot $0 /usr/bin/python3 /kuaijian/run.py demo --port $1"
    demo = programs.start(
        *("unshare", "--mount", "/bin/sh", "-c", enter, str(bare), str(port)), env=INSIDE
    )
    while not (rows := rows_on_the_board(port)):
        assert demo.is_running, demo.output
        assert time.monotonic() - begun < 60, demo.output
        time.sleep(0.2)
    print(f"run.py demo on a bare Debian: first row after {time.monotonic() - begun:.1f} s")

    assert all(row["demo"] is True for row in rows)
    demo.send(signal.SIGINT)
    assert demo.wait(30) == 0, demo.output
    assert not is_listening(port)
