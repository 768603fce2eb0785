"""Lines to gateways that listen, closed with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.journeys.analyser import SocketLine


@pytest.fixture
def dial() -> Iterator[Callable[[int], SocketLine]]:
    """Connect to a port of the gateway's, as soon as it listens."""
    lines: list[SocketLine] = []

    def connect(port: int) -> SocketLine:
        lines.append(SocketLine(port))
        return lines[-1]

    yield connect
    for line in lines:
        line.close()
