"""What is remembered of a Dayuan "03 FF" instrument's lists while its link lives."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

from drivers.protocols.dy03ff_frames import Frame
from drivers.protocols.dy03ff_records import identity_of

PROBES = (4, 64)
"""Conversations after which a list that never answered is asked for again, at first and at most."""


@dataclass(slots=True)
class Progress:
    """How far one day's list has been read."""

    taken: int = 0
    head: bytes = b""
    latest: bytes = b""
    seen: Counter[bytes] = field(default_factory=Counter)

    def occurrence(self, record: Frame) -> int:
        return self.seen[digest_of(record)]

    def take(self, record: Frame) -> None:
        digest = digest_of(record)
        self.head = self.head or digest
        self.latest = digest
        self.seen[digest] += 1
        self.taken += 1


@dataclass(slots=True)
class Probe:
    """When to ask again for a list that has never answered."""

    due: int = 0
    pause: int = PROBES[0]

    def put_off(self, conversation: int) -> None:
        self.due = conversation + self.pause
        self.pause = min(self.pause * 2, PROBES[1])


def digest_of(record: Frame) -> bytes:
    """A record by what identifies it."""
    return blake2b(identity_of(record), digest_size=16).digest()
