"""The mechanism of a stream: numbering, chain and receipts; the same for a gateway and a lab.

Every entry of a stream has a `seq`, one above the last, within a random `epoch`. Its `chain`
seals it and everything before it::

    chain(n) = SHA-256( chain(n-1) · epoch · seq · id · revision · raw_sha256 · body_sha256 )

joined by newlines, in hex; the first entry follows the epoch itself (CUSTODY.md 1, 20).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.wire.model import Json, canonical
from gateway.wire.result import PLACE_IN_STREAM


@dataclass(frozen=True, slots=True)
class Link:
    """The named fields of one entry that its chain value seals."""

    epoch: int
    seq: int
    id: str
    revision: int
    raw_sha256: str | None
    body_sha256: str


def first_link(epoch: int) -> str:
    """What the first entry of an epoch follows."""
    return str(epoch)


def chain_after(previous: str, link: Link) -> str:
    """The chain value of `link` when it follows `previous`; 64 hex digits.

    >>> chain_after("7", Link(7, 1, "a", 1, None, "00"))[:8]
    'c5f0d358'
    """
    fields = (
        previous,
        str(link.epoch),
        str(link.seq),
        link.id,
        str(link.revision),
        link.raw_sha256 or "",
        link.body_sha256,
    )
    return hashlib.sha256("\n".join(fields).encode()).hexdigest()


def body_of(payload: Json) -> Json:
    """A payload without its place in the stream."""
    return {key: value for key, value in payload.items() if key not in PLACE_IN_STREAM}


def body_sha256(payload: Json) -> str:
    """SHA-256 of a payload's body in canonical JSON, in hex."""
    return hashlib.sha256(canonical(body_of(payload))).hexdigest()


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Span:
    """An inclusive run of seqs."""

    first: int
    last: int


def holes(held: Iterable[int], first: int, last: int, most: int = 1000) -> list[Span]:
    """The runs of seqs in `first..last` that are not in the ascending `held`; at most `most` seqs.

    >>> holes([1, 2, 5], 1, 7)
    [Span(first=3, last=4), Span(first=6, last=7)]
    """
    spans: list[Span] = []
    wanted, room = first, most
    for seq in [*(seq for seq in held if first <= seq <= last), last + 1]:
        if seq > wanted and room > 0:
            stop = min(seq - 1, wanted + room - 1)
            spans.append(Span(wanted, stop))
            room -= stop - wanted + 1
        wanted = max(wanted, seq + 1)
    return spans


def lowest(throughs: Mapping[str, int], needs: Iterable[str]) -> int:
    """The seq up to which every needed lab confirms; 0 when one of them never spoke."""
    wanted = list(needs)
    return min((throughs.get(lab, 0) for lab in wanted), default=0)
