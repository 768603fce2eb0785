"""The other programs as processes of ours: started, watched, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

PATIENCE = 5.0
"""Seconds a program has to stop by itself before it is killed."""
_LAST_WORDS = 12
_PR_SET_PDEATHSIG = 1
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Child:
    """A running program and where it writes what it has to say."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def last_words(self) -> list[str]:
        return self.log.read_text("utf-8", "replace").splitlines()[-_LAST_WORDS:]


class ChildDied(Exception):
    """A program ended that nobody had told to."""

    def __init__(self, child: Child) -> None:
        super().__init__(f"{child.name} ended with {child.process.returncode}")
        self.child = child


class Children:
    """All programs of one market: `async with` stops whatever is still running."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(_stop(child.process) for child in self._running))

    async def start(self, name: str, command: Sequence[str]) -> Child:
        """Start a program that is meant to run until the market closes."""
        log = self._folder / f"{name}.log"
        with log.open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=asyncio.subprocess.STDOUT,
                env=_environment(),
                # Ctrl-C is for us alone; we pass it on in our own time.
                start_new_session=True,
                preexec_fn=_dies_with_us(),
            )
        child = Child(name, process, log)
        self._running.append(child)
        return child

    async def ask(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a program to its end; return its exit code and all it said."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
            preexec_fn=_dies_with_us(),
        )
        try:
            said, complained = await process.communicate()
        finally:
            await _stop(process)
        code = process.returncode or 0
        return code, (complained if code else said).decode("utf-8", "replace").strip()

    async def watch(self) -> NoReturn:
        """Raise ChildDied as soon as any program ends by itself."""
        ends = {asyncio.create_task(child.process.wait()): child for child in self._running}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
        raise ChildDied(ends[done.pop()])


def program(script: str, module: str) -> list[str]:
    """Return how to start one of our programs: its script if it is installed, else its module."""
    installed = Path(sysconfig.get_path("scripts")) / script
    return [str(installed)] if installed.exists() else [sys.executable, "-m", module]


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask, wait, kill: the program, and with it what it has started and not stopped."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        # It leads a session of its own, so this reaches its children and nobody else's.
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _environment() -> dict[str, str]:
    """Our own environment, in which the programs are found even where nothing is installed."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _dies_with_us() -> Callable[[], None]:
    """Return what a child does first: ask the kernel for SIGTERM when its parent is killed."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    library = ctypes.CDLL(None)
    parent = os.getpid()

    def before_it_starts() -> None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return before_it_starts
