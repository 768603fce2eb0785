"""An entry's place in a gateway's stream, and what seals it there."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.wire.stream import Link, chain_after


@dataclass(frozen=True, slots=True)
class Place:
    """The named fields of an entry, as it stated them."""

    epoch: int
    seq: int
    chain: str
    id: str
    revision: int
    raw_sha256: str | None
    body_sha256: str

    def follows(self, previous: str) -> bool:
        """Whether the stated chain value is the one that follows `previous`."""
        link = Link(self.epoch, self.seq, self.id, self.revision, self.raw_sha256, self.body_sha256)
        return chain_after(previous, link) == self.chain
