"""A morning at a market: tubes are prepared one after the other, and analysers work on them.

`Tubes` is the morning as written in a scenario (and, after the written part, as drawn from its
seed); a `Bench` is one analyser where it stands, saying what became of each tube.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from simulators.astm_analyser import STANDARD, AstmAnalyser, Timers
from simulators.astm_messages import Maker, Measured, Message, Specimen, result_message
from simulators.kit.faults import BadLine
from simulators.kit.places import CableOut, Line, Place, Pty, TcpDial, TcpListen
from simulators.kit.scenario import Draw, Encoding, Instrument, Pace, Sample, Scenario, Span, Stand

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The analysers' clocks. China has one time and no summer time, so that no table is needed."""

_LOOK_AROUND = 0.1
"""Seconds an idle analyser listens to the host before it looks for the next tube."""


@dataclass(frozen=True, slots=True)
class Tube:
    """One sample with the number on its label."""

    number: str
    sample: Sample

    @property
    def is_public(self) -> bool:
        """Whether the screen shows it by itself: a plain negative from a stall."""
        measured = self.sample.value[:1].isdigit() or self.sample.value.startswith("<")
        return measured and not self.sample.control and self.sample.flag not in ("A", "H")


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

    def __next__(self) -> Tube:
        sample = next(self._written, None) or self._drawn()
        if sample.control:
            return Tube(f"QC-{sample.item}-{sample.instrument}", sample)
        self._count += 1
        number = f"N{self._station:02d}{self._today():%Y%m%d}-{self._count:04d}"
        return Tube(number, sample)

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


class Bench:
    """One analyser of a scenario at its place, working off the tubes it is given."""

    def __init__(
        self,
        instrument: Instrument,
        place: Place,
        seed: int | str,
        *,
        timers: Timers = STANDARD,
        station: str = "",
    ) -> None:
        self.instrument = instrument
        self.name = f"{station}/{instrument.id}" if station else instrument.id
        self.place = place
        self.waiting: asyncio.Queue[Tube] = asyncio.Queue()
        self._maker = Maker(
            instrument.model, instrument.serial, instrument.version, encoding=instrument.encoding
        )
        line: Line = place
        if instrument.faults.any:
            line = BadLine(place, instrument.faults, f"{seed}/{instrument.id}")
        self.analyser = AstmAnalyser(line, timers=timers)

    async def work(self, delivered: Callable[[Bench, Tube], None]) -> None:
        """Measure and deliver tubes for ever; call `delivered` when one was acknowledged."""
        while True:
            if self.waiting.empty():
                await self._idle()
                continue
            tube = self.waiting.get_nowait()
            await self.analyser.deliver(self.message(tube, datetime.now(CHINA)))
            delivered(self, tube)
            self.waiting.task_done()

    def message(self, tube: Tube, at: datetime) -> Message:
        """Return what the analyser says about a tube measured at `at`."""
        sample = tube.sample
        measured = Measured(
            sample.item,
            sample.value,
            sample.unit,
            at,
            sample.reference,
            sample.flag,
            operator="012",
        )
        specimen = Specimen(tube.number, stall=sample.stall or "", descriptor=self._words(sample))
        return result_message(self._maker, specimen, [measured], at, control=sample.control)

    def _words(self, sample: Sample) -> str:
        """What the display has room for: four characters, none where there is only ASCII."""
        if sample.food is None or self.instrument.encoding is Encoding.ASCII:
            return ""
        return sample.food.name[:4]

    async def _idle(self) -> None:
        try:
            await self.analyser.listen(_LOOK_AROUND)
        except CableOut:
            await asyncio.sleep(_LOOK_AROUND)


def place_for(stand: Stand, folder: Path) -> Place:
    """Return where an analyser stands, not yet plugged in; ptys are found in `folder`."""
    if stand.pty is not None:
        return Pty(folder / stand.pty)
    host, _, port = (stand.listen or stand.dial or "").rpartition(":")
    return TcpListen(host, int(port)) if stand.listen else TcpDial(host, int(port))


def benches(
    scenario: Scenario,
    folder: Path,
    seed: int | str,
    *,
    timers: Timers = STANDARD,
    station: str = "",
) -> dict[str, Bench]:
    """Return a scenario's analysers by id, each at its place; `station` goes into their names."""
    return {
        one.id: Bench(one, place_for(one.stand, folder), seed, timers=timers, station=station)
        for one in scenario.instruments
    }


async def pull_cables(
    standing: Sequence[Bench], pace: Pace, seed: int | str, told: Callable[[str, Bench], None]
) -> None:
    """Pull one serial cable after the other, at the scenario's pace, for ever.

    `told` hears "pulled" and "plugged" with the bench.
    """
    at_ptys = [bench for bench in standing if isinstance(bench.place, Pty)]
    chance = random.Random(f"{seed}/cables")
    while at_ptys and pace.pull_cable_every:
        await asyncio.sleep(pace.pull_cable_every * chance.uniform(0.7, 1.3))
        bench = chance.choice(at_ptys)
        await bench.place.unplug()
        told("pulled", bench)
        await asyncio.sleep(pace.cable_out)
        await bench.place.plug()
        told("plugged", bench)
