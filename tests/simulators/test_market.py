import asyncio
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from simulators.benches import AstmBench, Bench
from simulators.kit.instruments import Speaks, Stand
from simulators.kit.scenario import Pace, Scenario, load_scenario
from simulators.market import benches, pull_cables
from simulators.play import BATCH, plugged_in
from simulators.tubes import CHINA, Tube, Tubes
from tests.simulators.host import working

MORNING = load_scenario("market-morning")
BAD_CABLE = load_scenario("bad-cable")


def astm_bench(scenario: Scenario, folder: Path) -> AstmBench:
    bench = benches(scenario, folder, 1)["pest-1"]
    assert isinstance(bench, AstmBench)
    return bench


def morning(seed: int, station: int = 1) -> Tubes:
    return Tubes(MORNING, seed, station, today=lambda: date(2026, 11, 24))


def test_numbers_begin_at_one_and_have_no_holes() -> None:
    tubes = [tube for tube in morning(1).take(30) if not tube.sample.control]

    assert [tube.number for tube in tubes] == [
        f"N0120261124-{count:04d}" for count in range(1, len(tubes) + 1)
    ]


def test_a_number_carries_the_day_it_was_given_out() -> None:
    days = iter([date(2026, 11, 24), date(2026, 11, 25)])
    numbers = [tube.number for tube in Tubes(BAD_CABLE, 1, today=lambda: next(days)).take(2)]

    assert numbers == ["N0120261124-0001", "N0120261125-0002"]


def test_two_stations_never_use_the_same_number() -> None:
    first, second = ({t.number for t in morning(1, n).take(20)} for n in (1, 2))

    assert {number for number in first & second if not number.startswith("QC")} == set()


def test_what_is_written_comes_first_and_in_order() -> None:
    tubes = morning(1).take(len(MORNING.samples))

    assert tuple(tube.sample for tube in tubes) == MORNING.samples


def test_a_scenario_without_draws_ends_with_its_last_sample() -> None:
    assert len(Tubes(BAD_CABLE, 1).take(100)) == len(BAD_CABLE.samples)


def test_the_same_seed_draws_the_same_morning() -> None:
    assert morning(4).take(200) == morning(4).take(200)


def test_drawn_values_stay_within_what_the_scenario_says() -> None:
    assert MORNING.draws is not None
    kinds = {kind.item: kind for kind in MORNING.draws.kinds}
    for tube in morning(4).take(2000)[len(MORNING.samples) :]:
        sample, kind = tube.sample, kinds[tube.sample.item]
        if sample.value not in kind.invalid:
            span = kind.positive if sample.flag == "A" else kind.usual
            assert span.low <= Decimal(sample.value) <= span.high


def test_now_and_then_a_drawn_sample_is_positive_and_one_is_invalid() -> None:
    drawn = morning(4).take(1000)[len(MORNING.samples) :]
    positive = sum(tube.sample.flag == "A" for tube in drawn)
    invalid = sum(tube.sample.value in ("---.-", "NA") for tube in drawn)

    assert 0 < positive < 60
    assert 0 < invalid < 60


def test_only_a_plain_negative_from_a_stall_is_for_the_public_by_itself() -> None:
    shown = {tube.number: tube.is_public for tube in morning(1).take(12)}
    held = [number for number, is_public in shown.items() if not is_public]

    assert held == ["QC-OPC-INH-pest-1", "N0120261124-0006", "N0120261124-0010"]


def test_the_analyser_says_the_number_and_the_value_of_the_tube(tmp_path: Path) -> None:
    bench = astm_bench(MORNING, tmp_path)
    at = datetime(2026, 11, 24, 6, 10, tzinfo=CHINA)
    tube = Tube("N0120261124-0001", MORNING.samples[1])

    said = b"".join(bench.message(tube, at).records)

    assert b"O|1|N0120261124-0001||^^^OPC-INH|R\r" in said
    assert b"R|1|^^^OPC-INH|12.6|%|0 to 50|N||F||012||20261124061000|FSRA-24\r" in said


def test_a_gbk_analyser_has_four_characters_for_the_food(tmp_path: Path) -> None:
    bench = astm_bench(BAD_CABLE, tmp_path)
    tube = Tube("N0120261124-0001", BAD_CABLE.samples[0])

    said = bench.message(tube, datetime(2026, 11, 24, 6, 10, tzinfo=CHINA))

    assert "|上海青\r".encode("gbk") in said.records[2]


def test_what_comes_first_in_the_morning_is_from_every_analyser_there_is() -> None:
    first = morning(1).take(MORNING.pace.quick)

    assert {tube.sample.instrument for tube in first} == {one.id for one in MORNING.instruments}
    assert MORNING.pace.quick > BATCH


def test_the_market_has_three_kinds_of_analysers_and_a_bus() -> None:
    speaks = Counter(one.speaks for one in MORNING.instruments)
    units = [one.stand for one in MORNING.instruments if one.speaks is Speaks.MODBUS]

    assert speaks == {Speaks.ASTM: 3, Speaks.DY03FF: 2, Speaks.MODBUS: 2}
    assert units == [Stand(pty="bus-2")] * 2


async def test_every_serial_cable_is_pulled_now_and_then_and_a_bus_has_one(tmp_path: Path) -> None:
    standing = list(benches(MORNING, tmp_path, 1).values())
    pace = Pace.model_validate({"pull-cable-every": 0.01, "cable-out": 0.01})
    seen: list[tuple[str, str, bool]] = []
    enough = asyncio.Event()

    def told(what: str, bench: Bench) -> None:
        seen.append((what, bench.url, bench.place.plugged))
        if len(seen) >= 60:
            enough.set()

    async with (
        plugged_in(standing),
        working(asyncio.create_task(pull_cables(standing, pace, 1, told))),
    ):
        async with asyncio.timeout(10):
            await enough.wait()

    assert {what: plugged for what, _, plugged in seen} == {"pulled": False, "plugged": True}
    assert {url.split("?")[0].split("/")[-1] for _, url, _ in seen} == {
        *("pest-1", "pest-3", "multi-1", "bus-2")
    }


def test_a_reader_that_sends_no_number_uses_one_channel_after_the_other() -> None:
    tubes = [tube for tube in morning(4).take(400) if tube.sample.instrument == "residue-1"]
    channels = [tube.channel for tube in tubes[:10]]

    assert channels == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]


def test_a_reader_that_sends_the_number_has_no_channel() -> None:
    by_number = {"pest-1", "pest-2", "photo-1", "multi-1"}
    tubes = morning(4).take(200)

    assert {tube.sample.instrument for tube in tubes if tube.channel is None} == by_number
