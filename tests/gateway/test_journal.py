"""G1 stored before released, G2 once, G3 gapless, G5 the bytes are kept; CUSTODY.md 1-4, 8, 10,
20, 25."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal import Journal, JournalError
from gateway.journal.reading import (
    Outgoing,
    captured,
    chain_at,
    not_understood,
    outgoing,
    raw_of,
    receipts,
    unread,
)
from gateway.journal.recording import reissue
from gateway.wire.receipt import Held, Receipt
from gateway.wire.result import Result
from gateway.wire.stream import Link, body_sha256, chain_after, first_link, sha256
from tests.gateway.stations import (
    DESK,
    NOON,
    PLACE,
    READER,
    delivery,
    handed,
    journal_at,
    noon,
    reading,
)


async def entries(journal: Journal) -> list[Outgoing]:
    where = await journal.standing()
    return await journal.read(lambda c: outgoing(c, where.epoch, 1, where.seq, 10_000))


def receipt(epoch: int, through: int, chain: str | None, *, fork: bool = False) -> Receipt:
    held = Held(through=through, chain=chain, fork=fork)
    return Receipt(lab="lab1", at=noon(), epochs={str(epoch): held})


async def test_a_recorded_delivery_is_in_the_file_when_record_returns(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading(), raw=b"bytes")))

        with sqlite3.connect(f"file:{tmp_path / 'j.db'}?mode=ro", uri=True) as other:
            kept = other.execute("select count(*) from entry").fetchone()
        other.close()

    assert kept == (1,)


async def test_the_writer_commits_with_full_synchronisation(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        full = await journal.change(
            lambda c: (
                c.exec_driver_sql("pragma synchronous").scalar(),
                c.exec_driver_sql("pragma journal_mode").scalar(),
            )
        )

    assert full == (2, "wal")


async def test_seq_rises_by_one_without_holes_over_many_deliveries(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await asyncio.gather(
            *(journal.record(handed(delivery(reading(sample=f"N{n}")))) for n in range(50))
        )
        rows = await entries(journal)

    assert [row.seq for row in rows] == list(range(1, 51))


async def test_the_chain_seals_every_entry_and_what_came_before(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("1"), reading("2"))))
        await journal.record(handed(delivery(reading("3"))))
        rows = await entries(journal)
        where = await journal.standing()

    chain = first_link(where.epoch)
    for row in rows:
        payload = json.loads(row.payload)
        link = Link(
            where.epoch, row.seq, row.id, row.revision, row.raw_sha256, body_sha256(payload)
        )
        chain = chain_after(chain, link)
        assert payload["chain"] == chain
    assert chain == where.chain


async def test_a_payload_is_a_result_of_the_contract(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("12.60"))))
        (row,) = await entries(journal)

    result = Result.model_validate_json(row.payload)
    assert (result.value.as_reported, str(result.value.number)) == ("12.60", "12.60")
    assert result.measured_at == NOON.replace(hour=11, minute=58)


async def test_a_record_sent_again_in_a_later_delivery_is_one_result(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading(), raw=b"first")))
        again = await journal.record(handed(delivery(reading(), raw=b"second")))
        rows = await entries(journal)

    assert (len(rows), again.seen_again, again.new) == (1, 1, [])


async def test_equal_records_of_one_delivery_are_as_many_results(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(*[reading()] * 5)))
        await journal.record(handed(delivery(*[reading()] * 3)))
        rows = await entries(journal)

    assert len({row.id for row in rows}) == 5


async def test_an_id_depends_on_what_was_sent_and_never_on_the_item(tmp_path: Path) -> None:
    as_sent = reading(identity=b"R|^^^INH|12.6")
    async with journal_at(tmp_path / "j.db") as journal:
        first = await journal.record(handed(delivery(as_sent)))
        mended = await journal.record(handed(delivery(replace(as_sent, item="other"))))

    assert (len(first.new), mended.seen_again) == (1, 1)


async def test_ids_survive_a_new_journal(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "one.db") as journal:
        first = await journal.record(handed(delivery(reading())))
    async with journal_at(tmp_path / "two.db") as journal:
        second = await journal.record(handed(delivery(reading())))

    assert first.new == second.new


async def test_epochs_are_drawn_at_random(tmp_path: Path) -> None:
    epochs = set()
    for n in range(3):
        async with journal_at(tmp_path / f"{n}.db") as journal:
            epochs.add((await journal.standing()).epoch)

    assert len(epochs) == 3
    assert all(0 < epoch < 2**53 for epoch in epochs)


async def test_what_is_not_understood_is_kept_and_counted(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(raw=b"\x00\xff", fault="not understood: a bug")))
        counted = await journal.read(not_understood)
        (one,) = await journal.read(unread)
        kept = await journal.read(lambda c: raw_of(c, sha256(b"\x00\xff")))

    assert (counted, one.fault, kept) == (
        {"pest-1": 1},
        "not understood: a bug",
        b"\x00\xff",
    )


async def test_a_delivery_that_cannot_be_recorded_costs_its_meaning_and_no_other(
    tmp_path: Path,
) -> None:
    poison = replace(reading(sample="N99"), item="\ud800")
    async with journal_at(tmp_path / "j.db") as journal:
        good = [journal.record(handed(delivery(reading(sample=f"N{n}")))) for n in range(10)]
        bad = journal.record(handed(delivery(poison, raw=b"poison")))
        *stored, refused = await asyncio.gather(*good, bad)
        kept = await journal.read(lambda c: raw_of(c, sha256(b"poison")))
        rows = await entries(journal)

    assert [len(one.new) for one in stored] == [1] * 10
    assert (refused.understood, kept, len(rows)) == (False, b"poison", 10)


async def test_a_second_writer_is_refused_and_named(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db"):
        with pytest.raises(JournalError, match=r"one writer expected, process [0-9]+ already"):
            async with journal_at(tmp_path / "j.db"):
                raise AssertionError("opened twice")


async def test_another_stations_journal_is_refused(tmp_path: Path) -> None:
    other = replace(DESK, place=replace(PLACE, station="s0008"))
    async with journal_at(tmp_path / "j.db"):
        pass

    with pytest.raises(JournalError, match="210112/s0008/gw1 expected, that of 210112/s0007/gw1"):
        async with journal_at(tmp_path / "j.db", other):
            raise AssertionError("opened")


async def test_a_receipt_is_believed_where_the_chain_agrees(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("1"), reading("2"))))
        where = await journal.standing()
        chain = await journal.read(lambda c: chain_at(c, where.epoch, 1))
        renumbered = await journal.believe(receipt(where.epoch, 1, chain))
        confirmed = await journal.read(lambda c: receipts(c, where.epoch))

    assert (renumbered, confirmed) == (False, {"lab1": 1})


async def test_a_receipt_may_go_down(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("1"), reading("2"))))
        where = await journal.standing()
        await journal.believe(receipt(where.epoch, 2, where.chain))
        await journal.believe(receipt(where.epoch, 0, None))
        confirmed = await journal.read(lambda c: receipts(c, where.epoch))

    assert confirmed == {"lab1": 0}


async def test_a_receipt_for_another_epoch_says_nothing(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        where = await journal.standing()
        renumbered = await journal.believe(receipt(where.epoch + 1, 99, "not ours"))

    assert not renumbered


@pytest.mark.parametrize("fork", [True, False])
async def test_a_receipt_that_disagrees_numbers_everything_again(
    tmp_path: Path, fork: bool
) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("1"), reading("2"))))
        before = await entries(journal)
        old = await journal.standing()
        renumbered = await journal.believe(
            receipt(old.epoch, 2, old.chain if fork else "other", fork=fork)
        )
        new = await journal.standing()
        after = await entries(journal)

    assert (renumbered, new.seq, new.epoch != old.epoch) == (True, 2, True)
    assert [row.id for row in after] == [row.id for row in before]
    bodies = [[body_sha256(json.loads(row.payload)) for row in rows] for rows in (before, after)]
    assert bodies[0] == bodies[1]
    assert json.loads(after[1].payload)["was"] == {"epoch": old.epoch, "seq": 2}


async def test_a_reissue_goes_above_what_the_lab_holds(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        recorded = await journal.record(handed(delivery(reading())))
        await journal.change(lambda c: reissue(c, str(recorded.new[0]), 4))
        rows = await entries(journal)

    assert [row.revision for row in rows] == [1, 5]


async def test_captured_counts_ids_by_the_day_they_were_first_received(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j.db") as journal:
        await journal.record(handed(delivery(reading("1"), reading("2"))))
        await journal.record(handed(delivery(reading("1"))))
        counts = await journal.read(lambda c: captured(c, ["2026-11-24", "2026-11-23"]))

    assert counts == {READER.id: {"2026-11-24": 2}}
