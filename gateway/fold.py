"""Entry, profile, rules, run sheets and clock facts → the result as it stands.

Pure: the same facts give the same result in any order (CUSTODY.md 17). It cannot fail: what is
not known stays null, and a result without a rule is *not judged*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from drivers.reading import Custody, Reading
from drivers.reading import Purpose as SaidPurpose
from gateway.judging import Judgement, Rules, judge, normalise
from gateway.runs import Pairing, Taken, pair
from gateway.wire.model import Json
from gateway.wire.result import (
    Clock,
    EffectiveAt,
    InstrumentRef,
    ResultBody,
    SampleRef,
    Test,
    Value,
)
from gateway.wire.run import Run
from gateway.wire.words import Flag, Purpose, Source, TimeFrom

NAMESPACE = UUID("6f1d3c52-7d0b-5b6e-9a39-0c1c8b1f6a10")
"""The UUIDv5 namespace of result ids; it never changes."""
AHEAD, BEHIND = timedelta(minutes=5), timedelta(hours=24)
"""How far an instrument's clock may stand from ours before nobody believes it."""
ZONE_SLIP, SLIP_WITHIN = timedelta(hours=8), timedelta(minutes=6)
"""An instrument that keeps UTC in a country at +8 is wrong by just so much."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway stands, and what never changes while it runs."""

    region: str
    station: str
    gateway: str
    zone: ZoneInfo
    demo: bool
    rules: Rules


@dataclass(frozen=True, slots=True)
class Instrument:
    """A configured analyser, as far as a result speaks of it."""

    id: str
    profile: str
    profile_version: int
    maker: str | None = None
    model: str | None = None
    serial: str | None = None
    sentinels: frozenset[str] = frozenset()

    def reference(self, serial: str | None) -> InstrumentRef:
        """This instrument on the wire; `serial` is what the record itself says."""
        return InstrumentRef(
            id=self.id,
            maker=self.maker,
            model=self.model,
            serial=serial or self.serial,
            profile=self.profile,
            profile_version=self.profile_version,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one result is made of."""

    id: UUID
    reading: Reading
    instrument: Instrument
    device_serial: str | None
    received_at: datetime
    synchronised: bool
    raw_sha256: str
    custody: Custody = Custody.HELD
    began: datetime | None = None
    """When our memory begins: what a kept memory holds from before it is history."""


def result_id(place: Place, instrument: str, identity: bytes, occurrence: int) -> UUID:
    """The id of the `occurrence`-th equal record (from 0) of a delivery (CUSTODY.md 3)."""
    named = (place.region, place.station, instrument, identity.hex(), str(occurrence))
    return uuid5(NAMESPACE, "\n".join(named))


def fold(
    facts: Facts,
    place: Place,
    sheets: Sequence[Run] = (),
    taken: frozenset[Taken] = frozenset(),
    *,
    revision: int = 1,
    reason: str | None = None,
) -> ResultBody:
    """The result as these facts make it."""
    reading = facts.reading
    times = _times(facts, place)
    is_history = _is_history(facts, times)
    found = None if is_history else _paired(facts, times, sheets, taken)
    purpose = _purpose(reading, found)
    value = normalise(reading.value, reading.unit, sentinels=facts.instrument.sentinels)
    judged = _judged(value, reading, place, times, found)
    return ResultBody(
        id=facts.id,
        revision=revision,
        reason=reason,
        source=Source.HISTORY if is_history else Source.INSTRUMENT,
        demo=place.demo,
        region=place.region,
        station=place.station,
        gateway=place.gateway,
        based_on=revision - 1 or None,
        instrument=facts.instrument.reference(facts.device_serial),
        sample=_sample(reading, found),
        test=_test(reading, found, purpose, judged),
        value=value,
        verdict=judged.verdict,
        measured_at=times.measured,
        received_at=facts.received_at,
        effective_at=times.effective,
        clock=_clock(facts),
        raw_sha256=facts.raw_sha256,
        flags=tuple(sorted({*judged.flags, *times.flags, *_reading_flags(reading)})),
        extras=dict(reading.extras),
    )


def _paired(
    facts: Facts, times: Times, sheets: Sequence[Run], taken: frozenset[Taken]
) -> Pairing | None:
    return pair(facts.reading, facts.instrument.id, times.believed, sheets, taken)


def _is_history(facts: Facts, times: Times) -> bool:
    """What an instrument's memory held before ours began (CUSTODY.md 3)."""
    if facts.custody is not Custody.KEPT or facts.began is None or times.measured is None:
        return False
    return times.measured < facts.began


def _judged(
    value: Value, reading: Reading, place: Place, times: Times, found: Pairing | None
) -> Judgement:
    return judge(
        value,
        item=reading.item,
        food=found.line.food if found else None,
        at=times.effective.at.astimezone(place.zone).date(),
        rules=place.rules,
        reported=reading.reported,
        purpose=_purpose(reading, found),
    )


def is_same(one: ResultBody, other: ResultBody) -> bool:
    """Whether two results differ in nothing but their revision: then none is made."""
    return _outcome_of(one) == _outcome_of(other)


def _outcome_of(result: ResultBody) -> Json:
    return {
        key: value
        for key, value in result.body().items()
        if key not in ("revision", "reason", "based_on")
    }


def _local_time(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone)
        offset = local.utcoffset()
    except (ValueError, OverflowError):
        return None
    # Zones had seconds in their offsets before 1901; RFC 3339 has no word for such a time.
    return None if offset is None or offset.seconds % 60 else local


def _is_plausible(measured: datetime, received: datetime) -> bool:
    try:
        late = received - measured
    except OverflowError:
        return False
    slipped = abs(late - ZONE_SLIP) <= SLIP_WITHIN
    return -AHEAD <= late <= BEHIND and not slipped


@dataclass(frozen=True, slots=True)
class Times:
    """When something was measured, as far as anyone can know."""

    measured: datetime | None
    believed: datetime | None
    """Null where the instrument's clock is not believed: nothing is paired by it."""
    effective: EffectiveAt
    flags: frozenset[Flag]


def _times(facts: Facts, place: Place) -> Times:
    said, received = facts.reading.measured_at, facts.received_at
    measured = _local_time(said, place.zone)
    by_us = EffectiveAt(at=received, origin=TimeFrom.RECEIVED)
    if measured is None:
        doubts = frozenset({Flag.CLOCK_IMPLAUSIBLE} if said else ())
        return Times(None, None if said else received, by_us, doubts)
    if not _is_plausible(measured, received):
        return Times(measured, None, by_us, frozenset({Flag.CLOCK_IMPLAUSIBLE}))
    by_it = EffectiveAt(at=measured, origin=TimeFrom.INSTRUMENT)
    return Times(measured, measured, by_it, frozenset())


def _clock(facts: Facts) -> Clock:
    return Clock(
        instrument_text=facts.reading.instrument_text,
        offset_s=None,
        synchronised=facts.synchronised,
    )


def _reading_flags(reading: Reading) -> set[Flag]:
    flags = set()
    # A number from its proper place, O.3, needs nobody; one taken from elsewhere needs a person.
    if reading.extras.get("sample_from") not in (None, "O.3.1"):
        flags.add(Flag.SAMPLE_NUMBER_UNSURE)
    if reading.extras.get("status") in ("P", "S", "I", "X", "Q"):
        flags.add(Flag.NOT_FINAL)
    if reading.extras.get("processing") in ("T", "D"):
        flags.add(Flag.TRAINING)
    if reading.extras.get("suspicious"):
        flags.add(Flag.SUSPICIOUS)
    if reading.extras.get("deleted"):
        flags.add(Flag.DELETED)
    control = reading.extras.get("control")
    if isinstance(control, Mapping) and control.get("valid") is False:
        flags.add(Flag.CONTROL_INVALID)
    return flags


def _purpose(reading: Reading, found: Pairing | None) -> Purpose:
    if reading.purpose is SaidPurpose.QC:
        return Purpose.QC
    return found.line.purpose if found else Purpose.ROUTINE


def _sample(reading: Reading, found: Pairing | None) -> SampleRef:
    if found is None:
        return SampleRef(number=reading.sample, channel=reading.channel)
    line = found.line
    return SampleRef(
        number=line.number,
        channel=reading.channel,
        food=line.food,
        food_name=line.food_name,
        site=line.site,
        stall=line.stall,
        origin=line.origin,
        run=found.sheet.run,
    )


def _test(reading: Reading, found: Pairing | None, purpose: Purpose, judged: Judgement) -> Test:
    return Test(
        item=reading.item,
        method=judged.method,
        standard=judged.standard,
        purpose=purpose,
        basis=found.line.basis if found else None,
        kit=found.sheet.kit if found else None,
    )
