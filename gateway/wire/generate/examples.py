"""One real message of every kind, made with the models and numbered like a real stream.

`result-unassigned` and `result-assigned` are the first two entries of one stream, so that a
reader in any language can check its chain by them (README.md, "The chain").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from gateway.wire.absent import Absent, AbsentRange, Why
from gateway.wire.board import Board, Heartbeat, Proof, Totals
from gateway.wire.catalogue import LANGUAGES, outcome_words, public_names
from gateway.wire.commands import (
    Answer,
    ReissueCommand,
    ReplayCommand,
    ReplayRange,
    Reply,
    RunCommand,
    Verb,
)
from gateway.wire.missed import Missed, MissedBody
from gateway.wire.model import Wire
from gateway.wire.notice import Deed, Notice, Row
from gateway.wire.receipt import Held, Receipt
from gateway.wire.result import (
    Clock,
    EffectiveAt,
    InstrumentRef,
    Kit,
    Limit,
    Qc,
    Result,
    ResultBody,
    SampleRef,
    Test,
    Value,
    Verdict,
)
from gateway.wire.run import Run, SheetLine
from gateway.wire.status import Captured, InstrumentStatus, Presence, StationCard, Status
from gateway.wire.stream import Link, body_sha256, chain_after, first_link, sha256
from gateway.wire.words import (
    Basis,
    Comparator,
    Flag,
    Grade,
    LinkState,
    Outcome,
    PassWhen,
    Purpose,
    Source,
    TimeFrom,
)

EPOCH, FIRST_EPOCH = 5201314077, 7
REGION, STATION, GATEWAY, LAB = "210112", "s0007", "gw1", "lab1"
BEFORE = sha256(b"the entry before")


def _at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-23T{clock}+08:00")


MEASURED, RECEIVED = _at("06:45:12"), _at("06:45:14.120")

INSTRUMENT = InstrumentRef(
    id="pest-1",
    maker="Dayuan",
    model="DY-3000",
    serial=None,
    profile="dayuan-dy03ff",
    profile_version=3,
)
SAMPLE = SampleRef(
    number="N0120261123-0001",
    channel="3",
    food="01040201",
    site="hunnan-market",
    stall="A-013",
    origin="辽宁新民",
    run="r20261123-02",
)
KIT = Kit(lot="2026-0917", expiry="2027-03-31")
INHIBITION = Test(
    item="opc-inhibition",
    method="INH",
    standard="GB/T 5009.199-2003",
    purpose=Purpose.ROUTINE,
    basis=Basis.SELF_CHECK,
    kit=KIT,
)
BELOW_HALF = Limit(pass_when=PassWhen.LESS, number=Decimal("50"), unit="%")
MEASURED_VALUE = Value(
    as_reported="12.6", number=Decimal("12.6"), comparator=Comparator.EQUAL, unit="%", grade=None
)
CLOCK = Clock(instrument_text="26-11-23 06:45:12", offset_s=Decimal("-1.8"), synchronised=True)


def _result_body() -> ResultBody:
    return ResultBody(
        id=UUID("8e1d3a52-43f0-5d0a-9c55-6a1f2b1f0a01"),
        revision=1,
        source=Source.INSTRUMENT,
        demo=False,
        region=REGION,
        station=STATION,
        gateway=GATEWAY,
        instrument=INSTRUMENT,
        sample=SAMPLE,
        test=INHIBITION,
        value=MEASURED_VALUE,
        signals={"control_delta_a": "0.596"},
        verdict=Verdict(
            outcome=Outcome.PASS,
            reported="不合格",
            rule="opc-inhibition-gbt5009.199",
            rules_version="2026.11",
            limit=BELOW_HALF,
            verified_rule=False,
        ),
        qc=Qc(control="ok", kit="ok"),
        measured_at=MEASURED,
        received_at=RECEIVED,
        effective_at=EffectiveAt(at=MEASURED, origin=TimeFrom.INSTRUMENT),
        clock=CLOCK,
        raw_sha256=sha256(b"the delivery's bytes"),
        flags=(Flag.VERDICTS_DISAGREE,),
    )


def _unassigned_body() -> ResultBody:
    strips = InstrumentRef(
        id="strip-1", maker=None, model=None, serial=None, profile="strips", profile_version=1
    )
    return _result_body().model_copy(
        update={
            "id": UUID("0b0e8f0e-9d6a-5d55-8f4b-2f4f2f2b1d02"),
            "instrument": strips,
            "sample": SampleRef(number=None, channel="5"),
            "test": Test(item="malachite-green", purpose=Purpose.ROUTINE),
            "value": Value(
                as_reported="阴性", number=None, comparator=None, unit=None, grade=Grade.NEGATIVE
            ),
            "signals": {},
            "verdict": Verdict(
                outcome=Outcome.NOT_JUDGED,
                reported=None,
                rule=None,
                rules_version="2026.11",
                limit=None,
                verified_rule=False,
            ),
            "qc": Qc(),
            "flags": (),
        }
    )


def _assigned_body() -> ResultBody:
    limit = Limit(pass_when=PassWhen.NOT_DETECTED, number=Decimal("2"), unit="ug/kg")
    return _unassigned_body().model_copy(
        update={
            "revision": 2,
            "reason": "paired",
            "based_on": 1,
            "sample": SAMPLE.model_copy(
                update={"number": "N0120261123-0005", "channel": "5", "food": "04010101"}
            ),
            "test": Test(
                item="malachite-green",
                method="GICA",
                standard="KJ201701",
                purpose=Purpose.ROUTINE,
                basis=Basis.SELF_CHECK,
            ),
            "verdict": Verdict(
                outcome=Outcome.PASS,
                reported=None,
                rule="malachite-green-kj201701",
                rules_version="2026.11",
                limit=limit,
                verified_rule=False,
            ),
        }
    )


def in_place(body: ResultBody, epoch: int, seq: int, previous: str) -> Result:
    """A body as entry `seq` of a stream, following the chain value `previous`."""
    payload = body.body()
    link = Link(epoch, seq, str(body.id), body.revision, body.raw_sha256, body_sha256(payload))
    chain = chain_after(previous, link)
    return Result.model_validate(payload | {"epoch": epoch, "seq": seq, "chain": chain})


RESULT = in_place(_result_body(), EPOCH, 184467, BEFORE)
UNASSIGNED = in_place(_unassigned_body(), FIRST_EPOCH, 1, first_link(FIRST_EPOCH))
ASSIGNED = in_place(_assigned_body(), FIRST_EPOCH, 2, UNASSIGNED.chain)

_HOLE = MissedBody(
    id=UUID("0b7a3c1e-6f55-4c58-9b0e-3d7f1f4a9c21"),
    region=REGION,
    station=STATION,
    gateway=GATEWAY,
    instrument=INSTRUMENT,
    n=3,
    received_at=RECEIVED,
)
MISSED = Missed(
    **_HOLE.model_dump(by_alias=True),
    epoch=EPOCH,
    seq=184468,
    chain=chain_after(
        RESULT.chain,
        Link(EPOCH, 184468, str(_HOLE.id), 1, None, body_sha256(_HOLE.body())),
    ),
)

SHEET = Run(
    run="r20261123-02",
    version=1,
    instrument="pest-1",
    covers_from=_at("06:30:00"),
    covers_to=_at("07:00:00"),
    samples=(
        SheetLine(
            number="N0120261123-0001",
            channel="3",
            food="01040201",
            site="hunnan-market",
            stall="A-013",
            origin="辽宁新民",
            basis=Basis.SELF_CHECK,
        ),
    ),
    kit=KIT,
)
CARD = StationCard(
    name="浑南农贸市场快检室",
    time_zone="Asia/Shanghai",
    lab=LAB,
    area="210112003002",
    office="wusan",
    organisation="hunnan-market",
    demo=False,
)
STATUS = Status(
    state=Presence.ONLINE,
    region=REGION,
    station=STATION,
    gateway=GATEWAY,
    boot="b7c1",
    beat=412,
    at=_at("06:45:30"),
    epoch=EPOCH,
    head=184467,
    chain=RESULT.chain,
    offered=184467,
    captured={"pest-1": Captured(today=86, yesterday=118)},
    version="0.1.0",
    card=CARD,
)
ROW = Row(
    notice=f"{STATION}-41",
    code="7kq2m9x4",
    result=RESULT.id,
    revision=1,
    sample=SAMPLE.number,
    food=SAMPLE.food,
    stall=SAMPLE.stall,
    origin=SAMPLE.origin,
    item="opc-inhibition",
    method="INH",
    standard="GB/T 5009.199-2003",
    value=MEASURED_VALUE,
    unit="%",
    limit=BELOW_HALF,
    verdict=Outcome.PASS,
    words={language: outcome_words(Outcome.PASS, language) for language in LANGUAGES},
    names=public_names(
        item="opc-inhibition",
        food=SAMPLE.food,
        food_name=None,
        method="INH",
        standard="GB/T 5009.199-2003",
        value=MEASURED_VALUE,
        limit=BELOW_HALF,
    ),
    measured_at=MEASURED,
    effective_at=MEASURED,
    published_at=_at("06:45:15"),
    demo=False,
)
TOTALS = Totals(samples=86, tests=118, passed=84, waiting=2, invalid=1)
PROOF = Proof(gateway_age_s=4.0, lab_age_s=0.0, gateway_online=True)

EXAMPLES: Mapping[str, Wire] = {
    "result": RESULT,
    "result-unassigned": UNASSIGNED,
    "result-assigned": ASSIGNED,
    "absent": Absent(
        epoch=EPOCH,
        ranges=(AbsentRange(first=183000, to=183010, chain=BEFORE),),
        reason=Why.PRUNED,
        at=_at("06:46:00"),
    ),
    "missed": MISSED,
    "receipt": Receipt(
        lab=LAB,
        at=_at("06:45:31"),
        beats={"b7c1": 412},
        epochs={str(EPOCH): Held(through=184467, chain=RESULT.chain)},
    ),
    "status": STATUS,
    "status-will": STATUS.model_copy(update={"state": Presence.OFFLINE, "at": None}),
    "instrument-status": InstrumentStatus(
        instrument="pest-1",
        link="bench-1",
        state=LinkState.SPEAKING,
        since=_at("05:02:11"),
        profile="dayuan-dy03ff",
        maker="Dayuan",
        model="DY-3000",
        last_delivery_at=RECEIVED,
        deliveries=86,
    ),
    "run": SHEET,
    "command-run": RunCommand(request="lab1.01jd4k7", lab=LAB, at=_at("06:29:00"), sheet=SHEET),
    "command-replay": ReplayCommand(
        request="lab1.01jd4k8",
        lab=LAB,
        at=_at("06:46:00"),
        epoch=EPOCH,
        ranges=(ReplayRange(first=184460, to=184463),),
    ),
    "command-reissue": ReissueCommand(
        request="lab1.01jd4k9", lab=LAB, at=_at("06:46:00"), id=RESULT.id, above=3
    ),
    "reply": Reply(
        request="lab1.01jd4k7",
        verb=Verb.RUN,
        answer=Answer.REFUSED,
        problem="an instrument of this gateway expected, 'pest-9' found",
        at=_at("06:29:01"),
    ),
    "notice": Notice(
        region=REGION,
        station=STATION,
        lab=LAB,
        feed="f3a9",
        n=41,
        deed=Deed.PUBLISHED,
        day="2026-11-23",
        row=ROW,
        at=_at("06:45:15"),
    ),
    "board": Board(
        region=REGION,
        station=STATION,
        lab=LAB,
        feed="f3a9",
        n=41,
        as_of=_at("06:45:19"),
        day="2026-11-23",
        card=CARD,
        totals=TOTALS,
        proof=PROOF,
        rows=(ROW,),
    ),
    "heartbeat": Heartbeat(
        feed="f3a9", n=41, as_of=_at("06:45:19"), day="2026-11-23", proof=PROOF, totals=TOTALS
    ),
}
