"""What arrives on `…/command/{verb}`, and what is answered on `…/reply/{request}`.

The effect and the record of the request share one transaction, so that a command repeated is
answered with the same reply and done once (CUSTODY.md 16).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import ValidationError
from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import Clock
from gateway.journal import Desk, Journal, StorageShort
from gateway.journal.recording import pair_again, reissue
from gateway.journal.tables import REQUEST, SHEET
from gateway.publisher import Publisher
from gateway.settings import StationSettings
from gateway.wire.commands import (
    Answer,
    Command,
    ReissueCommand,
    ReplayCommand,
    Reply,
    RunCommand,
    Verb,
)
from gateway.wire.mqtt import Inbound, Pipe, PipeDown, Refused, TooLarge
from gateway.wire.receipt import Receipt
from gateway.wire.run import Run
from gateway.wire.stream import Span
from gateway.wire.topics import address_of

log = logging.getLogger(__name__)

BY_PUBLISHING_LAB = frozenset({Verb.RUN, Verb.ASSIGN, Verb.ENTER, Verb.REJUDGE})
"""Only the publishing lab's are obeyed (CUSTODY.md 14)."""

Outcome = tuple[Answer, str | None]


class Commands:
    """Obeys the labs on one broker, and takes their receipts."""

    def __init__(
        self,
        settings: StationSettings,
        pipe: Pipe,
        publisher: Publisher,
        journal: Journal,
        now: Clock,
    ) -> None:
        self._settings, self._pipe, self._publisher = settings, pipe, publisher
        self._journal, self._now = journal, now
        self._labs = frozenset({settings.station.lab, *settings.retention.needs})

    async def receipt(self, inbound: Inbound) -> bool:
        """Take a receipt of a lab of ours; True when the stream was numbered again by it."""
        try:
            receipt = Receipt.model_validate_json(inbound.payload)
        except ValidationError as error:
            log.warning("a receipt expected on %s, %s found", inbound.topic, _short(error))
            return False
        address = address_of(inbound.topic)
        if address is None or address.rest != receipt.lab:
            log.warning("the lab of %s expected in a receipt, %s found", inbound.topic, receipt.lab)
            return False
        if receipt.lab not in self._labs:
            log.info("receipt of %s passed over: it is not a lab of this station", receipt.lab)
            return False
        renumbered = await self._journal.believe(receipt)
        standing = await self._journal.standing()
        held = receipt.epochs.get(str(standing.epoch))
        self._publisher.heard_receipt(held.through if held else 0, renumbered)
        return renumbered

    async def obey(self, inbound: Inbound) -> None:
        """Carry out one command and answer it."""
        address = address_of(inbound.topic)
        verb = address.rest if address else ""
        try:
            named = Command.model_validate_json(inbound.payload)
        except ValidationError as error:
            log.warning("a command expected on %s, %s found", inbound.topic, _short(error))
            return
        reply = await self._answer(verb, named, inbound.payload)
        try:
            await self._pipe.publish(self._settings.topics().reply(reply.request), reply.to_bytes())
        except (PipeDown, Refused, TooLarge) as error:
            log.warning("reply to %s not sent: %s; the lab asks again", reply.request, error)

    async def _answer(self, verb: str, named: Command, payload: bytes) -> Reply:
        if problem := self._not_for_us(verb, named):
            return self._reply(verb, named, (Answer.REFUSED, problem))
        try:
            if verb == Verb.REPLAY:
                return self._reply(verb, named, self._replay(payload))
            effect = self._effect(verb, payload)
        except (ValidationError, OverflowError) as error:
            return self._reply(verb, named, (Answer.REFUSED, _short(error)))
        try:
            return await self._journal.change(lambda c: self._once(c, verb, named, effect))
        except StorageShort as error:
            # Not recorded, so that the lab asks again; this answer only says why nothing came.
            return self._reply(verb, named, (Answer.REFUSED, str(error)))

    def _not_for_us(self, verb: str, named: Command) -> str | None:
        if not named.request.startswith(f"{named.lab}."):
            return f"a request beginning with '{named.lab}.' expected, {named.request} found"
        if verb in BY_PUBLISHING_LAB and named.lab != self._settings.station.lab:
            return f"the publishing lab {self._settings.station.lab} expected, {named.lab} found"
        if named.lab not in self._labs:
            return f"one of the labs {', '.join(sorted(self._labs))} expected, {named.lab} found"
        return None

    def _effect(self, verb: str, payload: bytes) -> Callable[[Connection], Outcome]:
        if verb == Verb.RUN:
            sheet = RunCommand.model_validate_json(payload).sheet
            return lambda c: self._take_sheet(c, sheet)
        if verb == Verb.REISSUE:
            wanted = ReissueCommand.model_validate_json(payload)
            return lambda c: _reissue(c, wanted)
        known = f"{Verb.RUN}, {Verb.REPLAY} or {Verb.REISSUE}"
        return lambda c: (Answer.REFUSED, f"{known} expected in this version, {verb} found")

    def _replay(self, payload: bytes) -> Outcome:
        wanted = ReplayCommand.model_validate_json(payload)
        spans = [Span(part.first, part.to) for part in wanted.ranges]
        if self._publisher.replay(wanted.epoch, spans):
            return Answer.DONE, None
        return Answer.REFUSED, f"the epoch of this journal expected, {wanted.epoch} found"

    def _take_sheet(self, connection: Connection, sheet: Run) -> Outcome:
        known = [one.id for link in self._settings.link for one in link.instruments]
        if sheet.instrument not in known:
            return (
                Answer.REFUSED,
                f"one of the instruments {', '.join(known)} expected, {sheet.instrument} found",
            )
        version = connection.execute(
            select(SHEET.c.version).where(SHEET.c.run == sheet.run)
        ).scalar()
        if version is not None and version >= sheet.version:
            return Answer.STALE, f"a version above {version} expected, {sheet.version} found"
        _keep_sheet(connection, sheet)
        _pair_late(connection, self._journal.desk, sheet, self._now())
        return Answer.DONE, None

    def _once(
        self,
        connection: Connection,
        verb: str,
        named: Command,
        effect: Callable[[Connection], Outcome],
    ) -> Reply:
        known = connection.execute(
            select(REQUEST.c.reply).where(REQUEST.c.request == named.request)
        ).scalar()
        if known is not None:
            return Reply.model_validate_json(known)
        reply = self._reply(verb, named, effect(connection))
        connection.execute(
            insert(REQUEST).values(
                request=named.request, verb=verb, reply=reply.to_bytes(), at=reply.at.isoformat()
            )
        )
        return reply

    def _reply(self, verb: str, named: Command, outcome: Outcome) -> Reply:
        answer, problem = outcome
        return Reply(
            request=named.request, verb=verb, answer=answer, problem=problem, at=self._now()
        )


def _keep_sheet(connection: Connection, sheet: Run) -> None:
    values = {
        "run": sheet.run,
        "version": sheet.version,
        "instrument": sheet.instrument,
        "covers_to": sheet.covers_to.astimezone(UTC).isoformat(),
        "payload": sheet.to_bytes(),
    }
    connection.execute(
        upsert(SHEET).values(values).on_conflict_do_update(index_elements=["run"], set_=values)
    )


def _pair_late(connection: Connection, desk: Desk, sheet: Run, now: datetime) -> None:
    made = pair_again(connection, desk, sheet, now, "run")
    if made:
        log.info("run %s paired %d results that came before it", sheet.run, made)


def _reissue(connection: Connection, wanted: ReissueCommand) -> Outcome:
    try:
        reissue(connection, str(wanted.id), wanted.above)
    except LookupError as error:
        return Answer.REFUSED, str(error)
    return Answer.DONE, None


def _short(error: ValidationError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return str(error)
    first = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return f"{where}: {first['msg']}"
