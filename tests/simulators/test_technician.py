"""The technician's sheets, received by a plain HTTP server that knows nothing of a lab."""

import json
import threading
from collections.abc import Iterator
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest

from simulators.kit.scenario import load_scenario
from simulators.technician import LabSilent, Technician
from simulators.tubes import Tubes

MORNING = Tubes(load_scenario("market-morning"), 1, today=lambda: date(2026, 11, 24))
TUBES = MORNING.take(12)
BY_CHANNEL = [tube for tube in MORNING.take(400) if tube.sample.instrument == "pest-3"]


class Desk(ThreadingHTTPServer):
    """Takes sheets, answering with the next of `answers`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers: list[int] = []
        self.sheets: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.replies: list[tuple[str | None, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Desk

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 202
        if status == 202:
            self.server.sheets.append(json.loads(body))
            self.server.keys.append(self.headers["Authorization"])
        self._say(status, {"request": "lab1.1", "detail": "a station this lab knows expected"})

    def do_GET(self) -> None:
        assert self.path == "/api/v1/runs/lab1.1"
        answer, problem = self.server.replies.pop(0) if self.server.replies else ("done", None)
        self._say(200, {"answer": answer, "problem": problem})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    server = Desk()
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    yield server
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def technician(desk: Desk) -> Technician:
    return Technician(desk.url, "secret", "s0007", "hunnan-market")


async def test_every_instrument_of_a_batch_gets_one_sheet(
    desk: Desk, technician: Technician
) -> None:
    await technician.prepare(TUBES)

    assert sorted(sheet["instrument"] for sheet in desk.sheets) == ["pest-1", "pest-2", "photo-1"]


async def test_a_sheet_pairs_a_number_with_food_stall_and_origin(
    desk: Desk, technician: Technician
) -> None:
    await technician.prepare(TUBES[:2])

    assert desk.sheets[0]["samples"] == [
        {
            "number": "N0120261124-0001",
            "channel": None,
            "food": "01040201",
            "food_name": "上海青",
            "stall": "A-013",
            "origin": "河北唐山",
            "site": "hunnan-market",
            "purpose": "routine",
            "basis": "self_check",
        }
    ]


async def test_a_sheet_covers_now_and_runs_are_never_named_alike(
    desk: Desk, technician: Technician
) -> None:
    await technician.prepare(TUBES)
    now = datetime.fromisoformat(desk.sheets[0]["from"]).tzinfo
    for sheet in desk.sheets:
        begins, ends = (datetime.fromisoformat(sheet[key]) for key in ("from", "to"))
        assert begins < datetime.now(now) < ends

    assert len({sheet["run"] for sheet in desk.sheets}) == len(desk.sheets)


async def test_a_reader_that_sends_no_number_is_paired_by_channel(
    desk: Desk, technician: Technician
) -> None:
    await technician.prepare(BY_CHANNEL[:2])

    assert [(line["number"][-4:], line["channel"]) for line in desk.sheets[0]["samples"]] == [
        ("0012", "1"),
        ("0016", "2"),
    ]


async def test_of_the_sheets_that_pair_by_channel_one_alone_covers_any_time(
    desk: Desk, technician: Technician
) -> None:
    for tube in BY_CHANNEL[:3]:
        await technician.prepare([tube])
    newest = {sheet["run"]: sheet for sheet in desk.sheets}.values()
    spans = [(sheet["from"], sheet["to"], sheet["version"]) for sheet in newest]

    assert [version for *_, version in spans] == [2, 2, 1]
    assert all(begins < ends for begins, ends, _ in spans)
    assert all(former[1] < later[0] for former, later in pairwise(spans))


async def test_a_sheet_has_ended_before_the_next_is_sent_and_begins_on_an_even_second(
    desk: Desk, technician: Technician
) -> None:
    for tube in BY_CHANNEL[:2]:
        await technician.prepare([tube])
    now = datetime.fromisoformat(desk.sheets[0]["from"]).tzinfo
    _, ended, next_ = desk.sheets
    begins = datetime.fromisoformat(next_["from"])

    assert (ended["run"], next_["run"]) == (desk.sheets[0]["run"], desk.sheets[2]["run"])
    assert begins.second % 2 == 0
    assert begins <= datetime.now(now)


async def test_the_key_is_sent_as_a_bearer(desk: Desk, technician: Technician) -> None:
    await technician.prepare(TUBES[:2])

    assert desk.keys == ["Bearer secret"]


async def test_a_lab_that_is_starting_is_asked_again(desk: Desk, technician: Technician) -> None:
    desk.answers = [503, 404]
    await technician.prepare(TUBES[:2])

    assert len(desk.sheets) == 1


async def test_a_lab_that_refuses_is_not_asked_again_and_its_reason_is_said(
    desk: Desk, technician: Technician
) -> None:
    desk.answers = [403]

    with pytest.raises(LabSilent, match=r"403.*a station this lab knows expected"):
        await technician.prepare(TUBES[:2])


async def test_the_sheet_is_waited_for_until_the_gateway_has_it(
    desk: Desk, technician: Technician
) -> None:
    desk.replies = [(None, None), (None, None), ("done", None)]
    await technician.prepare(TUBES[:2])

    assert desk.replies == []


async def test_a_gateway_that_refuses_a_sheet_is_quoted(desk: Desk, technician: Technician) -> None:
    desk.replies = [("refused", "instrument pest-1 expected, pest-9 found")]

    with pytest.raises(LabSilent, match="refused: instrument pest-1 expected, pest-9 found"):
        await technician.prepare(TUBES[:2])
