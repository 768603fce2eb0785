"""Many analysers of one kind, each with a result now and then.

Those that speak ASTM or are asked in bytes have a pty each; Modbus units share ptys, sixteen to a
bus.
"""

from __future__ import annotations

from decimal import Decimal

from simulators.kit.instruments import Instrument, Speaks, Stand
from simulators.kit.scenario import Draw, Draws, Food, Pace, Scenario, Span

UNITS_A_BUS = 16

_MODELS = {Speaks.ASTM: "FSRA-24", Speaks.DY03FF: "DY-3000", Speaks.MODBUS: "RR-8"}
_ITEMS = {Speaks.ASTM: "OPC-INH", Speaks.DY03FF: "农药残留", Speaks.MODBUS: "1"}


def fleet(count: int, every: float, seed: int, kind: Speaks = Speaks.ASTM) -> Scenario:
    """Return a scenario of `count` analysers; each has a result about every `every` seconds."""
    there = tuple(_instrument(number, kind) for number in range(count))
    drawn = Draw(
        instruments=tuple(one.id for one in there),
        item=_ITEMS[kind],
        unit="%",
        reference="0 to 50",
        foods=(Food(code="01040201", name="上海青"),),
        usual=Span(low=Decimal("2.0"), high=Decimal("38.0")),
        positive=Span(low=Decimal("50.0"), high=Decimal("88.0")),
    )
    return Scenario(
        name="fleet",
        seed=seed,
        pace=Pace(every=every / count),
        instruments=there,
        draws=Draws(stalls=("A-001",), origins=("本地",), kinds=(drawn,)),
    )


def _instrument(number: int, kind: Speaks) -> Instrument:
    name = f"pest-{number + 1:03d}"
    bus, unit = divmod(number, UNITS_A_BUS)
    is_unit = kind is Speaks.MODBUS
    return Instrument(
        id=name,
        speaks=kind,
        model=_MODELS[kind],
        serial=f"SN{name}",
        stand=Stand(pty=f"bus-{bus + 1:02d}" if is_unit else name),
        unit=unit + 1 if is_unit else None,
    )
