"""A market's station that the lab hears over mosquitto_pub: payloads by hand, none of our code."""

from __future__ import annotations

import hashlib
import json
import subprocess
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.services.brokers import Broker
from tests.services.missing import needed

Json = dict[str, Any]

BEIJING = timezone(timedelta(hours=8))
REGION, GATEWAY, LAB = "210112", "gw1", "lab1"
NAME = "浑南农贸市场快检室"
RAW = b"one reading"
RAW_SHA256 = hashlib.sha256(RAW).hexdigest()
PAK_CHOI = "01040201"


def canonical(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Station:
    """Publishes statuses and results, each chained to the last."""

    def __init__(self, broker: Broker, id_: str, time_zone: str = "Asia/Shanghai") -> None:
        self._program = needed("mosquitto_pub", "mosquitto-clients")
        self._broker, self.id, self._time_zone = broker, id_, time_zone
        self._root = f"kuaijian/v1/21/01/12/{id_}/{GATEWAY}"
        self._beat, self._seq, self._epoch = 0, 0, 5201314077
        self._chain = str(self._epoch)

    def come_online(self, state: str = "online") -> None:
        """Publish a status, as a gateway does every 30 s."""
        self._beat += 1
        status = {
            "schema": "kuaijian.status/1",
            **{"state": state, "region": REGION, "station": self.id, "gateway": GATEWAY},
            **{"boot": "b1", "beat": self._beat, "at": _now().isoformat()},
            **{"epoch": self._epoch, "head": self._seq, "chain": None, "offered": self._seq},
            "version": "0.1.0",
            "card": {
                **{"name": NAME, "time_zone": self._time_zone, "lab": LAB, "demo": True},
            },
        }
        self._publish(f"{self._root}/status", [canonical(status)], "-r")

    def measured(self, count: int = 1, **changes: Any) -> list[Json]:
        """Publish new results, negative unless `changes` say otherwise; returns their bodies."""
        bodies = [self.body(**changes) for _ in range(count)]
        self.say(*bodies)
        return bodies

    def body(self, **changes: Any) -> Json:
        """A result without its place; `changes` replace its parts, or fields of one part."""
        number = f"N0120261124-{uuid.uuid4().hex[:8]}"
        now = _now()
        body: Json = {
            **{"schema": "kuaijian.result/1", "id": str(uuid.uuid4()), "revision": 1},
            **{"source": "instrument", "demo": True},
            **{"region": REGION, "station": self.id, "gateway": GATEWAY},
            "instrument": {
                **{"id": "pest-1", "maker": "Dayuan", "model": "DY-3000", "serial": None},
                **{"profile": "astm-food-reader", "profile_version": 1},
            },
            "sample": {
                **{"number": number, "channel": "3", "food": PAK_CHOI, "stall": "A-013"},
                "origin": "河北唐山",
            },
            "test": {
                **{"item": "opc-inhibition", "method": "INH", "standard": "GB/T 5009.199-2003"},
                "purpose": "routine",
            },
            "value": {
                **{"as_reported": "12.6", "number": "12.6", "comparator": "="},
                **{"unit": "%", "grade": None},
            },
            "verdict": {
                **{"outcome": "pass", "reported": None, "rule": "r", "rules_version": "2026.11"},
                "limit": {"pass_when": "lt", "number": "50", "unit": "%"},
                "verified_rule": False,
            },
            "measured_at": now.isoformat(),
            "received_at": now.isoformat(),
            "effective_at": {"at": now.isoformat(), "from": "instrument"},
            "clock": {"instrument_text": None, "offset_s": None, "synchronised": True},
            "raw_sha256": RAW_SHA256,
        }
        for part, change in changes.items():
            body[part] = {**body[part], **change} if isinstance(change, dict) else change
        return body

    def say(self, *bodies: Json) -> None:
        """Publish results or revisions, each in the next place of the stream."""
        self._publish(f"{self._root}/raw/{RAW_SHA256}", [RAW])
        self._publish(f"{self._root}/result/pest-1", [self._placed(body) for body in bodies])

    def _placed(self, body: Json) -> bytes:
        self._seq += 1
        named = (self._chain, self._epoch, self._seq, body["id"], body["revision"], RAW_SHA256)
        sealed = [*map(str, named), hashlib.sha256(canonical(body)).hexdigest()]
        self._chain = hashlib.sha256("\n".join(sealed).encode()).hexdigest()
        place = {"epoch": self._epoch, "seq": self._seq, "was": None, "chain": self._chain}
        return canonical({**body, **place})

    def _publish(self, topic: str, lines: list[bytes], *options: str) -> None:
        subprocess.run(
            [
                *(self._program, "-h", self._broker.host, "-p", str(self._broker.port)),
                *("-V", "5", "-q", "1", "-t", topic, "-l", *options),
            ],
            input=b"".join(line + b"\n" for line in lines),
            check=True,
            timeout=30,
        )


def _now() -> datetime:
    return datetime.now(UTC).astimezone(BEIJING)
