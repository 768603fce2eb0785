"""What each route answers, over a real store of each kind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.wire.board import Board
from gateway.wire.commands import RunCommand
from gateway.wire.topics import GatewayTopics
from lab_api.auth import Role
from lab_api.store.tables import Audit, StoredCommand
from tests.lab_api.station import FakeGateway, payload
from tests.lab_api.web import Web, running

PROBLEM = "application/problem+json"


@pytest.fixture
async def web(store_url: str) -> AsyncIterator[Web]:
    async with running(store_url) as made:
        made.lab.now = datetime.now(UTC)
        yield made


@pytest.fixture
def gateway(web: Web) -> FakeGateway:
    made = FakeGateway()
    now = web.lab.now
    web.lab.take(made.status(), made.raw_message(), *made.entries("a", "b", at=now))
    return made


def sheet(**changes: Any) -> dict[str, Any]:
    return {
        "station": "s0007",
        "gateway": "gw1",
        "run": "r-1",
        "version": 1,
        "instrument": "pest-1",
        "from": "2026-11-24T06:00:00+08:00",
        "to": "2026-11-24T07:00:00+08:00",
        "samples": [{"number": "N1", "channel": "3", "food": "01040201", "stall": "A-013"}],
        **changes,
    }


async def test_a_board_is_the_wires_own_board(web: Web, gateway: FakeGateway) -> None:
    answer = await web.client.get("/api/v1/boards/s0007")

    board = Board.model_validate(answer.json())
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert [row.sample for row in board.rows] == ["N-b", "N-a"]
    assert (board.n, board.feed) == (2, web.lab.store.feed)


async def test_the_etag_changes_with_what_is_shown_only(web: Web, gateway: FakeGateway) -> None:
    tag = (await web.client.get("/api/v1/boards/s0007")).headers["etag"]
    same = {"if-none-match": tag}
    assert (await web.client.get("/api/v1/boards/s0007", headers=same)).status_code == 304

    web.lab.take(*gateway.entries("c", at=web.lab.now))

    assert (await web.client.get("/api/v1/boards/s0007", headers=same)).status_code == 200


@pytest.mark.parametrize("path", ["", "/stream", "/qr.svg"])
async def test_a_board_that_is_not_published_is_not_found(web: Web, path: str) -> None:
    for station in ("s0007", "s0099"):
        answer = await web.client.get(f"/api/v1/boards/{station}{path}")

        assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)


async def test_the_list_of_boards_names_their_pages(web: Web, gateway: FakeGateway) -> None:
    answer = await web.client.get("/api/v1/boards")

    (line,) = answer.json()["items"]
    assert answer.json()["next"] is None
    assert (line["station"], line["name"], line["demo"]) == ("s0007", "浑南农贸市场快检室", True)
    assert line["kiosk"] == "https://lab.example/kiosk/s0007"


async def test_a_qr_code_is_drawn(web: Web, gateway: FakeGateway) -> None:
    answer = await web.client.get("/api/v1/boards/s0007/qr.svg")

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/kiosk/s0007", "text/html"),
        ("/kiosk/s0099?lang=en", "text/html"),
        ("/assets/kiosk.js", "text/javascript"),
        ("/assets/kiosk.css", "text/css"),
        ("/assets/locales/zh-CN.json", "application/json"),
        ("/assets/locales/en.json", "application/json"),
        ("/favicon.ico", "image/svg+xml"),
        ("/asyncapi.yaml", "application/yaml"),
    ],
)
async def test_the_pages_are_served(web: Web, path: str, kind: str) -> None:
    answer = await web.client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/sign-in", "/q/abcdefghijkl", "/api/v1/public/notices"])
async def test_public_paths_of_later_versions_are_not_found(web: Web, path: str) -> None:
    answer = await web.client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)


async def test_alive_says_nothing_of_the_broker_and_ready_does(web: Web) -> None:
    alive, ready = await web.client.get("/healthz"), await web.client.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"ok": True})
    assert ready.status_code == 503
    checks = ready.json()["checks"]
    assert (checks["store"]["ok"], checks["broker"]["ok"]) == (True, False)
    assert checks["broker"]["says"] == "a connected broker expected, none found"


async def test_the_openapi_document_says_3_1_and_names_the_paths(web: Web) -> None:
    document = (await web.client.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/boards/{station}", "/api/v1/runs", "/healthz"} <= set(document["paths"])
    assert document["paths"]["/api/v1/runs"]["post"]["security"] == [{"key": []}]
    assert "security" not in document["paths"]["/api/v1/boards"]["get"]


async def test_a_run_sheet_becomes_a_command_that_is_kept(web: Web, gateway: FakeGateway) -> None:
    key = web.key(Role.TECHNICIAN)

    answer = await web.client.post("/api/v1/runs", json=sheet(), headers=key)

    assert answer.status_code == 202
    (stored,) = web.lab.rows(StoredCommand)
    command = RunCommand.model_validate_json(stored.payload)
    assert answer.json() == {"request": command.request}
    assert (stored.verb, stored.region, stored.station, stored.gateway) == (
        "run",
        "210112",
        "s0007",
        "gw1",
    )
    assert (command.lab, command.sheet.run, command.sheet.samples[0].stall) == (
        "lab1",
        "r-1",
        "A-013",
    )
    state = await web.client.get(f"/api/v1/runs/{command.request}", headers=key)
    assert (state.status_code, state.json()["answer"]) == (200, None)


async def test_who_sent_a_run_sheet_is_written_down(web: Web, gateway: FakeGateway) -> None:
    key = web.key(Role.TECHNICIAN)
    await web.client.post("/api/v1/runs", json=sheet(), headers=key)

    sent = [row for row in web.lab.rows(Audit) if row.deed == "run-sent"]

    assert [(row.who, row.subject) for row in sent] == [
        (f"key:{key['authorization'].split('_')[1]}", "s0007/gw1")
    ]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"version": "1"}, "body.version"),
        ({"version": 0}, "body.version"),
        ({"station": "S7"}, "body.station"),
        ({"from": "yesterday"}, "body.from"),
        ({"to": "2026-11-24T05:00:00+08:00"}, "body"),
        ({"samples": [{}]}, "body.samples.0.number"),
        ({"surprise": 1}, "body.surprise"),
        ({"run": "\x00"}, "body.run"),
    ],
)
async def test_a_run_sheet_of_the_wrong_shape_names_the_place(
    web: Web, gateway: FakeGateway, changes: dict[str, Any], where: str
) -> None:
    answer = await web.client.post(
        "/api/v1/runs", json=sheet(**changes), headers=web.key(Role.TECHNICIAN)
    )

    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert answer.json()["errors"][0]["where"] == where
    assert web.lab.rows(StoredCommand) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"version": NaN}'])
async def test_a_body_that_is_no_json_is_refused(web: Web, body: bytes) -> None:
    headers = {**web.key(Role.TECHNICIAN), "content-type": "application/json"}

    answer = await web.client.post("/api/v1/runs", content=body, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


async def test_a_body_of_another_kind_is_refused(web: Web) -> None:
    answer = await web.client.post(
        "/api/v1/runs", data={"a": "b"}, headers=web.key(Role.TECHNICIAN)
    )

    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/not-json")


async def test_a_run_sheet_for_a_station_nobody_knows_is_not_found(web: Web) -> None:
    answer = await web.client.post(
        "/api/v1/runs", json=sheet(station="s0099"), headers=web.key(Role.ADMIN)
    )

    assert answer.status_code == 404


async def test_a_run_sheet_for_a_station_of_another_lab_is_refused(web: Web) -> None:
    made = FakeGateway()
    made.card["lab"] = "lab2"
    web.lab.take(made.status())

    answer = await web.client.post("/api/v1/runs", json=sheet(), headers=web.key(Role.ADMIN))

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-published-here")


async def test_a_key_reaches_only_its_scope(web: Web, gateway: FakeGateway) -> None:
    for scope, status in (("210112/s0007", 202), ("21", 202), ("3301", 403), ("210112/s", 403)):
        key = web.key(Role.TECHNICIAN, scope)

        answer = await web.client.post("/api/v1/runs", json=sheet(), headers=key)

        assert (scope, answer.status_code) == (scope, status)


async def test_results_come_newest_first_page_by_page(web: Web, gateway: FakeGateway) -> None:
    web.lab.take(*gateway.entries(*"cdefg", at=web.lab.now))
    key = web.key(Role.MONITOR)
    found: list[str] = []
    cursor = ""
    for _ in range(4):
        page = (await web.client.get(f"/api/v1/results?limit=2{cursor}", headers=key)).json()
        found += [line["id"] for line in page["items"]]
        cursor = f"&cursor={page['next']}"

    assert page["next"] is None
    assert sorted(found) == sorted(payload(name)["id"] for name in "abcdefg")


async def test_a_result_comes_with_its_state_and_as_it_was_sent(
    web: Web, gateway: FakeGateway
) -> None:
    message = gateway.entry(payload("a", revision=2, outcome="fail", at=web.lab.now))
    web.lab.take(message)

    page = await web.client.get(
        "/api/v1/results?state=withdrawn&station=s0007", headers=web.key(Role.REVIEWER)
    )

    (line,) = page.json()["items"]
    assert (line["revision"], line["state"], line["reason"]) == (2, "withdrawn", "positive")
    assert line["result"] == json.loads(message.payload)


@pytest.mark.parametrize("scope", ["3301", "210112/s0008"])
async def test_results_outside_the_scope_are_not_there(
    web: Web, gateway: FakeGateway, scope: str
) -> None:
    page = await web.client.get("/api/v1/results", headers=web.key(Role.MONITOR, scope))

    assert page.json() == {"items": [], "next": None}


async def test_a_cursor_of_somebody_else_is_refused(web: Web) -> None:
    for path in ("/api/v1/results", "/api/v1/stations"):
        answer = await web.client.get(f"{path}?cursor=abc", headers=web.key(Role.ADMIN))

        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query.cursor")


async def test_stations_show_how_far_each_gateway_is_held(web: Web, gateway: FakeGateway) -> None:
    page = await web.client.get("/api/v1/stations", headers=web.key(Role.MONITOR))

    (line,) = page.json()["items"]
    (shown,) = line["gateways"]
    assert (line["station"], line["known"], line["objection"]) == ("s0007", True, None)
    assert shown["epochs"] == [{"epoch": gateway.epoch, "through": 2, "fork": False}]


async def test_a_station_only_heard_is_listed_for_admin_alone(web: Web) -> None:
    stranger = FakeGateway(GatewayTopics("210112", "s0099", "gw1"))
    web.lab.take(stranger.status())

    for role, expected in ((Role.ADMIN, ["s0007", "s0099"]), (Role.MONITOR, ["s0007"])):
        page = await web.client.get("/api/v1/stations", headers=web.key(role))

        assert [line["station"] for line in page.json()["items"]] == expected


async def test_metrics_are_prometheus_text(web: Web, gateway: FakeGateway) -> None:
    answer = await web.client.get("/metrics", headers=web.key(Role.MONITOR))

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "kuaijian_lab_results 2\n" in answer.text
    assert "kuaijian_lab_broker_connected 0\n" in answer.text
