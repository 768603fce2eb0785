"""What an instrument said, before anyone judges it.

A `Reading` is one value exactly as it was sent. A `Delivery` is what an instrument has handed
over and still waits to be released from: nothing in it may be lost before `settle` is called.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Settlement(StrEnum):
    """What became of a delivery, in the only terms an instrument understands."""

    STORED = "stored"
    """Committed to disk; the instrument may forget it."""
    REFUSED = "refused"
    """Only its bytes could be kept; sending it again cannot help: released like STORED."""
    RETRY = "retry"
    """Not stored this time, so not released (ASTM: silence)."""


class Purpose(StrEnum):
    """Why a test was run, as far as the instrument itself says so."""

    ROUTINE = "routine"
    QC = "qc"


class Custody(StrEnum):
    """Who still holds a record while we store it (CUSTODY.md 18)."""

    HELD = "held"
    """Released only by our answer (ASTM)."""
    KEPT = "kept"
    """Its memory can be read again."""
    SPOKEN_ONCE = "spoken once"
    """Said and forgotten: a printer, a streaming balance."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One value exactly as the instrument said it; unknown is null, `""` too.

    `item` is the catalogue's code where the profile maps one, else the instrument's own code.
    `value` is what was sent, trimmed. `measured_at` is the instrument's clock in local time,
    ISO 8601 without offset. `reported` is the instrument's own verdict.
    """

    item: str | None
    value: str | None
    unit: str | None
    reported: str | None
    sample: str | None
    channel: str | None
    measured_at: str | None
    identity: bytes
    """The record's own bytes that identify it (CUSTODY.md 3, 4); never anything interpreted.

    Bytes beyond 1 KiB stand there as `sha256:` and their digest.
    """
    instrument_text: str | None = None
    """The instrument's clock as it was sent."""
    purpose: Purpose = Purpose.ROUTINE
    extras: Mapping[str, object] = field(default_factory=dict)
    """JSON values beyond the fields above. `sample_from` says where the sample's number stood
    (`O.3.1` is ASTM's proper place), `purpose` is "qc" where the instrument says so,
    `comments_cut` that more was remarked than is carried here."""
    occurrence: int | None = None
    """The k-th equal record of a list read from the instrument's memory, from 0; None where equal
    records are counted within the delivery (CUSTODY.md 3, 4)."""


async def _nobody_waits(settlement: Settlement) -> None:
    """Settle what nobody waits for."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Readings an instrument has handed over but has not yet been released from.

    `readings` is empty when the bytes were not understood, and for queries and orders, where
    `fault` is null. `raw` is exactly what the readings were understood from.
    `settle` is called exactly once, after the outcome is durable.
    """

    readings: tuple[Reading, ...]
    fault: str | None
    raw: bytes
    settle: Callable[[Settlement], Awaitable[None]] = _nobody_waits
    device_serial: str | None = None
    """The instrument's own serial number where the record carries one."""
    missed: int = 0
    """Records that the instrument made before these and wrote over before they could be read
    (CUSTODY.md 19); stored with them or not at all."""


@dataclass(frozen=True, slots=True)
class Query:
    """An instrument asks the host what is to be done with the samples it has been given."""

    samples: tuple[str, ...]
    """Sample numbers as they were sent; empty where the instrument asks for all there is."""
    tests: tuple[str, ...]
    """Which tests it asks about; empty for all."""
    is_withdrawn: bool
    """The instrument takes an earlier question back: nothing is answered."""
    raw: bytes
