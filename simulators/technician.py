"""The technician of a demonstration: sends run sheets over the lab's public HTTP, as a page would.

A run sheet (`kuaijian.run/1`) says which number is which food from which stall; a reader sends
only the number. Nothing here knows more of the lab than its published contract.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.market import CHINA, Tube

PATIENCE = 45.0
"""Seconds in which a lab that is starting has to answer."""
_BETWEEN_TRIES = 0.5
_ANSWER_WITHIN = 5.0
_BETWEEN_LOOKS = 0.1
_COVERS = timedelta(minutes=15)
_HOPELESS = (400, 401, 403, 405, 413, 415, 422)

# A proxy of the surroundings has nothing to do with a lab on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LabSilent(Exception):
    """The lab did not answer as its contract says: url, what was expected, what came last."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"{url}: {said}")
        self.url = url
        self.said = said


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

    async def prepare(self, tubes: Sequence[Tube]) -> None:
        """Send one run sheet per instrument for these tubes; return when the gateway has them."""
        instruments = {tube.sample.instrument: None for tube in tubes}
        for instrument in instruments:
            listed = [tube for tube in tubes if tube.sample.instrument == instrument]
            if any(not tube.sample.control for tube in listed):
                await self._send(self._sheet(instrument, listed, datetime.now(CHINA)))

    def _sheet(self, instrument: str, tubes: Sequence[Tube], now: datetime) -> dict[str, object]:
        self._runs += 1
        return {
            "station": self.station,
            "gateway": self.gateway,
            "run": f"r-{now:%Y%m%d}-{self._runs:02d}",
            "version": 1,
            "instrument": instrument,
            "from": (now - timedelta(minutes=1)).isoformat(timespec="seconds"),
            "to": (now + _COVERS).isoformat(timespec="seconds"),
            "samples": [self._line(tube) for tube in tubes if not tube.sample.control],
        }

    def _line(self, tube: Tube) -> dict[str, str | None]:
        sample = tube.sample
        return {
            "number": tube.number,
            "channel": None,
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
