"""The consumer: gathers what waits, commits it, and only then acknowledges it.

    broker ──▶ waiting ──▶ one transaction ──▶ acknowledged, receipts, feed

What is not committed is not acknowledged, and the broker sends it again. When the store is in
trouble a batch waits; when a batch holds poison it is halved down to the message (CUSTODY.md 10).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlmodel import Session

from gateway.wire.mqtt import Inbound, Pipe
from lab_api.ingest.sorting import Message, sort
from lab_api.ingest.taking import Outcome, Taking, refuse_poison
from lab_api.notices.deciding import Publisher
from lab_api.store.store import Store
from lab_api.store.trouble import POISON, StoreTrouble

log = logging.getLogger(__name__)

MOST_AT_ONCE = 500
GATHER = 0.02
"""Seconds to wait for more before a batch that is not full is stored."""
SETTLING = 5.0
"""Seconds after a connect in which what arrives may have waited at the broker."""
AGAIN_AFTER = 1.0
"""Seconds before a batch is tried again on a store in trouble."""

ALL = "kuaijian/v1/+/+/+/+/+"


def filters(share: str) -> list[str]:
    """What to subscribe to. Only results are shared between replicas (CUSTODY.md 23)."""
    result = f"{ALL}/result/+"
    shared = f"$share/{share}/{result}" if share else result
    return [shared, f"{ALL}/raw/+", f"{ALL}/status", f"{ALL}/status/+", f"{ALL}/reply/+"]


class Intake:
    """Takes what a pipe brings into the store; `told` learns of each committed batch."""

    def __init__(
        self,
        store: Store,
        pipe: Pipe,
        lab: str,
        told: Callable[[Outcome], None],
        *,
        share: str = "",
    ) -> None:
        self._store, self._pipe, self._lab, self._told = store, pipe, lab, told
        self._waiting: asyncio.Queue[tuple[Inbound, bool]] = asyncio.Queue()
        self._up_since: float | None = None
        self.trouble: str | None = None
        """Why nothing can be stored at the moment; None when all is well."""
        self.taken = 0
        pipe.on_up.append(self._up)
        for topic_filter in filters(share):
            pipe.subscribe(topic_filter, self._receive)

    def _up(self) -> None:
        self._up_since = asyncio.get_running_loop().time()

    def _receive(self, inbound: Inbound) -> None:
        now = asyncio.get_running_loop().time()
        settled = self._up_since is not None and now - self._up_since > SETTLING
        # Bounded by the broker: it sends no more than our ReceiveMaximum unacknowledged.
        self._waiting.put_nowait((inbound, settled and not inbound.retained))

    async def run(self) -> None:
        """Take batch after batch, until cancelled."""
        while True:
            batch = await self._gather()
            await self._take(
                [Message(inbound.topic, inbound.payload, fresh=fresh) for inbound, fresh in batch]
            )
            for inbound, _ in batch:
                self._pipe.acknowledge(inbound)

    async def _gather(self) -> list[tuple[Inbound, bool]]:
        batch = [await self._waiting.get()]
        deadline = asyncio.get_running_loop().time() + GATHER
        while len(batch) < MOST_AT_ONCE:
            if not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    batch.append(await self._waiting.get())
            except TimeoutError:
                break
        return batch

    async def _take(self, messages: Sequence[Message]) -> None:
        """Commit messages; halve them down to the one that no column takes."""
        try:
            outcome = await self._commit(lambda session: self._take_in(session, messages))
        except POISON as poison:
            if len(messages) == 1:
                await self._refuse(messages[0], poison)
                return
            middle = len(messages) // 2
            await self._take(messages[:middle])
            await self._take(messages[middle:])
        else:
            self.taken += outcome.results
            self._told(outcome)

    def _take_in(self, session: Session, messages: Sequence[Message]) -> Outcome:
        return Taking(session, self._publisher()).take([sort(message) for message in messages])

    async def _refuse(self, message: Message, poison: BaseException) -> None:
        reason = f"values that the store can hold expected, {poison!r} found"
        log.error("%s: %s", message.topic, reason)
        outcome = await self._commit(
            lambda session: refuse_poison(session, self._publisher(), sort(message), reason)
        )
        self._told(outcome)

    async def _commit(self, work: Callable[[Session], Outcome]) -> Outcome:
        """Run one transaction, however long the store is in trouble."""
        while True:
            try:
                outcome = await self._store.write(work)
            except StoreTrouble as trouble:
                self._note(str(trouble))
                await asyncio.sleep(AGAIN_AFTER)
            else:
                self._note(None)
                return outcome

    def _publisher(self) -> Publisher:
        return Publisher(self._lab, self._store.feed, datetime.now(UTC))

    def _note(self, trouble: str | None) -> None:
        if trouble and not self.trouble:
            log.error("nothing is stored or acknowledged: %s", trouble)
        if self.trouble and not trouble:
            log.info("the store takes messages again")
        self.trouble = trouble
