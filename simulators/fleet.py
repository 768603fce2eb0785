"""Many ASTM analysers, each on a pty of its own in one folder, each with a result now and then."""

from __future__ import annotations

from decimal import Decimal

from simulators.kit.scenario import Draw, Draws, Food, Instrument, Pace, Scenario, Span, Stand


def fleet(count: int, every: float, seed: int) -> Scenario:
    """Return a scenario of `count` analysers; each has a result about every `every` seconds."""
    names = [f"pest-{number:03d}" for number in range(1, count + 1)]
    kind = Draw(
        instruments=tuple(names),
        item="OPC-INH",
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
        instruments=tuple(
            Instrument(id=name, model="FSRA-24", serial=f"SN{name}", stand=Stand(pty=name))
            for name in names
        ),
        draws=Draws(stalls=("A-001",), origins=("本地",), kinds=(kind,)),
    )
