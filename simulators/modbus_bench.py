"""Residue readers on one Modbus bus: each a unit, all on the same cable."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from simulators.benches import Bench, Delivered, line_to
from simulators.kit.instruments import INVALID, Instrument
from simulators.kit.places import Place, Pty
from simulators.modbus_analyser import Mark, Measured, ResidueReader, Slowness, Status
from simulators.modbus_bus import ModbusBus, Unit
from simulators.modbus_frames import Framing
from simulators.tubes import Tube

BAUD = 19200
WRITES_A_PAGE_IN = 0.2
"""Seconds a reader takes to write a result: long enough to be read in the middle."""
_CONTROL_ABSORBANCE = 0.6


class Bus:
    """The cable that units share, and who answers on it."""

    def __init__(self, instruments: Sequence[Instrument], place: Place, seed: int | str) -> None:
        self.place = place
        self.framing = instruments[0].stand.framing
        if isinstance(place, Pty):
            self.framing = Framing.RTU
        self.readers = {
            one.unit: ResidueReader(
                _now,
                identity=f"{one.model} {one.serial} {one.version}",
                channels=one.channels,
                slowness=Slowness(page=WRITES_A_PAGE_IN),
            )
            for one in instruments
            if one.unit is not None
        }
        self.units = {unit: Unit(reader) for unit, reader in self.readers.items()}
        # One cable has one set of faults: those of the first unit on it.
        self._bus = ModbusBus(line_to(instruments[0], place, seed), self.units, self.framing)
        self._carrier: Bench | None = None

    @property
    def url(self) -> str:
        if isinstance(self.place, Pty):
            # A pty has no parity, and whoever opens one twice with parity is refused (EINVAL).
            return f"modbus+serial://{self.place.path}?baud={BAUD}&parity=none"
        prefix = "modbus+rtu" if self.framing is Framing.RTU else "modbus"
        return f"{prefix}+{self.place.url}"

    async def carry(self, bench: Bench) -> None:
        """Answer for all units, in the first bench that is switched on."""
        if self._carrier is None:
            self._carrier = bench
            try:
                await self._bus.serve()
            finally:
                self._carrier = None


class ModbusBench(Bench):
    """It keeps each channel's newest result until it is acknowledged."""

    def __init__(self, instrument: Instrument, bus: Bus, station: str = "") -> None:
        super().__init__(instrument, bus.place, station)
        assert instrument.unit is not None  # the scenario sees to it
        self.bus = bus
        self.reader = bus.readers[instrument.unit]
        self._unacknowledged: dict[int, Tube] = {}

    @property
    def url(self) -> str:
        return self.bus.url

    async def answer(self) -> None:
        await self.bus.carry(self)

    async def work(self, delivered: Delivered) -> None:
        freed = asyncio.Event()

        def acknowledged(count: int) -> None:
            for number in [one for one in self._unacknowledged if one <= count]:
                self._finish(self._unacknowledged.pop(number), delivered)
            freed.set()

        self.reader.on_acknowledged = acknowledged
        while True:
            tube = await self.waiting.get()
            while not self.reader.free(tube.channel or 1):
                # Whoever tests on would overwrite what nobody has.
                freed.clear()
                await freed.wait()
            self.measure(tube)

    def measure(self, tube: Tube) -> int:
        """Test a tube now; return the result's number."""
        number = self.reader.put(self.measured(tube))
        self._unacknowledged[number] = tube
        return number

    def measured(self, tube: Tube) -> Measured:
        """Return what the reader writes about a tube."""
        sample = tube.sample
        is_valid = sample.value not in INVALID
        value = float(sample.value) if is_valid else math.nan
        marks = Mark.OVERFLOW if sample.value == "---.-" else Mark.NONE
        if sample.control:
            marks |= Mark.CONTROL
        return Measured(
            tube.channel or 1,
            int(sample.item),
            value,
            self.clock(),
            absorbance=_absorbance(value, sample.unit),
            status=Status.DONE if is_valid else Status.INVALID,
            marks=marks,
        )


def _absorbance(value: float, unit: str) -> float:
    """What the sample's absorbance rises by where the control's rises by 0.6.

    Inhibition = (control − sample) / control; of other methods nobody knows the curve.
    """
    return _CONTROL_ABSORBANCE * (1 - value / 100) if unit == "%" else 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
