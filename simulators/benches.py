"""An analyser where it stands, working off the tubes it is given.

A tube is done when the gateway has it for certain, as far as the analyser can know: an ASTM
message that was acknowledged, a DY's record that was asked for and told, a Modbus result whose
sequence was acknowledged.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta

from simulators.astm_analyser import STANDARD, AstmAnalyser, Timers
from simulators.astm_messages import Maker, Measured, Message, Specimen, result_message
from simulators.dy03ff_analyser import DyAnalyser
from simulators.dy03ff_memory import Bank, Hole, Item, Memory, Method, Photometric, Record, Report
from simulators.kit.faults import BadLine
from simulators.kit.instruments import Encoding, Instrument
from simulators.kit.places import CableOut, Line, Place
from simulators.kit.scenario import Sample
from simulators.tubes import CHINA, Tube

Delivered = Callable[["Bench", Tube], None]
"""Hears which tube of which bench is done."""

_LOOK_AROUND = 0.1
"""Seconds an idle analyser listens to the host before it looks for the next tube."""
_BETWEEN_TESTS = timedelta(minutes=3)


class Bench(ABC):
    """One analyser of a scenario at its place."""

    def __init__(self, instrument: Instrument, place: Place, station: str = "") -> None:
        self.instrument = instrument
        self.name = f"{station}/{instrument.id}" if station else instrument.id
        self.place = place
        self.waiting: asyncio.Queue[Tube] = asyncio.Queue()
        self.done: list[Tube] = []

    @property
    def url(self) -> str:
        """What a gateway would have in its settings; units of one bus have the same."""
        return self.place.url

    @abstractmethod
    async def answer(self) -> None:
        """Answer whoever asks from the moment it is switched on, with or without work; for ever,
        but for analysers that nobody asks."""

    @abstractmethod
    async def work(self, delivered: Delivered) -> None:
        """Measure tubes for ever; call `delivered` for each that is done."""

    def clock(self) -> datetime:
        """What the analyser's own clock says."""
        return datetime.now(CHINA) + timedelta(seconds=self.instrument.clock_off)

    def _finish(self, tube: Tube, delivered: Delivered) -> None:
        self.done.append(tube)
        delivered(self, tube)
        self.waiting.task_done()


def line_to(instrument: Instrument, place: Place, seed: int | str) -> Line:
    """Return the cable to a place, with the instrument's faults."""
    if instrument.faults.any:
        return BadLine(place, instrument.faults, f"{seed}/{instrument.id}")
    return place


class AstmBench(Bench):
    """It sends every result by itself, with the number on the tube."""

    def __init__(
        self,
        instrument: Instrument,
        place: Place,
        seed: int | str,
        *,
        timers: Timers = STANDARD,
        station: str = "",
    ) -> None:
        super().__init__(instrument, place, station)
        self._maker = Maker(
            instrument.model, instrument.serial, instrument.version, encoding=instrument.encoding
        )
        self.analyser = AstmAnalyser(line_to(instrument, place, seed), timers=timers)

    async def answer(self) -> None:
        """It speaks by itself."""

    async def work(self, delivered: Delivered) -> None:
        while True:
            if self.waiting.empty():
                await self._idle()
                continue
            tube = self.waiting.get_nowait()
            await self.analyser.deliver(self.message(tube, self.clock()))
            self._finish(tube, delivered)

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


class DyBench(Bench):
    """It remembers every result, and tells it when it is asked; a tube is known by its channel."""

    def __init__(
        self,
        instrument: Instrument,
        place: Place,
        seed: int | str,
        *,
        items: list[Item],
        station: str = "",
    ) -> None:
        """`items` is the list that the analyser was delivered with."""
        super().__init__(instrument, place, station)
        memory = Memory()
        memory.items[Bank.WET] = items
        self.analyser = DyAnalyser(
            line_to(instrument, place, seed),
            memory,
            clock=self.clock,
            model=instrument.model,
            serial=instrument.serial,
        )
        self._untold: dict[int, Tube] = {}
        self._told: Callable[[Bank, int], None] = lambda *_: None
        self._remember_yesterday(random.Random(f"{seed}/{instrument.id}/yesterday"))

    async def answer(self) -> None:
        await self.analyser.serve(lambda bank, number: self._told(bank, number))

    async def work(self, delivered: Delivered) -> None:
        def told(bank: Bank, number: int) -> None:
            if bank is Bank.WET and number in self._untold:
                self._finish(self._untold.pop(number), delivered)

        self._told = told
        while True:
            self.measure(await self.waiting.get())

    def measure(self, tube: Tube) -> int:
        """Test a tube now, with or without a cable; return the record's number."""
        number = self.analyser.memory.remember(self.record(tube, self.clock()))
        self._untold[number] = tube
        return number

    def record(self, tube: Tube, at: datetime) -> Record:
        """Return what the analyser keeps of a tube measured at `at`."""
        sample = tube.sample
        if self.instrument.writes_reports:
            return Report(sample.item, at, _told_in_words(sample), number=tube.number)
        names = [item.name for item in self.analyser.memory.items[Bank.WET]]
        hole = Hole(tube.channel or 1, sample.value)
        return Photometric(names.index(sample.item), at, (Hole(0, "0.0"), hole))

    def _remember_yesterday(self, chance: random.Random) -> None:
        if self.instrument.writes_reports:
            return
        begins = self.clock() - timedelta(days=1)
        for test in range(self.instrument.remembers):
            hole = Hole(test % self.instrument.channels + 1, f"{chance.randint(20, 380) / 10:.1f}")
            at = begins + test * _BETWEEN_TESTS
            self.analyser.memory.remember(Photometric(0, at, (Hole(0, "0.0"), hole)))


def items_of(samples: list[tuple[str, str]]) -> list[Item]:
    """Return a list of items with each name and unit once; what is in % is an inhibition."""
    return [
        Item(name, unit, Method.INHIBITION if unit == "%" else Method.CURVE)
        for name, unit in dict.fromkeys(samples)
    ]


def _told_in_words(sample: Sample) -> str:
    """Value, unit and verdict; a word alone where there is no number."""
    if not sample.value[:1].isdigit():
        return sample.value
    return f"{sample.value} {sample.unit} {'不合格' if sample.flag in ('A', 'H') else '合格'}"
