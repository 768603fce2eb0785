"""What holds for every test: services as fixtures, log lines that can be formatted, a tally."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from tests.services.corpus import corpus
from tests.services.log_lines import LogLines
from tests.services.missing import tally

pytest_plugins = ["tests.services.fixtures"]

# A deadline per example measures the machine, not the code.
hypothesis.settings.register_profile("kuaijian", deadline=None, print_blob=True)
hypothesis.settings.load_profile("kuaijian")

OURS = ("drivers", "gateway", "lab_api", "simulators")


@pytest.fixture(autouse=True)
def log_lines() -> Iterator[None]:
    """Fail a test in whose course a line was logged whose words and values do not fit."""
    reader = LogLines()
    logging.getLogger().addHandler(reader)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield
    logging.getLogger().removeHandler(reader)
    assert reader.unformattable == []


MEASURED = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Take a number that a test measured; all are told at the end of the run."""
    return request.config.stash.setdefault(MEASURED, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line each what was not run, how often, and how to get it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    for line in terminalreporter.config.stash.get(MEASURED, []):
        terminalreporter.write_line(f"measured: {line}")
    for line in tally(reasons):
        terminalreporter.write_line(line)
    if corpus() is None:
        terminalreporter.write_line("not run: corpus (set KJ_CORPUS to the folder of recordings)")
