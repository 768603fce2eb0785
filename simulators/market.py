"""The analysers of a market where they stand, and the person who stumbles over their cables."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from simulators.astm_analyser import STANDARD, Timers
from simulators.benches import AstmBench, Bench, DyBench, items_of
from simulators.dy03ff_memory import Item
from simulators.kit.instruments import Instrument, Speaks, Stand
from simulators.kit.places import Place, Pty, TcpDial, TcpListen
from simulators.kit.scenario import Pace, Scenario
from simulators.modbus_bench import Bus, ModbusBench


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
    """Return a scenario's analysers by id, each at its place; `station` goes into their names.

    Modbus units with the same stand share one cable.
    """
    standing: dict[str, Bench] = {}
    buses: dict[Stand, Bus] = {}
    for one in scenario.instruments:
        if one.speaks is Speaks.MODBUS:
            if one.stand not in buses:
                sharing = [other for other in scenario.instruments if other.stand == one.stand]
                buses[one.stand] = Bus(sharing, place_for(one.stand, folder), seed)
            standing[one.id] = ModbusBench(one, buses[one.stand], station)
            continue
        place = place_for(one.stand, folder)
        if one.speaks is Speaks.DY03FF:
            items = _list_of_items(scenario, one)
            standing[one.id] = DyBench(one, place, seed, items=items, station=station)
        else:
            standing[one.id] = AstmBench(one, place, seed, timers=timers, station=station)
    return standing


def _list_of_items(scenario: Scenario, instrument: Instrument) -> list[Item]:
    """What an analyser can test: all that the scenario ever has it test."""
    samples = [(one.item, one.unit) for one in scenario.samples if one.instrument == instrument.id]
    kinds = scenario.draws.kinds if scenario.draws else ()
    drawn = [(kind.item, kind.unit) for kind in kinds if instrument.id in kind.instruments]
    return items_of(samples + drawn)


async def pull_cables(
    standing: Sequence[Bench], pace: Pace, seed: int | str, told: Callable[[str, Bench], None]
) -> None:
    """Pull one serial cable after the other, at the scenario's pace, for ever.

    `told` hears "pulled" and "plugged" with a bench at that cable.
    """
    at_ptys = {id(bench.place): bench for bench in standing if isinstance(bench.place, Pty)}
    cables = list(at_ptys.values())
    chance = random.Random(f"{seed}/cables")
    while cables and pace.pull_cable_every:
        await asyncio.sleep(pace.pull_cable_every * chance.uniform(0.7, 1.3))
        bench = chance.choice(cables)
        await bench.place.unplug()
        told("pulled", bench)
        await asyncio.sleep(pace.cable_out)
        await bench.place.plug()
        told("plugged", bench)
