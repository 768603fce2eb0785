"""The sender, with the host played by hand at the other end of a real pty or socket."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from simulators.astm_analyser import AstmAnalyser, Outcome, Timers
from simulators.astm_frames import Packing
from simulators.astm_messages import Maker, Message
from simulators.kit.places import Pty, TcpDial, TcpListen
from simulators.tubes import CHINA
from tests.simulators.host import PtyHost, working
from tests.vectors import astm

QUICK = Timers(answer=0.3, busy=0.3, contention=0.1, interrupted=0.3, host_frame=0.5, rest=0.05)
MESSAGE = Message("N0120261123-0001", astm.MESSAGE_RECORDS)
FIRST, LAST = astm.MESSAGE_FRAMES[0], astm.MESSAGE_FRAMES[-1]


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


@pytest.fixture
def analyser(place: Pty) -> AstmAnalyser:
    return AstmAnalyser(place, timers=QUICK)


async def take(host: PtyHost, frames: tuple[bytes, ...] = astm.MESSAGE_FRAMES) -> None:
    """Believe a whole message, frame by frame."""
    await host.hears(astm.ENQ)
    host.says(astm.ACK)
    for frame in frames:
        assert await host.hears(frame) == frame
        host.says(astm.ACK)
    assert await host.hears(astm.EOT) == astm.EOT


async def test_a_believed_message_is_the_example_on_the_wire(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    sending = asyncio.create_task(analyser.send(MESSAGE))
    await take(host)

    assert await sending is Outcome.ACKNOWLEDGED


async def test_a_message_counts_when_its_terminator_is_acknowledged_and_not_before(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    sending = asyncio.create_task(analyser.send(MESSAGE))
    await host.hears(astm.ENQ)
    host.says(astm.ACK)
    for frame in astm.MESSAGE_FRAMES[:-1]:
        await host.hears(frame)
        host.says(astm.ACK)
    await host.hears(LAST)
    before = list(analyser.acknowledged)
    host.says(astm.ACK)
    await sending

    assert (before, analyser.acknowledged) == ([], [MESSAGE.name])


async def test_a_bid_without_an_answer_ends_with_eot(analyser: AstmAnalyser, host: PtyHost) -> None:
    assert await analyser.send(MESSAGE) is Outcome.SILENT
    assert await host.hears(astm.EOT) == astm.ENQ + astm.EOT


async def test_a_nak_to_the_bid_makes_the_analyser_wait(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    async with working(asyncio.create_task(analyser.deliver(MESSAGE))):
        await host.hears(astm.ENQ)
        host.says(astm.NAK)

        assert await host.hears_nothing(QUICK.busy * 0.8)
        await take(host)


async def test_a_frame_is_sent_six_times_and_then_given_up(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    sending = asyncio.create_task(analyser.send(MESSAGE))
    await host.hears(astm.ENQ)
    host.says(astm.ACK)
    for _ in range(6):
        assert await host.hears(FIRST) == FIRST
        host.says(astm.NAK)

    assert await host.hears(astm.EOT) == astm.EOT
    assert await sending is Outcome.REFUSED


async def test_an_answer_spoilt_on_its_way_brings_the_same_frame_with_the_same_number(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    async with working(asyncio.create_task(analyser.send(MESSAGE))):
        await host.hears(astm.ENQ)
        host.says(astm.ACK)
        await host.hears(FIRST)
        host.says(b"F")

        assert await host.hears(FIRST) == FIRST


async def test_an_answer_that_never_comes_ends_the_message(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    sending = asyncio.create_task(analyser.send(MESSAGE))
    await host.hears(astm.ENQ)
    host.says(astm.ACK)
    await host.hears(FIRST)

    assert await host.hears(astm.EOT) == astm.EOT
    assert await sending is Outcome.SILENT


async def test_an_analyser_that_repeats_after_silence_sends_the_same_frame_again(
    place: Pty, host: PtyHost
) -> None:
    analyser = AstmAnalyser(place, timers=QUICK, repeats_after_silence=True)
    async with working(asyncio.create_task(analyser.send(MESSAGE))):
        await host.hears(astm.ENQ)
        host.says(astm.ACK)
        await host.hears(FIRST)

        assert await host.hears(FIRST) == FIRST


async def test_an_eot_in_place_of_an_ack_stops_the_message_until_later(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    async with working(asyncio.create_task(analyser.deliver(MESSAGE))):
        await host.hears(astm.ENQ)
        host.says(astm.ACK)
        await host.hears(FIRST)
        host.says(astm.EOT)
        await host.hears(astm.EOT)

        assert await host.hears_nothing(QUICK.interrupted * 0.8)
        await take(host)


async def test_when_both_bid_the_analyser_bids_again_first(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    async with working(asyncio.create_task(analyser.send(MESSAGE))):
        await host.hears(astm.ENQ)
        host.says(astm.ENQ)

        assert await host.hears_nothing(QUICK.contention * 0.8)
        await take(host)


async def test_a_pulled_cable_costs_nothing_but_time(
    analyser: AstmAnalyser, place: Pty, host: PtyHost
) -> None:
    async with working(asyncio.create_task(analyser.deliver(MESSAGE))):
        await host.hears(astm.ENQ)
        host.says(astm.ACK)
        await host.hears(FIRST)
        await place.unplug()
        await asyncio.sleep(0.1)
        await place.plug()
        again = PtyHost(place.path)
        try:
            await take(again)
        finally:
            again.close()

    assert analyser.acknowledged == [MESSAGE.name]


async def test_a_hosts_message_is_acknowledged_frame_by_frame(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    listening = asyncio.create_task(analyser.listen(5, first_only=True))
    host.says(astm.ENQ)
    await host.hears(astm.ACK)
    for frame in astm.MESSAGE_FRAMES:
        host.says(frame)
        assert await host.hears(astm.ACK) == astm.ACK
    host.says(astm.EOT)
    await listening

    assert analyser.host_said == [b"".join(astm.MESSAGE_RECORDS)]


async def test_a_hosts_spoilt_frame_is_refused(analyser: AstmAnalyser, host: PtyHost) -> None:
    async with working(asyncio.create_task(analyser.listen(5))):
        host.says(astm.ENQ)
        await host.hears(astm.ACK)
        host.says(FIRST.replace(b"FSRA", b"FSRB"))

        assert await host.hears(astm.NAK) == astm.NAK


async def test_a_message_cut_blindly_is_acknowledged_with_its_last_piece(
    place: Pty, host: PtyHost
) -> None:
    analyser = AstmAnalyser(place, timers=QUICK, packing=Packing.MESSAGE)
    records = (astm.HEADER_RECORD, astm.LONG_RECORD, astm.TERMINATOR_RECORD)
    sending = asyncio.create_task(analyser.send(Message("long", records)))
    await host.hears(astm.ENQ)
    host.says(astm.ACK)
    pieces = []
    for _ in range(2):
        pieces.append((await host.hears(astm.LF))[2:-5])
        host.says(astm.ACK)

    assert await sending is Outcome.ACKNOWLEDGED
    assert b"".join(pieces) == b"".join(records)


async def test_a_question_brings_back_what_the_host_answers(
    analyser: AstmAnalyser, host: PtyHost
) -> None:
    asking = asyncio.create_task(
        analyser.ask(Maker(), "N0001", datetime(2026, 11, 24, 6, 0, tzinfo=CHINA), seconds=5)
    )
    await host.hears(astm.ENQ)
    host.says(astm.ACK)
    for _ in range(3):
        await host.hears(astm.LF)
        host.says(astm.ACK)
    await host.hears(astm.EOT)
    for sent in (astm.ENQ, astm.HEADER_FRAME_1):
        host.says(sent)
        await host.hears(astm.ACK)
    host.says(astm.EOT)

    assert await asking == astm.HEADER_RECORD


async def test_babble_is_the_same_for_the_same_seed(analyser: AstmAnalyser, host: PtyHost) -> None:
    heard = []
    for _ in range(2):
        await analyser.babble(200, seed=3)
        while len(host.heard) < 200:
            await host.listens()
        heard.append(bytes(host.heard))
        host.heard.clear()

    assert heard[0] == heard[1]


async def test_an_analyser_that_listens_delivers_to_whoever_dials() -> None:
    place = TcpListen()
    await place.plug()
    analyser = AstmAnalyser(place, timers=QUICK)
    async with working(asyncio.create_task(analyser.deliver(MESSAGE))):
        reader, writer = await asyncio.open_connection(place.host, place.port)
        await believe(reader, writer)
        writer.close()
    await place.unplug()

    assert analyser.acknowledged == [MESSAGE.name]


async def test_an_analyser_that_dials_delivers_to_whoever_listens_and_again_after_a_hang_up() -> (
    None
):
    calls: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await calls.put((reader, writer))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    place = TcpDial("127.0.0.1", server.sockets[0].getsockname()[1])
    await place.plug()
    analyser = AstmAnalyser(place, timers=QUICK)
    async with working(asyncio.create_task(analyser.deliver(MESSAGE))):
        reader, writer = await calls.get()
        await reader.readexactly(1)
        writer.close()
        reader, writer = await calls.get()
        await believe(reader, writer)
        writer.close()
    await place.unplug()
    server.close()

    assert analyser.acknowledged == [MESSAGE.name]


async def believe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Play a host on a socket that believes everything."""
    async with asyncio.timeout(5):
        assert await reader.readexactly(1) == astm.ENQ
        writer.write(astm.ACK)
        for frame in astm.MESSAGE_FRAMES:
            assert await reader.readexactly(len(frame)) == frame
            writer.write(astm.ACK)
        assert await reader.readexactly(1) == astm.EOT
