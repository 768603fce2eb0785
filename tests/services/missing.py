"""The only place where a test may be left out: a service of the system that is not there."""

from __future__ import annotations

from typing import NoReturn

import pytest

import run

NOT_RUN = "not run: "


def leave_out(name: str, how_to_get: str) -> NoReturn:
    """Leave the test out with its reason, which is counted and told; in CI, fail it."""
    reason = f"{NOT_RUN}{name} ({how_to_get})"
    if run.in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def need(*names: str) -> None:
    """Return if these parts of the system (`run.PARTS`) are here, else leave the test out."""
    for part in run.PARTS:
        if part.name in names and not part.found():
            leave_out(part.name, f"apt-get install {part.package}")


def needed(name: str, package: str) -> str:
    """Return the path of a program, or leave the test out."""
    return run.find_program(name) or leave_out(name, f"apt-get install {package}")


def tally(reasons: list[str]) -> list[str]:
    """Return one line for each thing that was missing, with the number of tests it cost."""
    told = [reason.removeprefix("Skipped: ") for reason in reasons]
    left_out = sorted(reason for reason in told if reason.startswith(NOT_RUN))
    return [f"{reason}: {left_out.count(reason)} tests" for reason in dict.fromkeys(left_out)]
