#!/usr/bin/env python3
"""Kuaijian's way in on a bare machine: `python3 run.py demo`, and it runs.

Needs python3 ≥ 3.11 with pip or uv, on Linux or macOS, and nothing else: no make, no venv
module, no root. Standard library only, because nothing is installed yet when it starts.

`.venv` is made from the two locks, hashes checked, once; a stamp in it remembers what was put
there, so that a second start takes no time and a torn or altered `.venv` is made anew.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)
OURS = ("gateway", "drivers", "lab_api", "simulators", "tests", "run.py")
RUNTIME_LOCK = "requirements.lock"
TEST_LOCK = "requirements-test.lock"
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def say(en: str, zh: str) -> str:
    """Return the sentence in the language of the terminal: zh for any Chinese locale, else en."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return zh if (spoken or "").lower().startswith("zh") else en


def tell(en: str, zh: str) -> None:
    """Print one line at once, so that it stands before what a child prints."""
    print(say(en, zh), flush=True)


def in_ci() -> bool:
    """True where a missing service must fail rather than be told."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def find_program(name: str) -> str | None:
    """Return the path of a program, also where Debian hides it from a plain user's PATH."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(SYSTEM_FOLDERS))


def find_chromium() -> str | None:
    """Return the browser to test with: `CHROMIUM` where it is set, else an installed one."""
    if named := os.environ.get("CHROMIUM"):
        return find_program(named)
    return next((path for name in CHROMIUM_NAMES if (path := find_program(name))), None)


def has_chinese_font() -> bool:
    """True if the browser can draw Chinese; macOS always can."""
    if sys.platform == "darwin":
        return True
    if lister := find_program("fc-list"):
        fonts = subprocess.run(
            [lister, ":lang=zh-cn", "family"], capture_output=True, text=True, check=False
        )
        return bool(fonts.stdout.strip())
    return any(Path("/usr/share/fonts").glob("**/wqy-*"))


def has_libatomic() -> bool:
    """True if Playwright's own node can start; a bare Debian lacks this library."""
    return sys.platform == "darwin" or ctypes.util.find_library("atomic") is not None


@dataclass(frozen=True)
class Part:
    """Something of the operating system that tests run against, and Debian's name for it."""

    name: str
    package: str
    found: Callable[[], bool]


# PostgreSQL is not among them: the test lock carries one for machines that have none.
PARTS = (
    Part("mosquitto", "mosquitto", lambda: find_program("mosquitto") is not None),
    Part("mosquitto_sub", "mosquitto-clients", lambda: find_program("mosquitto_sub") is not None),
    Part("Chromium", "chromium", lambda: find_chromium() is not None),
    Part("Chinese font", "fonts-wqy-microhei", has_chinese_font),
    Part("libatomic", "libatomic1", has_libatomic),
)


class Venv:
    """The project's `.venv`, and the stamp that says what was put into it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "kuaijian-stamp"

    def wanted(self, lock: str) -> str:
        """Return what the stamp must say of a lock: its content, the project's, this Python.

        And this folder: a `.venv` that was moved still points to where it was made.
        """
        made_from = (self.root / lock).read_bytes() + (self.root / "pyproject.toml").read_bytes()
        return hashlib.sha256(made_from + f"{sys.version}\n{self.root}".encode()).hexdigest()

    def holds(self, lock: str) -> bool:
        """True if all that the lock names was installed, and every file of it still is."""
        try:
            said, *files = self.stamp.read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return False
        return self.wanted(lock) in said.split() and self._intact(files)

    def _intact(self, files: Sequence[str]) -> bool:
        for line in files:
            size, _, name = line.partition(" ")
            try:
                if (self.folder / name).stat().st_size != int(size):
                    return False
            except (OSError, ValueError):
                return False
        return True

    def seal(self, *locks: str) -> None:
        """Write the stamp: first what is installed, then every file with its size."""
        lines = [" ".join(self.wanted(lock) for lock in locks)]
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path != self.stamp:
                lines.append(f"{path.stat().st_size} {path.relative_to(self.folder)}")
        torn = self.stamp.with_suffix(".torn")
        torn.write_text("\n".join(lines), "utf-8")
        torn.replace(self.stamp)

    def make(self) -> None:
        """Make it anew and empty. Debian ships no ensurepip, so pip is never put inside."""
        if self.folder.is_symlink() or self.folder.is_file():
            self.folder.unlink()
        elif self.folder.exists():
            shutil.rmtree(self.folder)
        # Not sys.executable: that may be the python of the very .venv just removed.
        base = getattr(sys, "_base_executable", None) or sys.executable
        run([base, "-m", "venv", "--without-pip", str(self.folder)])


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the project folder's lock, so that two runs at once do not install over each other."""
    folder = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("Waiting: another run.py is installing.", "另一个 run.py 正在安装，请稍候。")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def run(command: Sequence[str]) -> None:
    """Run a program to its end; end with one line where it fails."""
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        line = " ".join(command)
        sys.exit(say(f"Failed with exit code {code}: {line}", f"失败，退出码 {code}：{line}"))


def installer(python: Path) -> list[str]:
    """Return how packages get into `.venv`: uv where there is one, else this Python's own pip."""
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    base = getattr(sys, "_base_executable", None) or sys.executable
    if not importlib.util.find_spec("pip"):
        sys.exit(
            say(
                f"Neither uv nor pip for {base} was found. On Debian: apt-get install python3-pip",
                f"未找到 uv，{base} 也没有 pip。Debian 上请运行：apt-get install python3-pip",
            )
        )
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    return [base, "-m", "pip", "--python", str(python), "install", *options]


def prepare(lock: str, root: Path = ROOT) -> Venv:
    """Return a `.venv` that holds the lock and the project itself, made or mended if need be.

    The test lock contains the runtime lock, so tests are added to a `.venv` a demo is using,
    and a demo starts from one made for tests.
    """
    venv = Venv(root)
    with alone(root):
        if venv.holds(lock):
            return venv
        begun = time.monotonic()
        if not venv.holds(RUNTIME_LOCK):
            venv.make()
        venv.stamp.unlink(missing_ok=True)  # whoever stops us from here on leaves no stamp
        install = installer(venv.python)
        packages = sum("==" in line for line in (root / lock).read_text("utf-8").splitlines())
        with_what = "uv" if Path(install[0]).name == "uv" else "pip"
        tell(
            f"Installing {packages} packages of {lock} into .venv with {with_what} …",
            f"正在用 {with_what} 把 {lock} 的 {packages} 个软件包装入 .venv …",
        )
        run([*install, "--require-hashes", "-r", str(root / lock)])
        run([*install, "--no-deps", "--no-build-isolation", "-e", str(root)])
        venv.seal(*((RUNTIME_LOCK, TEST_LOCK) if lock == TEST_LOCK else (RUNTIME_LOCK,)))
        tell(f"Installed in {time.monotonic() - begun:.0f} s.", "安装完成。")
    return venv


def missing_parts() -> list[Part]:
    """Return the parts of the system that tests want and that are not here."""
    return [part for part in PARTS if not part.found()]


def install_parts(parts: Sequence[Part], *, asked: bool) -> None:
    """Install Debian packages where we may: as root, or by sudo where `asked` or in CI."""
    apt = shutil.which("apt-get")
    root = os.getuid() == 0
    sudo = shutil.which("sudo")
    if not parts or not apt or not (root or (sudo and (asked or in_ci()))):
        return
    before = [] if root else [str(sudo), *(["-n"] if in_ci() else [])]
    quietly = [*before, "env", "DEBIAN_FRONTEND=noninteractive", apt, "-o", "Dpkg::Use-Pty=0"]
    names = [part.package for part in parts]
    tell(f"Installing {' '.join(names)} with apt-get …", f"正在用 apt-get 安装 {' '.join(names)} …")
    install = ["install", "-y", "-qq", "--no-install-recommends", *names]
    for step in (["update", "-qq"], install):
        if subprocess.run([*quietly, *step], check=False, stdout=sys.stderr).returncode:
            tell(f"apt-get {step[0]} failed.", f"apt-get {step[0]} 失败。")
            return


def tell_missing(parts: Sequence[Part]) -> None:
    """Say in one line each what will not be tested and how to get it; in CI that is the end."""
    for part in parts:
        get = f"apt-get install {part.package}"
        tell(
            f"not run: what needs {part.name} ({get}, or run.py test --system)",
            f"未运行：需要 {part.name} 的测试（{get}，或 run.py test --system）",
        )
    if parts and in_ci():
        sys.exit(say("CI=true: nothing may be missing.", "CI=true：不得缺少任何一项。"))


def demo(arguments: Sequence[str]) -> NoReturn:
    """Become `kj-sim demo`: the same process, so that Ctrl-C reaches it and its exit is ours."""
    program = str(prepare(RUNTIME_LOCK).folder / "bin" / "kj-sim")
    os.execv(program, [program, "demo", *arguments])


def pytest(arguments: Sequence[str]) -> NoReturn:
    """Become pytest, with whatever of the system is here or may be installed."""
    python = str(prepare(TEST_LOCK).python)
    install_parts(missing_parts(), asked="--system" in arguments)
    tell_missing(missing_parts())
    passed_on = [argument for argument in arguments if argument != "--system"]
    os.chdir(ROOT)
    os.execv(python, [python, "-m", "pytest", *passed_on])


def bench(arguments: Sequence[str]) -> NoReturn:
    """The long tests of tests/load, which `test` leaves out."""
    pytest(["tests/load", "-o", "timeout=0", "-s", *arguments])


def install(arguments: Sequence[str]) -> None:
    """Only the installing, of what `demo` needs."""
    prepare(RUNTIME_LOCK)


def check(arguments: Sequence[str]) -> None:
    """Lint, format, types, imports and generated files; every one is run, also after a failure."""
    venv = prepare(TEST_LOCK)
    there = [name for name in OURS if (ROOT / name).exists()]
    tools = venv.folder / "bin"
    checks = (
        [str(tools / "ruff"), "check", *there],
        [str(tools / "ruff"), "format", "--check", *there],
        [str(tools / "mypy"), *there],
        [str(tools / "lint-imports")],
        [str(venv.python), "-m", "gateway.wire.generate", "--check"],
    )
    failed = []
    for command in checks:
        name = " ".join([Path(command[0]).name, *command[1:]])
        print(f"\n$ {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(say("Failed: ", "未通过：") + "; ".join(failed))


COMMANDS: dict[str, tuple[str, str, Callable[[Sequence[str]], None]]] = {
    "demo": (
        "a whole market on this machine, with its web pages [--port 8080]",
        "在本机运行一整个市场及其网页 [--port 8080]",
        demo,
    ),
    "test": (
        "every test but tests/load [--system: install what Debian has] [pytest's arguments]",
        "除 tests/load 外的全部测试 [--system：安装所缺系统软件] [pytest 参数]",
        pytest,
    ),
    "install": ("only make .venv", "只建立 .venv", install),
    "check": (
        "lint, types, imports, generated files",
        "代码风格、类型、导入规则、生成文件",
        check,
    ),
    "bench": ("the long tests of tests/load", "tests/load 中的长时间测试", bench),
}


def refuse_old_python(version: tuple[int, int]) -> None:
    """End in one line where this Python is older than the project's code."""
    if version < OLDEST:
        found = ".".join(str(part) for part in version)
        sys.exit(
            say(
                f"Python 3.11 or newer is needed, this is {found} ({sys.executable}).",
                f"需要 Python 3.11 或更高版本，当前为 {found}（{sys.executable}）。",
            )
        )


def usage() -> str:
    """Return the help text, one line a command."""
    lines = [say("Usage: python3 run.py COMMAND", "用法：python3 run.py 命令"), ""]
    lines += [f"  {name:8} {say(en, zh)}" for name, (en, zh, _) in COMMANDS.items()]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Run one command; without one, or with -h, say which there are."""
    refuse_old_python(sys.version_info[:2])
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return
    name, *rest = arguments
    if name not in COMMANDS:
        known = ", ".join(COMMANDS)
        sys.exit(
            say(
                f"Unknown command {name!r}: expected one of {known}.",
                f"未知命令 {name!r}：应为 {known} 之一。",
            )
        )
    COMMANDS[name][2](rest)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)  # Ctrl-C while installing: what was begun is made anew next time
