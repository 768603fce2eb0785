"""CUSTODY.md 9 through a living session: stored, then released; late, then silent (G1)."""

from __future__ import annotations

import asyncio

import pytest

from drivers import Settlement
from drivers.profile import profile_named
from tests.drivers.bench import BODY, LAST, MESSAGE, Bench, on_the_bench
from tests.vectors.astm import ACK, ENQ, EOT, MESSAGE_WIRE, NAK


def test_a_message_is_acknowledged_only_after_it_was_stored() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        assert (delivery.raw, delivery.fault) == (MESSAGE, None)
        assert [reading.value for reading in delivery.readings] == ["12.6"]
        assert stand.instrument.hear() == b""

        await delivery.settle(Settlement.STORED)

        assert stand.instrument.hear() == ACK

    on_the_bench(story)


def test_with_a_journal_that_fails_the_sender_gets_no_acknowledgement() -> None:
    async def story(stand: Bench) -> None:
        await stand.hand_over()

        await stand.session.close()

        assert stand.instrument.hear() == b""

    on_the_bench(story)


def test_retry_says_nothing_and_the_repeated_frame_arrives_again() -> None:
    async def story(stand: Bench) -> None:
        first = await stand.hand_over()
        await first.settle(Settlement.RETRY)
        assert stand.instrument.hear() == b""
        coming = stand.soon()

        await stand.say(LAST)

        again = await coming
        await again.settle(Settlement.STORED)
        assert (again.raw, stand.instrument.hear()) == (MESSAGE, ACK)

    on_the_bench(story)


def test_what_is_stored_too_late_is_not_acknowledged() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        await asyncio.sleep(12.5)

        await delivery.settle(Settlement.STORED)

        assert stand.instrument.hear() == b""

    on_the_bench(story)


def test_what_is_stored_just_in_time_is_acknowledged() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        await asyncio.sleep(11)

        await delivery.settle(Settlement.STORED)

        assert stand.instrument.hear() == ACK

    on_the_bench(story)


def test_a_commit_at_16_s_while_the_sender_has_begun_again_acknowledges_its_bid_alone() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        await asyncio.sleep(15)
        await stand.say(EOT, ENQ)
        await asyncio.sleep(1)

        await delivery.settle(Settlement.STORED)

        assert stand.instrument.hear() == ACK

    on_the_bench(story)


def test_a_sender_that_begins_again_after_a_late_commit_delivers_its_message() -> None:
    async def story(stand: Bench) -> None:
        late = await stand.hand_over()
        await asyncio.sleep(16)
        await stand.say(EOT, ENQ)
        await late.settle(Settlement.STORED)
        coming = stand.soon()
        answers = await stand.say(*BODY, LAST)

        again = await coming
        await again.settle(Settlement.STORED)

        assert (again.raw, answers + stand.instrument.hear()) == (MESSAGE, ACK * 6)

    on_the_bench(story)


def test_storage_short_for_5_s_with_an_impatient_sender_is_delivered() -> None:
    async def story(stand: Bench) -> None:
        stand.session.accepting = False
        coming = stand.soon()
        refused = [await stand.say(ENQ) for _ in range(5)]
        await asyncio.sleep(5)
        stand.session.accepting = True

        await stand.say(ENQ, *BODY, LAST)

        delivery = await coming
        assert (refused, delivery.raw) == ([NAK] * 5, MESSAGE)

    on_the_bench(story)


def test_the_next_delivery_comes_only_after_the_last_is_settled() -> None:
    async def story(stand: Bench) -> None:
        first = await stand.hand_over()
        coming = stand.soon()
        await stand.say(EOT, *([ENQ, *BODY, LAST]))
        assert not coming.done()

        await first.settle(Settlement.STORED)

        assert (await coming).raw == MESSAGE

    on_the_bench(story)


def test_a_delivery_is_settled_once() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        await delivery.settle(Settlement.STORED)

        with pytest.raises(RuntimeError, match="exactly once"):
            await delivery.settle(Settlement.STORED)

    on_the_bench(story)


@pytest.mark.parametrize(
    "pieces",
    [
        [MESSAGE_WIRE],
        [MESSAGE_WIRE[i : i + 1] for i in range(len(MESSAGE_WIRE))],
        [b"\xff~#", MESSAGE_WIRE],
    ],
    ids=["one write", "byte by byte", "noise before"],
)
def test_pieces_and_noise_change_nothing(pieces: list[bytes]) -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        for piece in pieces:
            stand.instrument.say(piece)
            await asyncio.sleep(0)

        assert (await coming).raw == MESSAGE

    on_the_bench(story)


def test_bare_records_are_delivered_one_by_one_and_nobody_is_answered() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        heard = await stand.say(MESSAGE * 3)
        records = [await coming]
        await records[-1].settle(Settlement.STORED)
        for _ in range(2):
            records.append(await stand.delivery())
            await records[-1].settle(Settlement.STORED)

        assert ([one.raw for one in records], heard) == ([MESSAGE] * 3, b"")

    on_the_bench(story, profile_named("astm-bare"))
