from __future__ import annotations

import ast
import fcntl
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

import run
from tests.services.programs import Program, Programs

SOURCE = (run.ROOT / "run.py").read_text("utf-8")
PROJECT = (
    *(name for name in run.OURS if name != "tests"),
    "pyproject.toml",
    "README.md",
    "LICENSE",
)


@pytest.fixture
def venv(tmp_path: Path) -> run.Venv:
    """A `.venv` of one file, sealed with the runtime lock."""
    for name in (run.RUNTIME_LOCK, run.TEST_LOCK, "pyproject.toml"):
        (tmp_path / name).write_text(name, "utf-8")
    venv = run.Venv(tmp_path)
    venv.python.parent.mkdir(parents=True)
    venv.python.write_text("python", "utf-8")
    venv.seal(run.RUNTIME_LOCK)
    return venv


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project as a newcomer has it, without a `.venv`."""
    clone = tmp_path / "kuai jian"
    clone.mkdir()
    for name in (*PROJECT, run.RUNTIME_LOCK, run.TEST_LOCK):
        source = run.ROOT / name
        if source.is_dir():
            shutil.copytree(source, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, clone / name)
    return clone


@pytest.fixture(params=[("en_GB.UTF-8", "Usage"), ("zh_CN.UTF-8", "用法")], ids=["en", "zh"])
def usage_word(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The first word of the help text in the language that the terminal speaks."""
    language: str
    word: str
    language, word = request.param
    monkeypatch.setenv("LC_ALL", language)
    return word


def test_it_needs_nothing_but_the_standard_library() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SOURCE))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported <= sys.stdlib_module_names


def test_an_older_python_can_read_it_far_enough_to_say_that_it_is_too_old() -> None:
    ast.parse(SOURCE, feature_version=(3, 8))

    with pytest.raises(SystemExit, match=r"3\.11 .*3\.9"):
        run.refuse_old_python((3, 9))


def test_help_names_every_command(usage_word: str) -> None:
    first, *lines = run.usage().splitlines()

    assert first.startswith(usage_word)
    assert {line.split()[0] for line in lines if line} == set(run.COMMANDS)


def test_without_a_command_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    run.main([])

    assert capsys.readouterr().out == run.usage() + "\n"


def test_an_unknown_command_is_named_with_those_expected() -> None:
    with pytest.raises(SystemExit, match=r"'dmeo'.*demo, test, install, check, bench"):
        run.main(["dmeo"])


def test_what_was_sealed_holds(venv: run.Venv) -> None:
    assert venv.holds(run.RUNTIME_LOCK)


def test_a_demo_does_not_bring_what_tests_need(venv: run.Venv) -> None:
    assert not venv.holds(run.TEST_LOCK)


def test_tests_bring_what_a_demo_needs(venv: run.Venv) -> None:
    venv.seal(run.RUNTIME_LOCK, run.TEST_LOCK)

    assert venv.holds(run.RUNTIME_LOCK)


def test_a_file_that_went_missing_breaks_the_seal(venv: run.Venv) -> None:
    venv.python.unlink()

    assert not venv.holds(run.RUNTIME_LOCK)


def test_a_file_that_was_altered_breaks_the_seal(venv: run.Venv) -> None:
    venv.python.write_text("another python", "utf-8")

    assert not venv.holds(run.RUNTIME_LOCK)


def test_a_file_that_was_added_does_not(venv: run.Venv) -> None:
    (venv.folder / "editor").write_text("added by a developer", "utf-8")

    assert venv.holds(run.RUNTIME_LOCK)


@pytest.mark.parametrize("name", [run.RUNTIME_LOCK, "pyproject.toml"])
def test_other_requirements_break_the_seal(venv: run.Venv, name: str) -> None:
    (venv.root / name).write_text("another", "utf-8")

    assert not venv.holds(run.RUNTIME_LOCK)


def test_a_moved_folder_breaks_the_seal(venv: run.Venv, tmp_path: Path) -> None:
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    venv.root.rename(moved)

    assert not run.Venv(moved).holds(run.RUNTIME_LOCK)


@pytest.mark.parametrize("torn", [b"", b"\xff\xfe", b"0\nbroken", b"\n\n"])
def test_a_torn_stamp_holds_nothing(venv: run.Venv, torn: bytes) -> None:
    venv.stamp.write_bytes(torn)

    assert not venv.holds(run.RUNTIME_LOCK)


def test_a_second_run_waits_for_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order: list[str] = []

    def second() -> None:
        with run.alone(tmp_path):
            order.append("second")

    waiting = threading.Thread(target=second)
    with run.alone(tmp_path):
        waiting.start()
        while "run.py" not in capsys.readouterr().out:
            time.sleep(0.01)
        order.append("first")
    waiting.join(10)

    assert order == ["first", "second"]


def test_the_lock_is_released(tmp_path: Path) -> None:
    with run.alone(tmp_path):
        pass

    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(folder)


def test_what_is_missing_is_told_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.delenv("CI", raising=False)

    run.tell_missing([run.Part("Chromium", "chromium", lambda: False)])

    assert capsys.readouterr().out == (
        "not run: what needs Chromium (apt-get install chromium, or run.py test --system)\n"
    )


def test_what_is_missing_in_ci_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(SystemExit):
        run.tell_missing([run.Part("Chromium", "chromium", lambda: False)])


def test_nothing_missing_is_nothing_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")

    run.tell_missing([])

    assert capsys.readouterr().out == ""


def install(programs: Programs, clone: Path) -> Program:
    return programs.start(sys.executable, clone / "run.py", "install", cwd=clone)


def test_a_fresh_clone_installs_itself_once_and_mends_itself(
    programs: Programs, clone: Path
) -> None:
    assert install(programs, clone).wait(45) == 0
    venv = run.Venv(clone)
    shutil.rmtree(next(venv.folder.glob("lib/python*/site-packages/fastapi")))

    at_once = [install(programs, clone), install(programs, clone)]

    assert [program.wait(45) for program in at_once] == [0, 0]
    told = [program.output.count("Installing") for program in programs.started]
    assert (told[0], sum(told)) == (1, 2)
    assert programs.start(venv.folder / "bin" / "kj-sim", "--help").wait(20) == 0
