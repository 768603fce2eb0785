"""CUSTODY.md 10, 14, G4, G13: nothing that is said to a gateway over MQTT ends it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.journeys.analyser import Analyser, SocketLine, frames, message
from tests.journeys.market import Bench, Market, wait_until
from tests.services.brokers import Broker
from tests.services.missing import needed
from tests.services.ports import free_port
from tests.services.programs import Programs

ROOT = "kuaijian/v1/21/01/12/s0007/gw1"
AT = "2026-11-24T08:00:00+08:00"
HUGE = 10**30


def command(**more: Any) -> bytes:
    envelope = {"schema": "kuaijian.command/1", "request": "lab1.x", "lab": "lab1", "at": AT}
    return json.dumps(envelope | more).encode()


def sheet(**more: Any) -> dict[str, Any]:
    line = {"number": "N0001", "food": "01040201", "stall": "A-001"}
    return {
        "run": "r1",
        "version": 1,
        "instrument": "pest-1",
        "from": AT,
        "to": "2026-11-24T09:00:00+08:00",
        "samples": [line],
    } | more


def receipt(**held: Any) -> bytes:
    return json.dumps(
        {"schema": "kuaijian.receipt/1", "lab": "lab1", "at": AT, "epochs": {"1": held}}
    ).encode()


HOSTILE = [
    ("command/run", b"not json"),
    ("command/run", b"[]"),
    ("command/run", command()),
    ("command/run", command(sheet=sheet(version=HUGE))),
    ("command/run", command(sheet=sheet(to="9999-12-31T23:59:59-10:00"))),
    ("command/run", command(sheet=sheet(), request="lab1.#")),
    ("command/run", command(sheet=sheet(), request="lab1.+/+")),
    ("command/run", command(sheet=sheet(), request="lab1." + "x" * 70_000)),
    ("command/run", command(sheet=sheet(), lab="evil", request="evil.1")),
    ("command/reissue", command(id="00000000-0000-0000-0000-000000000000", above=HUGE)),
    ("command/reissue", command(id="00000000-0000-0000-0000-000000000000", above=2**63 - 1)),
    ("command/reissue", command(id="none", above=1)),
    ("command/replay", command(epoch=HUGE, ranges=[{"from": 1, "to": 2}])),
    ("command/replay", command(epoch=1, ranges=[{"from": HUGE, "to": -HUGE}])),
    ("command/no-such-verb", command()),
    ("receipt/lab1", receipt(through=2**63, chain="x")),
    ("receipt/lab1", receipt(through=-1, chain=None)),
    ("receipt/lab1", b"\xff\xfe"),
    ("receipt/evil", receipt(through=1, chain="x", fork=True)),
]


def publish(broker: Broker, topic: str, payload: bytes, *, retain: bool = False) -> None:
    program = needed("mosquitto_pub", "mosquitto-clients")
    where = ["-h", broker.host, "-p", str(broker.port), "-V", "5", "-q", "1"]
    how = ["-t", f"{ROOT}/{topic}", "-s", *(["-r"] if retain else [])]
    subprocess.run([program, *where, *how], input=payload, check=True, timeout=20)


def test_a_gateway_outlives_whatever_is_said_to_it(
    programs: Programs,
    mosquitto: Broker,
    tmp_path: Path,
    dial: Callable[[int], SocketLine],
) -> None:
    port = free_port()
    market = Market(programs, mosquitto, tmp_path / "m", [Bench(f"tcp+listen://127.0.0.1:{port}")])
    publish(mosquitto, "receipt/lab1", receipt(through=2**63, chain="x"), retain=True)
    gateway = market.start_gateway()
    analyser = Analyser(dial(port))
    assert analyser.send(frames(message("N0001", "12.6", at="19000101000000")))

    for topic, payload in HOSTILE:
        publish(mosquitto, topic, payload)
    publish(mosquitto, "command/run", command(sheet=sheet(), request="lab1.good"))

    def is_paired() -> bool:
        told = market.status()
        return told is not None and told["status"]["head"] == 2

    wait_until(is_paired)
    assert analyser.send(frames(message("N0002", "8.1")))
    assert gateway.is_running
