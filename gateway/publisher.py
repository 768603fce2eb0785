"""Sends the journal's stream to one broker, and believes nothing but receipts.

PUBACK frees the window and raises `offered`; only a lab's receipt confirms. At each connect it
begins again at the lowest needed receipt, so that whatever a broker forgot is offered again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import orjson

from gateway.clock import Clock
from gateway.journal import Journal
from gateway.journal.reading import Outgoing, chain_at, outgoing, raw_of, receipts, standing
from gateway.lanes import Lane, Lanes
from gateway.wire.absent import Absent, AbsentRange, Why
from gateway.wire.mqtt import Event, Pipe, PipeDown, Refused, TooLarge, json_event
from gateway.wire.stream import Span, lowest
from gateway.wire.topics import GATEWAYS_OWN, GatewayTopics

log = logging.getLogger(__name__)

WINDOW = 40
"""Entries on their way at most; their raw comes on top."""
AT_ONCE = 200
"""Entries read from the journal in one go."""
PAUSE_AFTER_REFUSAL = 5.0
"""Seconds before a broker that refuses is asked again."""
RAW_AGAIN_AFTER = 60.0
"""Seconds for which raw bytes are withheld from a broker that refused some."""
RAW_TYPE = "kuaijian.raw/1"


class Publisher:
    """One broker's share of the work."""

    def __init__(
        self,
        pipe: Pipe,
        journal: Journal,
        topics: GatewayTopics,
        needs: Sequence[str],
        now: Clock,
    ) -> None:
        self.on_progress: list[Callable[[], None]] = []
        self.alarms: dict[str, str] = {}
        self._pipe, self._journal, self._topics, self._needs = pipe, journal, topics, needs
        self._now = now
        self._lanes: Lanes | None = None
        self._epoch, self._head = 0, 0
        self._ready: dict[int, deque[Outgoing]] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._begin_again = True
        self._rests_until = self._withholds_raw_until = 0.0
        self._unsendable: set[str] = set()
        """Raw bytes that this broker never takes: their entries go out and are named absent."""
        pipe.on_up.append(self._restart)
        pipe.on_down.append(lambda reason: self._restart())
        journal.on_growth.append(self._wake.set)

    @property
    def offered(self) -> int:
        """Every seq up to here has been taken by this broker in this connection."""
        return self._lanes.offered if self._lanes else 0

    def replay(self, epoch: int, spans: Sequence[Span]) -> bool:
        """Send a lab what it lacks; False when the epoch is not this journal's."""
        if epoch != self._epoch or self._lanes is None:
            return False
        self._lanes.repeat(spans)
        self._wake.set()
        return True

    def heard_receipt(self, through: int, renumbered: bool) -> None:
        """A needed lab has spoken: begin again where it holds less than we began with."""
        if renumbered or (self._lanes and through < self._lanes.base):
            self._restart()

    async def run(self) -> None:
        """Send what there is, for ever."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._pipe.connected:
                    await self._send_what_fits()
        finally:
            for task in self._under_way:
                task.cancel()

    def _restart(self) -> None:
        self._begin_again = True
        self._wake.set()

    async def _send_what_fits(self) -> None:
        if asyncio.get_running_loop().time() < self._rests_until:
            return
        if self._begin_again:
            self._begin_again = False
            await self._begin()
        now = await self._journal.read(standing)
        if now.epoch != self._epoch:
            await self._begin()
        self._head = now.seq
        lanes = self._lanes
        while lanes is not None and lanes is self._lanes and len(self._under_way) < WINDOW:
            if not await self._send_next(lanes):
                return

    async def _begin(self) -> None:
        now = await self._journal.read(standing)
        heard = await self._journal.read(lambda c: receipts(c, now.epoch))
        base = lowest(heard, self._needs or heard)
        self._epoch, self._head = now.epoch, now.seq
        self._lanes = Lanes(min(base, now.seq), now.seq)
        self._ready = {}

    async def _send_next(self, lanes: Lanes) -> bool:
        """Start the next entry on its way: live first, then backfill, then repeats."""
        for lane in (lanes.live, lanes.backfill):
            if entry := await self._next_of(lane):
                lane.next = entry.seq + 1
                await self._start(entry, lanes, partial(lane.took, entry.seq))
                return True
        if span := lanes.next_repeat(WINDOW):
            for entry in await self._fetch(span):
                await self._start(entry, lanes, lambda: None)
            return True
        return False

    async def _next_of(self, lane: Lane) -> Outgoing | None:
        ready = self._ready.setdefault(id(lane), deque())
        if not ready and (span := lane.wants(self._head, AT_ONCE)):
            ready.extend(await self._fetch(span))
        return ready.popleft() if ready else None

    async def _fetch(self, span: Span) -> list[Outgoing]:
        epoch = self._epoch
        return await self._journal.read(
            lambda c: outgoing(c, epoch, span.first, span.last, AT_ONCE)
        )

    async def _start(self, entry: Outgoing, lanes: Lanes, took: Callable[[], None]) -> None:
        raw = await self._raw_before(entry)
        if raw is not None and not self._pipe.takes(len(raw)):
            self._unsendable.add(str(entry.raw_sha256))
            raw = None
        task = asyncio.create_task(self._send(entry, raw, lanes, took))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _raw_before(self, entry: Outgoing) -> bytes | None:
        digest = entry.raw_sha256
        is_withheld = asyncio.get_running_loop().time() < self._withholds_raw_until
        if not entry.carries_raw or digest is None or is_withheld:
            return None
        return await self._journal.read(lambda c: raw_of(c, digest))

    async def _send(
        self, entry: Outgoing, raw: bytes | None, lanes: Lanes, took: Callable[[], None]
    ) -> None:
        try:
            await self._offer(entry, raw)
        except PipeDown:
            return
        except (Refused, TooLarge) as error:
            self._pause(f"seq {entry.seq}: {error}")
            return
        self.alarms.pop("refused", None)
        if lanes is self._lanes:
            took()
            for tell in self.on_progress:
                tell()
        self._wake.set()

    async def _offer(self, entry: Outgoing, raw: bytes | None) -> None:
        event = json_event(f"/{self._topics.root}", orjson.loads(entry.payload))
        result = self._pipe.publish(
            self._topics.result(entry.instrument), entry.payload, event=event
        )
        before = [] if raw is None else [self._send_raw(str(entry.raw_sha256), raw)]
        try:
            # All start in this order, the next entry's after them: the bytes leave before their
            # results, and results in the order of their seqs.
            await asyncio.gather(*before, result)
        except TooLarge as error:
            await self._say_absent(entry, str(error))
        else:
            if entry.raw_sha256 in self._unsendable:
                await self._say_absent(entry, "its raw bytes are more than the broker takes")

    def _pause(self, why: str) -> None:
        """Leave a broker alone that takes no results: it may hang up on each that it refuses."""
        if "refused" not in self.alarms:
            log.error("the broker takes no results: %s", why)
        self.alarms["refused"] = f"the broker takes no results: {why}"
        self._rests_until = asyncio.get_running_loop().time() + PAUSE_AFTER_REFUSAL
        asyncio.get_running_loop().call_later(PAUSE_AFTER_REFUSAL, self._restart)

    async def _send_raw(self, digest: str, raw: bytes) -> None:
        """Send a delivery's bytes; where they are refused, results go out without for a while."""
        kind = "application/octet-stream"
        event = Event(digest, f"/{self._topics.root}", RAW_TYPE, self._now().isoformat(), kind)
        try:
            await self._pipe.publish(self._topics.raw(digest), raw, event=event)
        except Refused as error:
            self.alarms["raw-refused"] = f"the broker refuses raw bytes: {error}"
            log.error("raw %s refused: %s", digest, error)
            self._withholds_raw_until = asyncio.get_running_loop().time() + RAW_AGAIN_AFTER
        else:
            self.alarms.pop("raw-refused", None)

    async def _say_absent(self, entry: Outgoing, why: str) -> None:
        """Let the labs pass over a seq that they could never hold with its raw (CUSTODY.md 8)."""
        self.alarms["too-large"] = f"seq {entry.seq}: {why}"
        log.error("seq %d is named absent: %s", entry.seq, why)
        epoch = self._epoch
        chain = await self._journal.read(lambda c: chain_at(c, epoch, entry.seq))
        named = AbsentRange(first=entry.seq, to=entry.seq, chain=chain)
        absent = Absent(epoch=epoch, ranges=(named,), reason=Why.TOO_LARGE, at=self._now())
        await self._pipe.publish(self._topics.result(GATEWAYS_OWN), absent.to_bytes())
