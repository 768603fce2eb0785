"""What a session answers to queries, and what it says of its link."""

from __future__ import annotations

import asyncio

from drivers import LinkState, Settlement
from tests.astm_frames import frames_of
from tests.drivers.bench import BODY, Bench, on_the_bench
from tests.vectors.astm import ACK, ENQ, EOT, MESSAGE_WIRE, TERMINATOR_RECORD

QUERY = (b"H|\\^&\r", b"Q|1|^1007149||ALL||||||||O\r", TERMINATOR_RECORD)


def test_a_query_is_stored_released_and_answered_from_the_run_sheets() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(ENQ, *frames_of(QUERY))
        delivery = await coming
        assert (delivery.readings, delivery.fault) == ((), None)
        await delivery.settle(Settlement.STORED)
        following = stand.soon()
        assert await stand.say(EOT) == ACK + ENQ

        said = [await stand.say(ACK) for _ in range(4)]

        order = frames_of([b"H|\\^&\r", b"O|1|1007149\r", TERMINATOR_RECORD])
        assert said == [*order, EOT]
        assert [query.samples for query in stand.queries] == [("1007149",)]
        following.cancel()

    on_the_bench(story)


def test_a_query_that_is_taken_back_is_not_answered() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(ENQ, *frames_of([QUERY[0], QUERY[1], b"L|1|T\r"]))
        await (await coming).settle(Settlement.STORED)
        following = stand.soon()

        assert await stand.say(EOT) == ACK
        assert stand.queries == []
        following.cancel()

    on_the_bench(story)


def test_states_leave_through_one_callback() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        await delivery.settle(Settlement.STORED)
        following = stand.soon()
        await stand.say(EOT)
        await asyncio.sleep(301)
        await stand.say(b"\xff" * 65)
        stand.instrument.unplug()
        await asyncio.sleep(1)

        assert [state for state, _ in stand.states] == [
            LinkState.SILENT,
            LinkState.SPEAKING,
            LinkState.SILENT,
            LinkState.GARBLED,
            LinkState.LOST,
        ]
        following.cancel()

    on_the_bench(story)


def test_a_session_that_is_closed_has_stopped() -> None:
    async def story(stand: Bench) -> None:
        await stand.hand_over()

        await stand.session.close()

        assert stand.states[-1][0] is LinkState.STOPPED

    on_the_bench(story)


def test_what_came_is_counted() -> None:
    async def story(stand: Bench) -> None:
        await (await stand.hand_over()).settle(Settlement.STORED)
        following = stand.soon()
        await stand.say(EOT, b"noise", ENQ, BODY[0], EOT)

        counts = stand.session.counts

        assert (counts.records, counts.incomplete, counts.garbled_octets) == (1, 1, 5)
        assert counts.octets == len(MESSAGE_WIRE) + len(b"noise") + 2 + len(BODY[0])
        following.cancel()

    on_the_bench(story)
