"""A living session over a cable in memory, in virtual time: what the gateway is promised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from drivers import (
    Delivery,
    LinkLost,
    LinkState,
    Profile,
    ProtocolFault,
    Query,
    Reading,
    Settlement,
)
from drivers.links import MemoryInstrument, memory_pair
from drivers.profile import profile_named
from drivers.protocols.astm_link import AstmReceiver
from drivers.protocols.base import Event
from drivers.quirks import QUIRKS
from drivers.sessions import StreamSession, stream_protocol
from drivers.sessions.spill import SAMPLE
from tests.astm_frames import frames_of
from tests.drivers import virtual_time
from tests.vectors.astm import (
    ACK,
    ENQ,
    EOT,
    MESSAGE_FRAMES,
    MESSAGE_RECORDS,
    MESSAGE_WIRE,
    NAK,
    TERMINATOR_RECORD,
)

FSRA = profile_named("fsra-24")
MESSAGE = b"".join(MESSAGE_RECORDS)
*BODY, LAST = MESSAGE_FRAMES
QUERY = (b"H|\\^&\r", b"Q|1|^1007149||ALL||||||||O\r", TERMINATOR_RECORD)


class Bench:
    """One instrument on a living session."""

    def __init__(self, profile: Profile = FSRA) -> None:
        self.link, self.instrument = memory_pair("bench")
        self.states: list[tuple[LinkState, str | None]] = []
        self.queries: list[Query] = []
        self.session = StreamSession(
            self.link,
            stream_protocol(profile),
            profile,
            now=asyncio.get_running_loop().time,
            on_state=lambda state, why: self.states.append((state, why)),
            answers=self._answer,
        )
        self.deliveries = self.session.deliveries()

    async def _answer(self, query: Query) -> Sequence[bytes]:
        self.queries.append(query)
        return (b"H|\\^&\r", b"O|1|1007149\r", TERMINATOR_RECORD)

    async def say(self, *said: bytes) -> bytes:
        """Say it piece by piece, and return all that was answered."""
        for piece in said:
            self.instrument.say(piece)
            await asyncio.sleep(0.1)
        return self.instrument.hear()

    async def delivery(self, within: float = 1.0) -> Delivery:
        """The next delivery; TimeoutError where none comes."""
        async with asyncio.timeout(within):
            return await anext(self.deliveries)

    def soon(self) -> asyncio.Task[Delivery]:
        """The next delivery, whenever it comes; the session is alive meanwhile."""
        return asyncio.ensure_future(anext(self.deliveries))

    async def hand_over(self) -> Delivery:
        """A message up to its held frame, as the delivery it becomes."""
        coming = self.soon()
        await self.say(ENQ, *BODY, LAST)
        return await coming


@asynccontextmanager
async def bench(profile: Profile = FSRA) -> AsyncIterator[Bench]:
    stand = Bench(profile)
    try:
        yield stand
    finally:
        await stand.session.close()


def on_the_bench(story: Callable[[Bench], Awaitable[None]], profile: Profile = FSRA) -> None:
    async def told() -> None:
        async with bench(profile) as stand:
            await story(stand)

    virtual_time.run(told())


# -- the held acknowledgement --------------------------------------------------------------------


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


# -- what is cut, lost or garbled ----------------------------------------------------------------


@pytest.mark.parametrize("how", ["end", "bid", "silence", "unplugged"])
def test_a_message_cut_before_its_l_record_is_kept_without_readings(how: str) -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(ENQ, *BODY)
        if how == "unplugged":
            stand.instrument.unplug()
        elif how != "silence":
            stand.instrument.say(EOT if how == "end" else ENQ)

        delivery = await coming

        assert (delivery.readings, delivery.raw) == ((), b"".join(MESSAGE_RECORDS[:-1]))
        assert str(delivery.fault).startswith("incomplete: ")

    on_the_bench(story)


def test_a_cable_that_is_pulled_is_told_after_what_came_before() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(ENQ, *BODY)
        stand.instrument.unplug()
        await (await coming).settle(Settlement.STORED)

        with pytest.raises(LinkLost, match="bench: unplugged"):
            await stand.delivery()

    on_the_bench(story)


def test_a_cable_that_is_pulled_while_a_message_is_held_is_seen_and_still_stored() -> None:
    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        stand.instrument.unplug()
        await asyncio.sleep(0.01)
        assert stand.states[-1] == (LinkState.LOST, "bench: unplugged")

        await delivery.settle(Settlement.STORED)

        with pytest.raises(LinkLost):
            await stand.delivery()

    on_the_bench(story)


def test_noise_is_kept_as_garbled_after_a_second() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(b"\xffabc", b"def")

        delivery = await coming

        assert (delivery.readings, delivery.raw) == ((), b"\xffabcdef")
        assert delivery.fault == "garbled: 7 bytes: no part of a frame"

    on_the_bench(story)


def test_a_flood_of_noise_ends_the_session_and_keeps_a_bounded_part() -> None:
    async def story(stand: Bench) -> None:
        kept: list[bytes] = []
        flood = asyncio.ensure_future(pour(stand.instrument))

        with pytest.raises(ProtocolFault, match=r"astm expected, \d+ bytes of something else"):
            await keep_all(stand, kept)

        flood.cancel()
        assert 0 < len(b"".join(kept)) <= 2 * SAMPLE
        assert stand.states[-1][0] is LinkState.GARBLED

    on_the_bench(story)


async def keep_all(stand: Bench, kept: list[bytes]) -> None:
    async for delivery in stand.deliveries:
        kept.append(delivery.raw)
        await delivery.settle(Settlement.REFUSED)


async def pour(instrument: MemoryInstrument) -> None:
    while True:
        instrument.say(b"\xfe" * 1000)
        await asyncio.sleep(0.01)


def test_what_is_garbled_and_could_not_be_stored_comes_again() -> None:
    async def story(stand: Bench) -> None:
        coming = stand.soon()
        await stand.say(b"noise")
        first = await coming
        await first.settle(Settlement.RETRY)

        again = await stand.delivery(within=5)

        assert (again.raw, again.fault) == (first.raw, first.fault)

    on_the_bench(story)


def test_a_bug_in_a_quirk_costs_the_meaning_and_not_the_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def buggy(readings: tuple[Reading, ...], record: bytes) -> tuple[Reading, ...]:
        return (readings[24],)

    monkeypatch.setitem(QUIRKS, "buggy", buggy)

    async def story(stand: Bench) -> None:
        delivery = await stand.hand_over()
        await delivery.settle(Settlement.REFUSED)

        assert (delivery.readings, delivery.raw) == ((), MESSAGE)
        assert str(delivery.fault).startswith("not understood: IndexError")
        assert stand.instrument.hear() == ACK

    on_the_bench(story, FSRA.model_copy(update={"quirk": "buggy"}))


class BuggyReceiver(AstmReceiver):
    """What a protocol must never do."""

    def feed(self, data: bytes) -> Sequence[Event]:
        raise IndexError("a bug")


def test_a_bug_in_a_protocol_reaches_whoever_reads_deliveries() -> None:
    async def told() -> None:
        link, instrument = memory_pair()
        session = StreamSession(link, BuggyReceiver(), FSRA)
        coming = asyncio.ensure_future(anext(session.deliveries()))
        instrument.say(ENQ)

        with pytest.raises(IndexError, match="a bug"):
            await coming

    virtual_time.run(told())


# -- queries -------------------------------------------------------------------------------------


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


# -- what the link is doing ----------------------------------------------------------------------


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


# -- without link control ------------------------------------------------------------------------


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
