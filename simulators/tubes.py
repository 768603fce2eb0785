"""The morning as written in a scenario (and, after the written part, as drawn from its seed)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from simulators.kit.scenario import Draw, Sample, Scenario, Span

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The analysers' clocks. China has one time and no summer time, so that no table is needed."""

NEGATIVE = "阴性"


@dataclass(frozen=True, slots=True)
class Tube:
    """One sample with the number on its label."""

    number: str
    sample: Sample
    channel: int | None = None
    """Where it stands in an analyser that sends no numbers."""

    @property
    def is_public(self) -> bool:
        """Whether the screen shows it by itself: a plain negative from a stall."""
        value = self.sample.value
        told = value[:1].isdigit() or value.startswith("<") or value == NEGATIVE
        return told and not self.sample.control and self.sample.flag not in ("A", "H")


class Tubes(Iterator[Tube]):
    """Every tube of a morning in order: first those written down, then those drawn."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int | str,
        station: int = 1,
        today: Callable[[], date] = lambda: datetime.now(CHINA).date(),
    ) -> None:
        self._today = today
        self._station = station
        self._count = 0
        self._written = iter(scenario.samples)
        self._draws = scenario.draws
        self._random = random.Random(seed)
        self._instruments = {one.id: one for one in scenario.instruments}
        self._channels: dict[str, int] = {}

    def __next__(self) -> Tube:
        sample = next(self._written, None) or self._drawn()
        if sample.control:
            return Tube(f"QC-{sample.item}-{sample.instrument}", sample)
        self._count += 1
        number = f"N{self._station:02d}{self._today():%Y%m%d}-{self._count:04d}"
        return Tube(number, sample, self._next_channel(sample.instrument))

    def _next_channel(self, instrument: str) -> int | None:
        """The channel after the one used last, so that none is used again soon."""
        which = self._instruments[instrument]
        if not which.pairs_by_channel:
            return None
        self._channels[instrument] = self._channels.get(instrument, 0) % which.channels + 1
        return self._channels[instrument]

    def take(self, count: int) -> list[Tube]:
        """Return the next tubes, fewer when the morning ends."""
        return [tube for _, tube in zip(range(count), self, strict=False)]

    def _drawn(self) -> Sample:
        if self._draws is None:
            raise StopIteration
        kinds = self._draws.kinds
        (kind,) = self._random.choices(kinds, [one.share for one in kinds])
        value, flag = self._value(kind)
        return Sample(
            instrument=self._random.choice(kind.instruments),
            food=self._random.choice(kind.foods),
            stall=self._random.choice(self._draws.stalls),
            origin=self._random.choice(self._draws.origins),
            item=kind.item,
            value=value,
            unit=kind.unit,
            reference=kind.reference,
            flag=flag,
        )

    def _value(self, kind: Draw) -> tuple[str, str]:
        chance = self._random.random()
        if kind.invalid and chance < kind.invalid_chance:
            return self._random.choice(kind.invalid), ""
        if chance < kind.invalid_chance + kind.positive_chance:
            return str(self._within(kind.positive)), "A"
        return str(self._within(kind.usual)), "N"

    def _within(self, span: Span) -> Decimal:
        """Draw a value, low ones more often than high ones, in steps of the last decimal."""
        exponent = span.high.as_tuple().exponent
        assert isinstance(exponent, int)  # a Span is made of finite numbers
        step = Decimal(1).scaleb(exponent)
        steps = int((span.high - span.low) / step)
        return (span.low + step * round(self._random.triangular(0, steps, 0))).quantize(step)
