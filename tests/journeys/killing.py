"""Kills the gateway at random moments while analysers send, and counts at the sender (G1, G2)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.journeys.analyser import ACK, Analyser, SocketLine, frames, message
from tests.journeys.market import Market, wait_until


@dataclass
class Tally:
    """What a sender offered and what it was told."""

    offered: int = 0
    acknowledged: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


class Sender(threading.Thread):
    """An impatient analyser: each result is offered until it is acknowledged, then the next."""

    def __init__(self, port: int, name: str, pause: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.tally = Tally()
        self.sample = name
        self._port, self._pause = port, pause
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        self._stop_asked.set()

    def run(self) -> None:
        n = 0
        line: SocketLine | None = None
        while not self._stop_asked.is_set():
            n += 1
            self.tally.offered += 1
            line = self._deliver(f"{self.sample}{n:05d}", line)
            self._pause()
        if line:
            line.close()

    def _deliver(self, sample: str, line: SocketLine | None) -> SocketLine | None:
        """Offer one result until it is acknowledged; returns the line that still holds."""
        while True:
            try:
                line = line or SocketLine(self._port)
                if self._is_taken(line, sample):
                    self.tally.acknowledged.add(sample)
                    return line
            except OSError:
                pass  # the gateway was killed; an analyser tries again
            if line:
                line.close()
                line = None
            if self._stop_asked.is_set():
                return None
            time.sleep(0.02)

    def _is_taken(self, line: SocketLine, sample: str) -> bool:
        analyser = Analyser(line)
        if analyser.bid(tries=2) != ACK:
            return False
        for one in frames(message(sample, "12.6")):
            line.write(one)
            if line.read(1, 5) != ACK:
                return False
        line.write(b"\x04")
        return True


def kill_and_count(market: Market, ports: list[int], kills: int, seed: int) -> list[Sender]:
    """Let senders send while the gateway dies `kills` times; returns them when all is at rest."""
    dice = random.Random(seed)
    senders = [Sender(port, f"S{n}X", lambda: time.sleep(0.005)) for n, port in enumerate(ports, 1)]
    for sender in senders:
        sender.start()
    for _ in range(kills):
        wait_until(partial(_has_grown, senders, _acknowledged(senders)), 40)
        time.sleep(dice.uniform(0.0, 0.3))
        assert market.gateway is not None
        market.gateway.kill()
        market.start_gateway()
    for sender in senders:
        sender.stop()
    for sender in senders:
        sender.join(30)
    return senders


def _acknowledged(senders: list[Sender]) -> int:
    return sum(len(sender.tally.acknowledged) for sender in senders)


def _has_grown(senders: list[Sender], before: int) -> bool:
    return _acknowledged(senders) > before


def check(market: Market, senders: list[Sender], key: str) -> str:
    """Every acknowledged result is in the lab exactly once, and nearly all were acknowledged."""
    told = set().union(*(sender.tally.acknowledged for sender in senders))
    offered = sum(sender.tally.offered for sender in senders)
    wait_until(lambda: told <= samples_of(market, key), 40)
    numbers = [one["result"]["sample"]["number"] for one in market.results(key)]
    assert len(numbers) == len(set(numbers)), "a result is in the lab twice"
    assert len(told) >= 0.95 * offered
    return f"{offered} offered, {len(told)} acknowledged, {len(numbers)} in the lab, each once"


def samples_of(market: Market, key: str) -> set[str]:
    return {one["result"]["sample"]["number"] for one in market.results(key)}
