"""The technician of a demonstration: sends run sheets over the lab's public HTTP, as a page would.

A run sheet (`kuaijian.run/1`) says which number is which food from which stall; a reader sends
only the number. Some send only a channel: their sheets say which number stands in which, and
exactly one sheet must cover the time of a test. So a sheet ends before the next one begins, and
nothing is tested in between. Nothing here knows more of the lab than its published contract.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from simulators.tubes import CHINA, Tube

PATIENCE = 45.0
"""Seconds in which a lab that is starting has to answer."""
_BETWEEN_TRIES = 0.5
_ANSWER_WITHIN = 5.0
_BETWEEN_LOOKS = 0.1
_COVERS = timedelta(minutes=15)
_STEP = timedelta(seconds=2)
"""How coarse the clock of a reader may be: a test at 6:45:13 says 6:45:12."""
_HOPELESS = (400, 401, 403, 405, 413, 415, 422)

# A proxy of the surroundings has nothing to do with a lab on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LabSilent(Exception):
    """The lab did not answer as its contract says: url, what was expected, what came last."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"{url}: {said}")
        self.url = url
        self.said = said


@dataclass(frozen=True, slots=True)
class _Sheet:
    run: str
    instrument: str
    begins: datetime
    ends: datetime
    samples: tuple[dict[str, str | None], ...]
    has_channels: bool
    version: int = 1


@dataclass
class Technician:
    """One person at one station, with a key of the role `technician`."""

    lab: str
    """The lab's base URL."""
    key: str
    station: str
    site: str
    gateway: str = "gw1"
    _runs: int = field(default=0, init=False)
    _by_channel: dict[str, _Sheet] = field(default_factory=dict, init=False)
    """The last sheet of each instrument that sends channels."""

    async def prepare(self, tubes: Sequence[Tube]) -> None:
        """Send one run sheet per instrument for these tubes.

        Returns when the gateway has them all and their time has begun.
        """
        now = datetime.now(CHINA)
        listed: dict[str, list[Tube]] = {}
        for tube in tubes:
            if not tube.sample.control:
                listed.setdefault(tube.sample.instrument, []).append(tube)
        sheets = [self._sheet(instrument, of_one, now) for instrument, of_one in listed.items()]
        await asyncio.gather(*(self._replace(sheet) for sheet in sheets))
        begun = max((sheet.begins for sheet in sheets), default=now)
        await asyncio.sleep((begun - datetime.now(CHINA)).total_seconds())

    def _sheet(self, instrument: str, tubes: Sequence[Tube], now: datetime) -> _Sheet:
        self._runs += 1
        begins = now - timedelta(minutes=1)
        has_channels = any(tube.channel is not None for tube in tubes)
        if has_channels and instrument in self._by_channel:
            begins = now.replace(microsecond=0) - timedelta(seconds=now.second % 2) + _STEP
        return _Sheet(
            run=f"r-{now:%Y%m%d}-{self._runs:02d}",
            instrument=instrument,
            begins=begins,
            ends=now + _COVERS,
            samples=tuple(self._line(tube) for tube in tubes),
            has_channels=has_channels,
        )

    async def _replace(self, sheet: _Sheet) -> None:
        """Send a sheet; before it, where channels pair, the end of the one it follows."""
        if sheet.has_channels:
            former = self._by_channel.get(sheet.instrument)
            self._by_channel[sheet.instrument] = sheet
            if former is not None and former.ends >= sheet.begins:
                ended = replace(former, version=2, ends=sheet.begins - timedelta(seconds=1))
                await self._send(self._written(ended))
        await self._send(self._written(sheet))

    def _written(self, sheet: _Sheet) -> dict[str, object]:
        return {
            "station": self.station,
            "gateway": self.gateway,
            "run": sheet.run,
            "version": sheet.version,
            "instrument": sheet.instrument,
            "from": sheet.begins.isoformat(timespec="seconds"),
            "to": sheet.ends.isoformat(timespec="seconds"),
            "samples": list(sheet.samples),
        }

    def _line(self, tube: Tube) -> dict[str, str | None]:
        sample = tube.sample
        return {
            "number": tube.number,
            "channel": None if tube.channel is None else str(tube.channel),
            "food": sample.food.code if sample.food else None,
            "food_name": sample.food.name if sample.food else None,
            "stall": sample.stall,
            "origin": sample.origin,
            "site": self.site,
            "purpose": "routine",
            "basis": "self_check",
        }

    async def _send(self, sheet: Mapping[str, object]) -> None:
        """Offer a sheet until it is taken, and wait until the gateway has it."""
        url = f"{self.lab}/api/v1/runs"
        request = json.loads(await _insist(url, 202, self.key, sheet))["request"]
        async for _ in _tries(_BETWEEN_LOOKS):
            state = json.loads(await _insist(f"{url}/{request}", 200, self.key))
            if state["answer"] == "done":
                return
            if state["answer"]:
                raise LabSilent(url, f"{state['answer']}: {state['problem']}")
        raise LabSilent(url, "no reply from the gateway")


async def ready(url: str) -> None:
    """Wait until a page answers 200. Raises LabSilent."""
    await _insist(url, 200)


async def rows_on_board(lab: str, station: str) -> int:
    """Return how many rows the station's public board shows now; 0 if it cannot be had."""
    status, said = await asyncio.to_thread(_answer, _request(f"{lab}/api/v1/boards/{station}"))
    if status != 200:
        return 0
    board = json.loads(said)
    return len(board["rows"])


async def _insist(
    url: str, wanted: int, key: str | None = None, body: Mapping[str, object] | None = None
) -> str:
    """Ask (or send a body) until the answer is as wanted; return its text. Raises LabSilent.

    A lab that is starting, or does not know its station yet, gets its time.
    """
    said = ""
    async for _ in _tries(_BETWEEN_TRIES):
        status, said = await asyncio.to_thread(_answer, _request(url, key, body))
        if status == wanted:
            return said
        if status in _HOPELESS:
            break
    raise LabSilent(url, said)


async def _tries(pause: float) -> AsyncIterator[None]:
    """Come at once, and again after every pause until patience ends."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    yield
    while loop.time() < deadline:
        await asyncio.sleep(pause)
        yield


def _request(
    url: str, key: str | None = None, body: Mapping[str, object] | None = None
) -> urllib.request.Request:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is None:
        return urllib.request.Request(url, headers=headers)
    sent = json.dumps(body, ensure_ascii=False).encode()
    return urllib.request.Request(
        url, data=sent, headers={**headers, "Content-Type": "application/json"}
    )


def _answer(request: urllib.request.Request) -> tuple[int, str]:
    """Return status and text; status 0 where nobody answered."""
    try:
        with _opener.open(request, timeout=_ANSWER_WITHIN) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, f"{error.code} {error.read(400).decode('utf-8', 'replace')}"
    except OSError as error:
        return 0, str(getattr(error, "reason", error))
