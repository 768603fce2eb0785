"""Programs started as processes: plain Python ones, so that only the keeping is tested."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from simulators import children as keeping
from simulators.children import Child, ChildDied, Children

SLEEPS = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(60)",
]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def until_it_says(child: Child, text: str) -> None:
    async with asyncio.timeout(10):
        while True:
            if text in child.last_words():
                return
            await asyncio.sleep(0.02)


async def test_what_still_runs_is_stopped_at_the_end(tmp_path: Path) -> None:
    async with Children(tmp_path) as children:
        child = await children.start("sleeper", SLEEPS)
        await until_it_says(child, "ready")

    assert child.process.returncode == -signal.SIGTERM


async def test_what_does_not_stop_when_asked_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PATIENCE", 0.2)
    async with Children(tmp_path) as children:
        child = await children.start("stubborn", STUBBORN)
        await until_it_says(child, "ready")

    assert child.process.returncode == -signal.SIGKILL


async def test_a_program_that_ends_by_itself_is_named_with_its_last_words(tmp_path: Path) -> None:
    async with Children(tmp_path) as children:
        await children.start("sleeper", SLEEPS)
        await children.start(
            "lab", [sys.executable, "-c", "print('no such table'); raise SystemExit(3)"]
        )
        with pytest.raises(ChildDied, match="lab ended with 3") as death:
            async with asyncio.timeout(10):
                await children.watch()

    assert death.value.child.last_words() == ["no such table"]


async def test_what_a_program_left_behind_is_killed_with_it(tmp_path: Path) -> None:
    leaves_a_child = (
        "import subprocess, sys;"
        "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(one.pid, flush=True)"
    )
    async with Children(tmp_path) as children:
        child = await children.start("careless", [sys.executable, "-c", leaves_a_child])
        await child.process.wait()
        left = int(child.log.read_text())
        before = is_alive(left)
    async with asyncio.timeout(5):
        while True:
            if not is_alive(left):
                break
            await asyncio.sleep(0.02)

    assert before


async def test_a_program_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = (
        "import asyncio, sys, pathlib\n"
        "from simulators.children import Children\n"
        "async def main():\n"
        f"    async with Children(pathlib.Path({str(tmp_path)!r})) as children:\n"
        f"        child = await children.start('sleeper', {SLEEPS!r})\n"
        "        print(child.process.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        parent,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(keeping.__file__).parent.parent)},
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    before = is_alive(pid)
    process.kill()
    await process.wait()
    async with asyncio.timeout(5):
        while True:
            if not is_alive(pid):
                break
            await asyncio.sleep(0.02)

    assert before
