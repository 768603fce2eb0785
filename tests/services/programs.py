"""Processes that tests start: their log is kept, and they never outlive the test."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import run
from tests.services.ports import is_listening

SET_PARENT_DEATH_SIGNAL = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    # Runs in the child, before exec. Linux counts the thread that forked as the parent, so a
    # program must be started from a thread that lives as long as the test.
    if _libc is not None:
        _libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def entry_point(name: str) -> str:
    """Return the path of one of our installed programs, such as `kj-gateway`."""
    path = Path(sysconfig.get_path("scripts"), name)
    if not path.exists():
        raise FileNotFoundError(f"expected {name} beside {sys.executable}: python3 run.py install")
    return str(path)


class Program:
    """One process. Its two outputs go to one log file; all it started dies with it.

    Start it from the test's own thread: it is killed when that thread ends.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        as_user: int | None = None,
    ) -> None:
        self.command = [str(part) for part in command]
        self.name = Path(self.command[0]).name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                cwd=cwd or run.ROOT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                user=as_user,
                group=as_user,
                extra_groups=None if as_user is None else [],
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def output(self) -> str:
        """All it has printed so far."""
        return self.log.read_text("utf-8", errors="replace")

    def wait_for_line(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        """Return the first match of the pattern in what it printed; `^` and `$` are a line's.

        Raises TimeoutError, and RuntimeError where it has ended without printing that.
        """
        until = time.monotonic() + seconds
        while True:
            ended = not self.is_running  # asked first: the last line may come with the end
            if found := re.search(pattern, self.output, re.MULTILINE):
                return found
            self._expect(f"a line like {pattern!r}", ended, until)

    def wait_for_port(self, port: int, seconds: float = 20) -> None:
        """Return once it listens on the port. Raises as `wait_for_line` does."""
        until = time.monotonic() + seconds
        while not is_listening(port):
            self._expect(f"a listener on port {port}", not self.is_running, until)

    def _expect(self, what: str, ended: bool, until: float) -> None:
        last_lines = "\n".join(self.output.splitlines()[-30:])
        if ended:
            code = self.process.returncode
            raise RuntimeError(f"expected {what}, but {self.name} ended with {code}:\n{last_lines}")
        if time.monotonic() > until:
            raise TimeoutError(f"expected {what} from {self.name}, found:\n{last_lines}")
        time.sleep(0.02)

    def wait(self, seconds: float = 20) -> int:
        """Return its exit code once it has ended by itself. Raises subprocess.TimeoutExpired."""
        return self.process.wait(seconds)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGINT is Ctrl-C, SIGSTOP and SIGCONT freeze and thaw it."""
        self.process.send_signal(number)

    def terminate(self, seconds: float = 20) -> int:
        """Ask it to end by SIGTERM; return its exit code. Raises subprocess.TimeoutExpired."""
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        """kill -9, and nothing is asked."""
        self.process.kill()
        self.process.wait()

    def reap(self) -> None:
        """End it and every process it started, however they feel about it."""
        if self.is_running:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


class Programs:
    """Starts programs, each with its own log in a folder, and reaps them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Program] = []

    def start(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        as_user: int | None = None,
    ) -> Program:
        """Start a command; a name beginning with `kj-` is one of our installed programs."""
        first, *rest = [str(part) for part in command]
        path = entry_point(first) if first.startswith("kj-") else first
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / f"{len(self.started) + 1:03d}-{Path(first).name}.log"
        program = Program([path, *rest], log, env=env, cwd=cwd, as_user=as_user)
        self.started.append(program)
        return program

    def reap(self) -> None:
        """End all of them, the last started first."""
        for program in reversed(self.started):
            program.reap()


@contextlib.contextmanager
def programs(folder: Path) -> Iterator[Programs]:
    """Yield a starter of programs whose logs lie in `folder`; all are reaped at the end."""
    starter = Programs(folder)
    try:
        yield starter
    finally:
        starter.reap()
