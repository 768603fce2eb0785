import asyncio
from collections import Counter
from pathlib import Path

import pytest

from simulators.fleet import fleet
from simulators.kit.instruments import Speaks
from simulators.market import benches
from simulators.play import plugged_in
from simulators.tubes import Tubes
from tests.simulators.host import PtyHost
from tests.vectors import astm


def test_a_fleets_tubes_go_to_all_of_it() -> None:
    scenario = fleet(16, every=60, seed=1)
    busy = {tube.sample.instrument for tube in Tubes(scenario, 1).take(400)}

    assert busy == {one.id for one in scenario.instruments}


def test_a_fleet_of_n_has_n_results_in_its_interval() -> None:
    assert fleet(240, every=60, seed=1).pace.every == 0.25


@pytest.mark.parametrize("kind", Speaks)
def test_a_fleet_of_every_kind_can_say_what_it_draws(kind: Speaks, tmp_path: Path) -> None:
    scenario = fleet(40, every=60, seed=1, kind=kind)
    standing = benches(scenario, tmp_path, 1)
    sample = next(Tubes(scenario, 1)).sample

    scenario.instrument(sample.instrument).must_be_able_to_send(
        sample.item, sample.value, sample.unit
    )
    assert len(standing) == 40


def test_units_of_a_fleet_are_sixteen_to_a_bus(tmp_path: Path) -> None:
    standing = benches(fleet(64, every=60, seed=1, kind=Speaks.MODBUS), tmp_path, 1)
    addresses = Counter(bench.url for bench in standing.values())

    assert list(addresses.values()) == [16] * 4
    assert len({(bench.url, bench.instrument.unit) for bench in standing.values()}) == 64


async def test_every_analyser_of_a_fleet_bids_at_a_port_of_its_own(tmp_path: Path) -> None:
    scenario = fleet(32, every=60, seed=1)
    standing = benches(scenario, tmp_path, 1)
    tubes = Tubes(scenario, 1)
    async with plugged_in(list(standing.values())):
        hosts = [PtyHost(tmp_path / name) for name in standing]
        tube = next(tubes)
        working = [asyncio.create_task(one.work(lambda *_: None)) for one in standing.values()]
        for bench in standing.values():
            bench.waiting.put_nowait(tube)
        heard = [await host.hears(astm.ENQ) for host in hosts]
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        for host in hosts:
            host.close()

    assert heard == [astm.ENQ] * 32
    assert not any(bench.place.plugged for bench in standing.values())
