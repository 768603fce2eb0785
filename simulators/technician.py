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
_ON_ITS_WAY = 1.0
"""Seconds a sheet has to reach the gateway before the first result of its run may leave."""
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
        """Send one run sheet per instrument for these tubes, and wait until the lab took them."""
        instruments = {tube.sample.instrument: None for tube in tubes}
        for instrument in instruments:
            listed = [tube for tube in tubes if tube.sample.instrument == instrument]
            if any(not tube.sample.control for tube in listed):
                await self._send(self._sheet(instrument, listed, datetime.now(CHINA)))
        await asyncio.sleep(_ON_ITS_WAY)

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
        """Offer a sheet until it is taken (202); a lab that is starting gets its time."""
        url = f"{self.lab}/api/v1/runs"
        said = ""
        async for _ in _tries():
            status, said = await asyncio.to_thread(_post, url, self.key, sheet)
            if status == 202:
                return
            if status in _HOPELESS:
                break
        raise LabSilent(url, said)


async def ready(url: str) -> None:
    """Wait until a page answers 200. Raises LabSilent."""
    said = ""
    async for _ in _tries():
        status, said = await asyncio.to_thread(_get, url)
        if status == 200:
            return
    raise LabSilent(url, said)


async def rows_on_board(lab: str, station: str) -> int:
    """Return how many rows the station's public board shows now; 0 if it cannot be had."""
    status, said = await asyncio.to_thread(_get, f"{lab}/api/v1/boards/{station}")
    if status != 200:
        return 0
    board = json.loads(said)
    return len(board["rows"])


async def _tries() -> AsyncIterator[None]:
    """Come at once, and again every half second until patience ends."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    yield
    while loop.time() < deadline:
        await asyncio.sleep(_BETWEEN_TRIES)
        yield


def _post(url: str, key: str, body: Mapping[str, object]) -> tuple[int, str]:
    request = urllib.request.Request(
        url,
        data=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    return _answer(request)


def _get(url: str) -> tuple[int, str]:
    return _answer(urllib.request.Request(url))


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
