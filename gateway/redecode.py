"""Understands the past again, after a profile or a quirk was mended (G5).

In this version only what was not understood is read again; its first revision is made then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from drivers import Custody, Delivery, Profile
from drivers.understand import handed_over
from gateway.fold import Instrument
from gateway.journal import Handed, Journal
from gateway.journal.reading import Unread, raw_of, unread
from gateway.journal.recording import NOT_UNDERSTOOD, record_understood
from gateway.settings import InstrumentPart
from gateway.wire.model import Json

ALL_OF_THEM = 1_000_000


@dataclass(slots=True)
class Redecoded:
    """What came of it."""

    tried: int = 0
    understood: int = 0
    results: int = 0

    def told(self) -> Json:
        """As the command prints it."""
        return asdict(self)


def instrument_of(part: InstrumentPart, profile: Profile | None) -> Instrument:
    """A configured instrument, with what its profile says of it."""
    if profile is None:
        return Instrument(part.id, part.profile, 0)
    return Instrument(
        id=part.id,
        profile=profile.profile,
        profile_version=profile.version,
        maker=profile.maker,
        model=profile.models[0] if len(profile.models) == 1 else None,
        serial=part.serial,
        sentinels=frozenset(profile.sentinels),
    )


async def redecode(journal: Journal, profiles: Mapping[str, Profile], since: datetime) -> Redecoded:
    """Read again what was not understood since then; oldest first."""
    done = Redecoded()
    for kept in reversed(await journal.read(lambda c: unread(c, ALL_OF_THEM))):
        profile = profiles.get(kept.profile)
        is_due = datetime.fromisoformat(kept.received_at) >= since
        if not is_due or profile is None or not kept.fault.startswith(NOT_UNDERSTOOD):
            continue
        done.tried += 1
        delivery = await _read_again(journal, kept, profile)
        if delivery is None or delivery.fault:
            continue
        part = InstrumentPart(id=kept.instrument, profile=kept.profile)
        handed = Handed(
            delivery,
            instrument_of(part, profile),
            Custody(kept.custody),
            datetime.fromisoformat(kept.received_at),
            kept.synchronised,
        )
        enter = partial(record_understood, n=kept.n, handed=handed, desk=journal.desk)
        recorded = await journal.change(enter)
        done.understood += 1
        done.results += len(recorded.new)
    return done


async def _read_again(journal: Journal, kept: Unread, profile: Profile) -> Delivery | None:
    raw = await journal.read(lambda c: raw_of(c, kept.raw_sha256))
    return None if raw is None else handed_over(profile, raw)
