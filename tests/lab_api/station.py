"""A gateway as the lab hears it: results in their places, status, raw bytes; made by hand."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from gateway.wire.model import canonical
from gateway.wire.stream import Link, body_sha256, chain_after, first_link, sha256
from gateway.wire.topics import GatewayTopics
from lab_api.ingest.sorting import Message

CHINA = timezone(timedelta(hours=8))
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=CHINA)
SPACE = uuid.UUID(int=7)

CARD: dict[str, Any] = {
    "name": "浑南农贸市场快检室",
    "time_zone": "Asia/Shanghai",
    "day_starts": "00:00",
    "lab": "lab1",
    "area": None,
    "office": "wusan",
    "organisation": "hunnan-market",
    "demo": True,
}


INSTRUMENT = {
    "id": "pest-1",
    "maker": "Dayuan",
    "model": "DY-3000",
    "serial": None,
    "profile": "fsra-24",
    "profile_version": 1,
}
SAMPLE = {"channel": "3", "food": "01040201", "stall": "A-013", "run": "r1"}
TEST = {"item": "opc-inhibition", "method": "INH", "standard": "GB/T 5009.199-2003"}
VALUE = {
    "as_reported": "12.6",
    "number": "12.6",
    "comparator": "=",
    "unit": "%",
    "grade": None,
}
VERDICT = {
    "reported": "合格",
    "rule": "opc",
    "rules_version": "2026.11",
    "limit": {"pass_when": "lt", "number": "50", "unit": "%"},
}


def payload(name: str = "a", **changes: Any) -> dict[str, Any]:
    """A demonstration pass of sample N-a, without its place; `changes` replace top-level keys,
    and `outcome`, `number`, `purpose`, `verified_rule` and `at` what they are called."""
    outcome = changes.pop("outcome", "pass")
    verified = changes.pop("verified_rule", False)
    number = changes.pop("number", f"N-{name}")
    purpose = changes.pop("purpose", "routine")
    at = changes.pop("at", NOON).isoformat()
    made: dict[str, Any] = {
        "schema": "kuaijian.result/1",
        "id": str(uuid.uuid5(SPACE, name)),
        "revision": 1,
        "source": "instrument",
        "demo": True,
        "region": "210112",
        "station": "s0007",
        "gateway": "gw1",
        "instrument": INSTRUMENT,
        "sample": {**SAMPLE, "number": number},
        "test": {**TEST, "purpose": purpose},
        "value": VALUE,
        "verdict": {**VERDICT, "outcome": outcome, "verified_rule": verified},
        "measured_at": at,
        "received_at": at,
        "effective_at": {"at": at, "from": "instrument"},
        "clock": {"instrument_text": None, "offset_s": "0", "synchronised": True},
        "raw_sha256": None,
    }
    return {**made, **changes}


@dataclass
class FakeGateway:
    """One numbering of one gateway; every entry follows the one before."""

    topics: GatewayTopics = field(default_factory=lambda: GatewayTopics("210112", "s0007", "gw1"))
    epoch: int = 5201314
    seq: int = 0
    chain: str = ""
    boot: str = "boot-1"
    beat: int = 0
    raw: bytes = b"what the instrument sent"
    card: dict[str, Any] = field(default_factory=lambda: dict(CARD))

    def __post_init__(self) -> None:
        self.chain = self.chain or first_link(self.epoch)

    def entry(self, body: dict[str, Any]) -> Message:
        """The next entry of the stream."""
        body = {
            **body,
            "region": self.topics.region,
            "station": self.topics.station,
            "gateway": self.topics.gateway,
        }
        if body["raw_sha256"] is None:
            body["raw_sha256"] = sha256(self.raw)
        self.seq += 1
        link = Link(
            self.epoch,
            self.seq,
            body["id"],
            body["revision"],
            body["raw_sha256"],
            body_sha256(body),
        )
        self.chain = chain_after(self.chain, link)
        whole = {**body, "epoch": self.epoch, "seq": self.seq, "was": None, "chain": self.chain}
        return Message(self.topics.result("pest-1"), canonical(whole))

    def entries(self, *names: str, **changes: Any) -> list[Message]:
        """One entry for each name."""
        return [self.entry(payload(name, **changes)) for name in names]

    def raw_message(self) -> Message:
        return Message(self.topics.raw(sha256(self.raw)), self.raw)

    def absent(self, first: int, to: int, chain: str | None, reason: str = "pruned") -> Message:
        """Says that a run of numbers will not come."""
        said = {
            "schema": "kuaijian.absent/1",
            "epoch": self.epoch,
            "ranges": [{"from": first, "to": to, "chain": chain}],
            "reason": reason,
            "at": NOON.isoformat(),
        }
        return Message(self.topics.result("_gateway"), canonical(said))

    def status(self, **changes: Any) -> Message:
        """The next status; `changes` replace top-level keys."""
        self.beat += 1
        said: dict[str, Any] = {
            "schema": "kuaijian.status/1",
            "state": "online",
            "region": self.topics.region,
            "station": self.topics.station,
            "gateway": self.topics.gateway,
            "boot": self.boot,
            "beat": self.beat,
            "at": datetime.now(UTC).isoformat(),
            "epoch": self.epoch,
            "head": self.seq,
            "chain": self.chain,
            "offered": self.seq,
            "captured": {},
            "not_understood": 0,
            "alarms": [],
            "version": "0.1",
            "card": self.card,
            **changes,
        }
        return Message(self.topics.status(), canonical(said))

    def will(self, **changes: Any) -> Message:
        """What the broker says when this gateway's connection dies."""
        said = json.loads(self.status().payload)
        self.beat -= 1
        said |= {"state": "offline", "at": None, "beat": 0, **changes}
        return Message(self.topics.status(), canonical(said))

    def renumbered(self, epoch: int) -> FakeGateway:
        """The same gateway in a new epoch."""
        return replace(self, epoch=epoch, seq=0, chain=first_link(epoch))
