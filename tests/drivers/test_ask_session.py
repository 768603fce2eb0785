"""A session with an instrument that is asked: stored, then the next; never twice (G1, G2)."""

from __future__ import annotations

import asyncio

import pytest

from drivers import Delivery, LinkLost, LinkState, ProtocolFault, Recollection, Settlement
from drivers.sessions.spill import SAMPLE
from tests.drivers import virtual_time
from tests.drivers.asking_bench import TAKES, AskingBench, bench, on_the_bench
from tests.drivers.dy_instrument import DyInstrument
from tests.vectors import dy03ff as vectors


def holding(*values: int) -> DyInstrument:
    instrument = DyInstrument()
    instrument.remember(*values)
    return instrument


def values(deliveries: list[Delivery]) -> list[str | None]:
    return [reading.value for one in deliveries for reading in one.readings]


def test_what_an_instrument_holds_is_handed_over_record_by_record() -> None:
    async def story(stand: AskingBench) -> None:
        stored = await stand.stored(10)

        assert values(stored) == ["12.6", "62.4"]
        assert [one.fault for one in stored] == [None, None]
        assert [one.occurrence for each in stored for one in each.readings] == [0, 0]
        assert {one.device_serial for one in stored} == {"SN24A0117"}

    on_the_bench(story, holding(126, 624))


def test_the_next_record_is_asked_for_only_after_the_last_is_stored() -> None:
    async def story(stand: AskingBench) -> None:
        first = await stand.delivery()
        await asyncio.sleep(60)
        assert stand.instrument.numbers_asked == [1]

        await first.settle(Settlement.STORED)
        await stand.delivery()

        assert stand.instrument.numbers_asked == [1, 2]

    on_the_bench(story, holding(126, 624))


def test_with_a_journal_that_fails_nothing_more_is_asked() -> None:
    async def story(stand: AskingBench) -> None:
        await stand.delivery()

        await stand.session.close()

        assert stand.instrument.numbers_asked == [1]

    on_the_bench(story, holding(126, 624))


def test_retry_ends_the_conversation_and_the_record_comes_again_after_a_rest() -> None:
    async def story(stand: AskingBench) -> None:
        first = await stand.delivery()
        await first.settle(Settlement.RETRY)
        with pytest.raises(TimeoutError):
            await stand.delivery(within=4.9)

        assert stand.instrument.numbers_asked == [1]

    async def again(stand: AskingBench) -> None:
        first = await stand.delivery()
        await first.settle(Settlement.RETRY)

        second = await stand.delivery(within=6)

        assert second.raw == first.raw

    on_the_bench(story, holding(126, 624))
    on_the_bench(again, holding(126, 624))


def test_a_delivery_is_settled_once() -> None:
    async def story(stand: AskingBench) -> None:
        delivery = await stand.delivery()
        await delivery.settle(Settlement.STORED)

        with pytest.raises(RuntimeError, match="exactly once"):
            await delivery.settle(Settlement.STORED)

    on_the_bench(story, holding(126))


def test_between_two_conversations_it_rests_for_the_profiles_interval() -> None:
    async def story(stand: AskingBench) -> None:
        await stand.stored(60)

        begun = stand.instrument.asked.count(vectors.TEST)
        assert 9 <= begun <= 12

    on_the_bench(story)


def test_what_is_new_is_handed_over_within_an_interval() -> None:
    async def story(stand: AskingBench) -> None:
        await stand.stored(60)
        assert stand.instrument.numbers_asked == []

    async def new(stand: AskingBench) -> None:
        asyncio.get_running_loop().call_later(30, stand.instrument.remember, 126)
        stored = await stand.stored(36)

        assert values(stored) == ["12.6"]

    on_the_bench(story)
    on_the_bench(new)


def test_while_storage_is_short_nothing_is_asked_and_then_at_once() -> None:
    async def story(stand: AskingBench) -> None:
        stand.session.accepting = False
        coming = asyncio.ensure_future(stand.delivery(within=100))
        await asyncio.sleep(60)
        assert stand.instrument.asked == []

        stand.session.accepting = True
        await asyncio.sleep(10 * TAKES)

        assert (await coming).readings[0].value == "12.6"

    on_the_bench(story, holding(126))


def test_storage_that_is_short_in_mid_conversation_loses_nothing() -> None:
    async def story(stand: AskingBench) -> None:
        first = await stand.delivery()
        stand.session.accepting = False
        await first.settle(Settlement.RETRY)
        asyncio.get_running_loop().call_later(30, lambda: setattr(stand.session, "accepting", True))

        assert values(await stand.stored(60)) == ["12.6", "62.4"]

    on_the_bench(story, holding(126, 624))


# -- what the link is doing ------------------------------------------------------------------


def test_states_leave_through_one_callback() -> None:
    async def story(stand: AskingBench) -> None:
        await stand.stored(1)
        assert [state for state, _ in stand.states] == [
            LinkState.SILENT,
            LinkState.SPEAKING,
            LinkState.STOPPED,
        ]

    on_the_bench(story)


def test_an_instrument_that_does_not_answer_is_silent_until_it_does() -> None:
    async def story(stand: AskingBench) -> None:
        stand.answers_from = 4
        await stand.stored(25)

        assert stand.states[:2] == [
            (LinkState.SILENT, "nothing heard yet"),
            (LinkState.SPEAKING, None),
        ]
        assert stand.instrument.asked.count(vectors.TEST) >= 1

    on_the_bench(story)


def test_an_instrument_that_falls_silent_is_told_with_the_question() -> None:
    async def story(stand: AskingBench) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(8, stand.instrument.deaf_to.add, 0x20)
        await stand.stored(30)

        silent = (LinkState.SILENT, "an answer to 20 0 expected, silence found")
        assert silent in stand.states

    on_the_bench(story)


def test_an_instrument_that_answers_something_else_is_garbled_and_its_bytes_are_kept() -> None:
    async def story(stand: AskingBench) -> None:
        stand.instrument.deaf_to.add(0x20)
        loop = asyncio.get_running_loop()
        for second in (1, 3, 5):
            loop.call_later(second, stand.end.say, b"LZ-4000")
        stored = await stand.stored(10)

        assert [(one.readings, one.raw) for one in stored] == [((), b"LZ-4000" * 3)]
        assert str(stored[0].fault).startswith("garbled: 21 bytes: an answer to 20 expected")
        assert LinkState.GARBLED in [state for state, _ in stand.states]

    on_the_bench(story)


def test_what_came_is_counted() -> None:
    async def story(stand: AskingBench) -> None:
        stand.before_answers = b"~"
        await stand.stored(2)

        counts = stand.session.counts
        assert (counts.records, counts.garbled_octets) == (1, len(stand.instrument.asked))
        assert counts.octets > 100

    on_the_bench(story, holding(126))


# -- what nobody asked for -------------------------------------------------------------------


def test_bytes_that_nobody_asked_for_are_kept_and_taken_for_no_answer() -> None:
    async def story(stand: AskingBench) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(3, stand.end.say, vectors.INHIBITION_RECORD_1)
        stored = await stand.stored(20)

        assert [(one.fault, one.raw) for one in stored] == [
            ("garbled: 52 bytes: nobody asked for it", vectors.INHIBITION_RECORD_1)
        ]

    on_the_bench(story)


def test_what_is_garbled_and_could_not_be_stored_comes_again() -> None:
    async def story(stand: AskingBench) -> None:
        asyncio.get_running_loop().call_later(3, stand.end.say, b"noise")
        first = await stand.delivery(within=10)
        await first.settle(Settlement.RETRY)

        again = await stand.delivery(within=10)

        assert (again.raw, again.fault) == (first.raw, first.fault)

    on_the_bench(story)


@pytest.mark.parametrize("is_accepting", [True, False])
def test_a_flood_of_noise_ends_the_session_and_keeps_a_bounded_part(is_accepting: bool) -> None:
    async def story(stand: AskingBench) -> None:
        stand.session.accepting = is_accepting
        flood, kept = asyncio.create_task(pour(stand)), list[bytes]()

        with pytest.raises(ProtocolFault, match=r"dy03ff expected, \d+ bytes of something else"):
            await keep_all(stand, kept)

        flood.cancel()
        assert 0 < len(b"".join(kept)) <= 2 * SAMPLE
        assert stand.states[-1][0] is LinkState.GARBLED

    on_the_bench(story)


async def pour(stand: AskingBench) -> None:
    while True:
        stand.end.say(b"\xfe" * 4000)
        await asyncio.sleep(0.01)


async def keep_all(stand: AskingBench, kept: list[bytes]) -> None:
    async for delivery in stand.deliveries:
        kept.append(delivery.raw)
        await delivery.settle(Settlement.REFUSED)


# -- the cable -------------------------------------------------------------------------------


def test_a_cable_that_is_pulled_between_two_conversations_is_told_at_once() -> None:
    async def story(stand: AskingBench) -> None:
        asyncio.get_running_loop().call_later(3, stand.end.unplug)

        with pytest.raises(LinkLost, match="bench: unplugged"):
            await stand.delivery(within=3.1)
        assert stand.states[-1] == (LinkState.LOST, "bench: unplugged")

    on_the_bench(story)


def test_a_cable_that_is_pulled_in_mid_question_is_told_at_once() -> None:
    async def story(stand: AskingBench) -> None:
        stand.instrument.deaf_to.add(0x20)
        asyncio.get_running_loop().call_later(1, stand.end.unplug)

        with pytest.raises(LinkLost):
            await stand.delivery(within=1.1)

    on_the_bench(story)


def test_half_an_answer_is_kept_when_the_cable_is_pulled() -> None:
    async def story(stand: AskingBench) -> None:
        stand.instrument.deaf_to.add(0x20)
        half = vectors.INHIBITION_RECORD_1[:20]
        asyncio.get_running_loop().call_later(1, stand.end.say, half)
        asyncio.get_running_loop().call_later(1.1, stand.end.unplug)

        delivery = await stand.delivery(within=2)

        assert (delivery.raw, delivery.readings) == (half, ())

    on_the_bench(story)


def test_a_record_that_is_stored_after_the_cable_was_pulled_is_stored_and_no_more() -> None:
    async def story(stand: AskingBench) -> None:
        delivery = await stand.delivery()
        stand.end.unplug()
        await asyncio.sleep(1)

        await delivery.settle(Settlement.STORED)

        with pytest.raises(LinkLost):
            await stand.delivery()

    on_the_bench(story, holding(126))


def test_with_a_recollection_the_next_session_goes_on_where_this_one_stopped() -> None:
    async def told() -> list[int]:
        instrument, recollection = holding(*range(1, 101)), Recollection()
        async with bench(instrument, recollection) as stand:
            assert len(await stand.stored(30)) == 100
        instrument.asked.clear()
        instrument.remember(624)
        async with bench(instrument, recollection) as stand:
            assert values(await stand.stored(4)) == ["62.4"]
        return instrument.numbers_asked

    assert virtual_time.run(told()) == [1, 100, 101]


def test_ten_thousand_pulled_cables_double_nothing_lose_nothing_and_leave_nothing() -> None:
    async def told() -> tuple[int, int]:
        instrument, recollection = DyInstrument(), Recollection()
        seen: set[tuple[bytes, int | None]] = set()
        for pull in range(10_000):
            if pull % 20 == 0:
                instrument.remember(pull)
            async with bench(instrument, recollection) as stand:
                after = 0.03 + 0.37 * pull % 1.9
                asyncio.get_running_loop().call_later(after, stand.end.unplug)
                for one in await stand.stored(60):
                    seen |= {(each.identity, each.occurrence) for each in one.readings}
        async with bench(instrument, recollection) as stand:
            for one in await stand.stored(60):
                seen |= {(each.identity, each.occurrence) for each in one.readings}
        return len(seen), len(asyncio.all_tasks())

    assert virtual_time.run(told()) == (500, 1)


def test_a_session_that_is_closed_has_stopped() -> None:
    async def story(stand: AskingBench) -> None:
        await stand.delivery()

        await stand.session.close()

        assert stand.states[-1][0] is LinkState.STOPPED

    on_the_bench(story, holding(126))


def test_closing_twice_is_closing() -> None:
    async def story(stand: AskingBench) -> None:
        await stand.session.close()
        await stand.session.close()

    on_the_bench(story)
