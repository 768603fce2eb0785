"""The topic tree (DESIGN.md §5.3); nothing beyond MQTT 3.1.1 is needed to read it.

kuaijian/v1/{pp}/{cc}/{dd}/{station}/{gateway}/result/{instrument}
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "kuaijian/v1"
SEGMENT = re.compile(r"[a-z0-9_-]{1,64}")
REGION = re.compile(r"\d{6}")
RESERVED = frozenset({"lab", "notice", "board", "alert"})
"""What no gateway may be called: these stand in its place."""
GATEWAYS_OWN = "_gateway"
"""Where entries without an instrument go: absent, missed."""


def region_path(region: str) -> str:
    """A region code in pairs, so that a province can be subscribed.

    >>> region_path("210112")
    '21/01/12'
    """
    if not REGION.fullmatch(region):
        raise ValueError(f"a region of six digits expected, {region!r} found")
    return f"{region[:2]}/{region[2:4]}/{region[4:]}"


@dataclass(frozen=True, slots=True)
class StationTopics:
    """The topics of one station."""

    region: str
    station: str

    @property
    def root(self) -> str:
        return f"{ROOT}/{region_path(self.region)}/{self.station}"

    def notice(self) -> str:
        return f"{self.root}/notice"

    def board(self) -> str:
        return f"{self.root}/board"

    def lab_status(self, lab: str) -> str:
        return f"{self.root}/lab/{lab}/status"


@dataclass(frozen=True, slots=True)
class GatewayTopics:
    """The topics of one gateway."""

    region: str
    station: str
    gateway: str

    @property
    def root(self) -> str:
        return f"{StationTopics(self.region, self.station).root}/{self.gateway}"

    def result(self, instrument: str) -> str:
        return f"{self.root}/result/{instrument}"

    def raw(self, sha256: str) -> str:
        return f"{self.root}/raw/{sha256}"

    def status(self, instrument: str | None = None) -> str:
        return f"{self.root}/status" + (f"/{instrument}" if instrument else "")

    def receipt(self, lab: str) -> str:
        return f"{self.root}/receipt/{lab}"

    def command(self, verb: str) -> str:
        return f"{self.root}/command/{verb}"

    def reply(self, request: str) -> str:
        return f"{self.root}/reply/{request}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message of a gateway came from, and what kind it is."""

    gateway: GatewayTopics
    kind: str
    rest: str
    """The segment after the kind; empty for a plain `status`."""


def address_of(topic: str) -> Address | None:
    """Take a gateway's topic apart; None when it is not one.

    >>> address_of("kuaijian/v1/21/01/12/s0007/gw1/status").kind
    'status'
    """
    parts = topic.split("/")
    if len(parts) not in (8, 9) or "/".join(parts[:2]) != ROOT or parts[6] in RESERVED:
        return None
    region, names = "".join(parts[2:5]), parts[5:]
    if not REGION.fullmatch(region) or not all(SEGMENT.fullmatch(name) for name in names[:3]):
        return None
    gateway = GatewayTopics(region, parts[5], parts[6])
    return Address(gateway, parts[7], parts[8] if len(parts) == 9 else "")
