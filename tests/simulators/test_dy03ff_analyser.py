"""The analyser asked by hand at the other end of a real pty."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulators.dy03ff_analyser import DyAnalyser
from simulators.dy03ff_memory import Bank, GoldStrip, Hole, Item, Memory, Photometric, Strip
from simulators.kit.faults import BadLine, Faults
from simulators.kit.places import Pty
from simulators.tubes import CHINA
from tests.simulators.host import PtyHost, working
from tests.vectors import dy03ff

AT = datetime(2026, 11, 23, 6, 45, 12, tzinfo=CHINA)
CLEAR = bytes.fromhex("03 FF 46 00 00 00 00 00 00 00 BA 00")
RECORD_9 = bytes.fromhex("03 FF 45 00 09 00 00 00 00 00 B0 00")
STRIP_1 = bytes.fromhex("03 FF 65 00 01 00 00 00 00 00 98 00")
HOLES = (Hole(1, "12.6"), Hole(2, "62.4"), Hole(3, "50.3", suspicious=True), Hole(4, "NA"))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Pty]:
    pty = Pty(tmp_path / "pest-1")
    await pty.plug()
    yield pty
    await pty.unplug()


@pytest.fixture
def host(place: Pty) -> Iterator[PtyHost]:
    opened = PtyHost(place.path)
    yield opened
    opened.close()


def remembers() -> Memory:
    memory = Memory()
    memory.items[Bank.WET] = [Item("农药残留", "%")]
    memory.remember(Photometric(0, AT, HOLES))
    memory.remember(GoldStrip(2, AT, 17, Strip.POSITIVE), Bank.STRIP)
    return memory


@pytest.fixture
async def analyser(place: Pty) -> AsyncIterator[DyAnalyser]:
    made = DyAnalyser(place, remembers(), clock=lambda: AT, serial="SN1")
    async with working(asyncio.create_task(made.serve())):
        yield made


async def hears_frame(host: PtyHost) -> bytes:
    """Return the next whole frame and forget it."""
    async with asyncio.timeout(5):
        while True:
            length = 12 + int.from_bytes(host.heard[8:10], "little")
            if len(host.heard) >= 12 and len(host.heard) >= length:
                frame = bytes(host.heard[:length])
                del host.heard[:length]
                return frame
            await host.listens()


async def test_it_says_who_it_is_and_what_its_clock_says(
    analyser: DyAnalyser, host: PtyHost
) -> None:
    host.says(dy03ff.TEST)
    heard = await hears_frame(host)

    assert heard[:4] == bytes.fromhex("03 FE 20 00")
    assert heard[12:] == b"\x06DAYUAN\x07DY-3000\x03SN1" + dy03ff.TIME_20261123_064512


async def test_a_clock_that_is_wrong_by_years_is_told_as_it_is(place: Pty, host: PtyHost) -> None:
    clock = AT - timedelta(days=365 * 15)
    made = DyAnalyser(place, remembers(), clock=lambda: clock)
    async with working(asyncio.create_task(made.serve())):
        host.says(dy03ff.TEST)
        heard = await hears_frame(host)

    assert int.from_bytes(heard[-4:], "little") >> 25 == 11


async def test_a_record_is_told_as_on_the_paper_as_often_as_it_is_asked_for(
    analyser: DyAnalyser, host: PtyHost
) -> None:
    for _ in range(3):
        host.says(dy03ff.RECORD_1)
        assert await hears_frame(host) == dy03ff.INHIBITION_RECORD_1

    assert analyser.told[Bank.WET] == [1, 1, 1]


async def test_strips_are_asked_for_by_numbers_of_their_own(
    analyser: DyAnalyser, host: PtyHost
) -> None:
    host.says(STRIP_1)

    assert await hears_frame(host) == dy03ff.STRIP_RECORD_1


async def test_a_day_is_answered_with_its_numbers(analyser: DyAnalyser, host: PtyHost) -> None:
    analyser.memory.remember(Photometric(0, AT + timedelta(hours=1), HOLES))
    host.says(dy03ff.COUNT_OF_20261123)
    heard = await hears_frame(host)

    span = dy03ff.DAY_20261123_BEGINS + dy03ff.DAY_20261123_ENDS
    assert heard[12:] == span + bytes.fromhex("01 00 02 00")


async def test_a_page_of_items_is_asked_for_by_byte_5(analyser: DyAnalyser, host: PtyHost) -> None:
    analyser.memory.items[Bank.WET] += [Item("甲醛", "mg/kg"), Item("二氧化硫", "g/kg")]
    host.says(bytes.fromhex("03 FF 42 00 00 01 00 00 00 00 BF 00"))
    heard = await hears_frame(host)

    assert heard[12:28] == "二氧化硫".encode("gb2312").ljust(16, b"\0")


@pytest.mark.parametrize("question", [RECORD_9, dy03ff.RECORD_1[:-1] + b"\x01", b"\x03\xff" * 9])
async def test_what_does_not_exist_or_is_spoilt_is_not_answered(
    analyser: DyAnalyser, host: PtyHost, question: bytes
) -> None:
    host.says(question)

    assert await host.hears_nothing(0.1)


async def test_a_host_that_clears_the_memory_is_counted(
    analyser: DyAnalyser, host: PtyHost
) -> None:
    host.says(CLEAR)
    await hears_frame(host)
    host.says(dy03ff.RECORD_1)

    assert await host.hears_nothing(0.1)
    assert analyser.erasures == 1


async def test_no_other_question_changes_the_memory(analyser: DyAnalyser, host: PtyHost) -> None:
    for question in (dy03ff.TEST, dy03ff.ITEM_PAGE_0, dy03ff.COUNT_OF_20261123, dy03ff.RECORD_1):
        host.says(question)
        await hears_frame(host)

    assert analyser.memory == remembers()
    assert analyser.erasures == 0


async def test_it_answers_again_when_the_cable_is_back(analyser: DyAnalyser, place: Pty) -> None:
    await place.unplug()
    await asyncio.sleep(0.1)
    await place.plug()
    host = PtyHost(place.path)
    try:
        host.says(dy03ff.RECORD_1)
        assert await hears_frame(host) == dy03ff.INHIBITION_RECORD_1
    finally:
        host.close()


async def test_a_late_answer_comes_after_its_time(place: Pty, host: PtyHost) -> None:
    late = BadLine(place, Faults(late=1, lateness=0.3), 1)
    made = DyAnalyser(late, remembers(), clock=lambda: AT)
    async with working(asyncio.create_task(made.serve())):
        host.says(dy03ff.RECORD_1)
        assert await host.hears_nothing(0.2)
        assert await hears_frame(host) == dy03ff.INHIBITION_RECORD_1


async def test_a_bad_cable_spoils_some_answers_and_the_checks_tell_which(
    place: Pty, host: PtyHost
) -> None:
    spoils = Faults(corrupt=0.5, noise=0.2, split=True)
    made = DyAnalyser(BadLine(place, spoils, 4), remembers(), clock=lambda: AT)
    sound = 0
    async with working(asyncio.create_task(made.serve())):
        for _ in range(30):
            host.says(dy03ff.RECORD_1)
            await host.hears_nothing(0.02)
            while not await host.hears_nothing(0.02):
                sound += dy03ff.INHIBITION_RECORD_1 in host.heard
                host.heard.clear()

    assert 5 < sound < 25
