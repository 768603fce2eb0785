"""Keys and roles: who is asking, and what that role may do (DESIGN.md §5.5).

A key is `kj_{id}_{secret}` with 256 random bits of secret. Only its SHA-256 is kept: a secret
that cannot be guessed needs no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from gateway.wire.topics import StationTopics
from lab_api.audit import Act, Done, record
from lab_api.store.names import random_name
from lab_api.store.tables import ApiKey

KEY = re.compile(r"kj_([a-z2-7]{10})_([0-9a-f]{64})")
SCOPE = re.compile(r"(\d{0,6}|\d{6}/[a-z0-9_-]{0,64})")


class Role(StrEnum):
    """What somebody may do."""

    TECHNICIAN = "technician"
    REVIEWER = "reviewer"
    MARKET = "market"
    MONITOR = "monitor"
    KIOSK = "kiosk"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever showed a valid key."""

    key: str
    role: Role
    scope: str
    """What the places it may see begin with: `21`, `210112`, `210112/s0007`; empty is all."""

    @property
    def name(self) -> str:
        """As the audit trail calls it."""
        return f"key:{self.key}"

    def reaches(self, station: StationTopics) -> bool:
        """Whether a station lies within the scope."""
        region, divider, name = self.scope.partition("/")
        if divider:
            return station.region == region and station.station == name
        return station.region.startswith(region)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be."""

    role: Role
    scope: str
    name: str
    made_by: str
    at: datetime

    def __post_init__(self) -> None:
        if not SCOPE.fullmatch(self.scope):
            raise ValueError(
                f"a region's first digits or region/station expected, {self.scope!r} found"
            )


def add_key(session: Session, new: NewKey) -> str:
    """Make a key and return it: the only time that it is seen."""
    id_, secret = random_name(10), secrets.token_hex(32)
    key = f"kj_{id_}_{secret}"
    session.add(
        ApiKey(
            id=id_,
            sha256=_hash(key),
            role=new.role,
            scope=new.scope,
            name=new.name,
            created_at=new.at,
        )
    )
    particulars = {"role": new.role, "scope": new.scope, "name": new.name}
    record(session, Done(new.made_by, Act.KEY_ADDED, id_, new.at, dict(particulars)))
    return key


def revoke_key(session: Session, id_: str, who: str, at: datetime) -> bool:
    """Make a key worthless from now on; False where there is no such living key."""
    key = session.get(ApiKey, id_)
    if key is None or key.revoked_at is not None:
        return False
    key.revoked_at = at
    session.add(key)
    record(session, Done(who, Act.KEY_REVOKED, id_, at))
    return True


def keys(session: Session) -> Sequence[ApiKey]:
    """Every key, the newest first."""
    return session.exec(select(ApiKey).order_by(col(ApiKey.created_at).desc())).all()


def who_shows(session: Session, key: str) -> Principal | None:
    """Whose key this is; None for any that is not valid."""
    found = KEY.fullmatch(key)
    kept = session.get(ApiKey, found[1]) if found else None
    # Compared in constant time, and also where there is nothing to compare with.
    same = hmac.compare_digest(kept.sha256 if kept else _hash("none"), _hash(key))
    if kept is None or not same or kept.revoked_at is not None:
        return None
    return Principal(kept.id, Role(kept.role), kept.scope)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
