"""Readers that are asked, at work: what a gateway would find, and when a tube is done."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient

from simulators.benches import Bench, DyBench
from simulators.dy03ff_memory import Absent, Bank, Hole, Photometric, Report
from simulators.kit.instruments import Instrument, Speaks, Stand
from simulators.kit.scenario import Sample, Scenario, load_scenario
from simulators.market import benches
from simulators.modbus_analyser import ACKNOWLEDGE, SEQUENCE, Mark, Status
from simulators.modbus_bench import ModbusBench
from simulators.play import plugged_in
from simulators.tubes import CHINA, Tube
from tests.simulators.host import PtyHost, working
from tests.vectors import dy03ff

MORNING = load_scenario("market-morning")
AT = datetime(2026, 11, 24, 6, 10, tzinfo=CHINA)


def tube(instrument: str, number: str, channel: int | None = 1, **changes: str) -> Tube:
    """A written sample of an instrument's, with another value where one is said."""
    found = next(one for one in MORNING.samples if one.instrument == instrument)
    return Tube(number, Sample.model_validate(found.model_dump() | changes), channel)


def dy(folder: Path, name: str = "pest-3") -> DyBench:
    bench = benches(MORNING, folder, 1)[name]
    assert isinstance(bench, DyBench)
    return bench


def units(folder: Path) -> list[ModbusBench]:
    standing = benches(MORNING, folder, 1)
    found = [standing["residue-1"], standing["residue-2"]]
    return [bench for bench in found if isinstance(bench, ModbusBench)]


class Heard:
    def __init__(self) -> None:
        self.numbers: list[str] = []

    def __call__(self, bench: Bench, tube: Tube) -> None:
        self.numbers.append(tube.number)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - nobody tells a test
            await asyncio.sleep(0.01)


def test_a_dy_keeps_a_tube_as_its_channel_beside_the_control(tmp_path: Path) -> None:
    record = dy(tmp_path).record(tube("pest-3", "N1", channel=3), AT)

    assert record == Photometric(0, AT, (Hole(0, "0.0"), Hole(3, "7.4")))


def test_a_dy_7200_keeps_a_tube_as_text_with_its_number(tmp_path: Path) -> None:
    bench = dy(tmp_path, "multi-1")
    told = [
        bench.record(tube("multi-1", "N1", None), AT),
        bench.record(tube("multi-1", "N2", None, value="12.6", unit="%"), AT),
    ]

    assert told == [
        Report("孔雀石绿", AT, "阴性", number="N1"),
        Report("孔雀石绿", AT, "12.6 % 合格", number="N2"),
    ]


def test_a_dy_remembers_tests_of_the_day_before_in_order(tmp_path: Path) -> None:
    remembered = dy(tmp_path).analyser.memory.records[Bank.WET]
    times = [record.at for record in remembered]

    assert len(times) == 6
    assert times == sorted(times)
    assert times[-1] < datetime.now(CHINA) - timedelta(hours=12)


def test_a_dys_list_of_items_is_what_the_scenario_has_it_test(tmp_path: Path) -> None:
    items = dy(tmp_path).analyser.memory.items[Bank.WET]

    assert [(item.name, item.unit) for item in items] == [("农药残留", "%")]


async def test_a_dy_tests_on_without_a_cable_and_a_tube_is_done_when_it_was_told(
    tmp_path: Path,
) -> None:
    bench, heard = dy(tmp_path), Heard()
    memory = bench.analyser.memory.records[Bank.WET]
    async with (
        working(asyncio.create_task(bench.answer())),
        working(asyncio.create_task(bench.work(heard))),
    ):
        for number in ("N1", "N2"):
            bench.waiting.put_nowait(tube("pest-3", number))
        await until(lambda: len(memory) == 8)
        before = list(heard.numbers)
        await bench.place.plug()
        host = PtyHost(tmp_path / "pest-3")
        # Record 7 is the first of today.
        host.says(bytes.fromhex("03 FF 45 00 07 00 00 00 00 00 BE 00"))
        await host.hears(bytes.fromhex("03 FE 45 00 07"))
        await until(lambda: bool(heard.numbers))
        host.close()
    await bench.place.unplug()

    assert (before, heard.numbers) == ([], ["N1"])


def test_a_clock_that_is_off_is_told_as_it_is(tmp_path: Path) -> None:
    off = MORNING.instrument("pest-3").model_copy(update={"clock_off": -86400.0 * 4000})
    scenario = MORNING.model_copy(update={"instruments": (off,)})
    clock = benches(scenario, tmp_path, 1)["pest-3"].clock()

    assert datetime.now(CHINA) - clock > timedelta(days=3999)


def test_units_of_a_bus_have_one_cable_and_one_url(tmp_path: Path) -> None:
    first, second = units(tmp_path)

    assert first.place is second.place
    assert first.url == second.url == f"modbus+serial://{tmp_path}/bus-2?baud=19200&parity=none"


@pytest.mark.parametrize(("framing", "scheme"), [("tcp", "modbus+tcp"), ("rtu", "modbus+rtu+tcp")])
def test_a_bus_at_a_socket_says_in_its_url_how_it_is_framed(
    tmp_path: Path, framing: str, scheme: str
) -> None:
    stand = Stand.model_validate({"listen": "127.0.0.1:4103", "framing": framing})
    unit = Instrument(id="u", speaks=Speaks.MODBUS, model="RR", serial="1", unit=1, stand=stand)
    sample = Sample(instrument="u", item="1", value="1", control=True)
    scenario = Scenario(name="one", seed=1, instruments=(unit,), samples=(sample,))

    assert benches(scenario, tmp_path, 1)["u"].url == f"{scheme}://127.0.0.1:4103"


@pytest.mark.parametrize(
    ("value", "status", "marks"),
    [
        ("12.6", Status.DONE, Mark.NONE),
        ("NA", Status.INVALID, Mark.NONE),
        (Absent.OVERFLOW, Status.INVALID, Mark.OVERFLOW),
    ],
)
async def test_a_unit_says_how_a_test_went(
    tmp_path: Path, value: str, status: Status, marks: Mark
) -> None:
    measured = units(tmp_path)[0].measured(tube("residue-1", "N1", value=value))

    assert (measured.status, measured.marks) == (status, marks)


async def test_a_units_absorbance_is_what_its_inhibition_was_computed_from(tmp_path: Path) -> None:
    measured = units(tmp_path)[0].measured(tube("residue-1", "N1", value="37.5"))

    assert measured.absorbance == pytest.approx(0.6 * (1 - 0.375))


async def test_a_unit_keeps_a_channel_until_its_result_was_acknowledged(tmp_path: Path) -> None:
    first, second = units(tmp_path)
    heard = Heard()
    async with plugged_in([first, second]):
        works = asyncio.gather(first.work(heard), second.work(heard))
        for number in ("N1", "N2"):
            second.waiting.put_nowait(tube("residue-2", number, channel=4))
        master = AsyncModbusSerialClient(
            str(tmp_path / "bus-2"), baudrate=19200, timeout=2, retries=0, reconnect_delay=0
        )
        assert await master.connect()
        counted = []
        for _ in range(2):
            await until(lambda: not second.reader.free(4))
            await asyncio.sleep(0.3)
            found = await master.read_holding_registers(SEQUENCE, count=1, device_id=2)
            counted.append((found.registers[0], list(heard.numbers)))
            await master.write_coil(ACKNOWLEDGE, True, device_id=2)
        master.close()
        works.cancel()
        await asyncio.gather(works, return_exceptions=True)

    assert counted == [(1, []), (2, ["N1"])]
    assert heard.numbers == ["N1", "N2"]
    assert second.reader.lost == []


def test_the_papers_time_is_what_a_dy_writes(tmp_path: Path) -> None:
    record = dy(tmp_path).record(
        tube("pest-3", "N1"), datetime(2026, 11, 23, 6, 45, 12, tzinfo=CHINA)
    )

    assert record.packed(dy(tmp_path).analyser.memory.items[Bank.WET])[4:8] == (
        dy03ff.TIME_20261123_064512
    )
