"""G10: nothing but the public list answers without a key; a role does only what it may."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from lab_api.app.lab import ROUTERS
from lab_api.auth import Role, revoke_key
from lab_api.routes.gate import MOST_BODY, is_public
from lab_api.routes.needs import Needs
from tests.lab_api.station import NOON
from tests.lab_api.web import Web, running

PROBLEM = "application/problem+json"
EXAMPLES = {
    "station": "s0007",
    "request_id": "lab1.abc",
    "slug": "no-key",
}


@pytest.fixture
async def web(sqlite_url: str) -> AsyncIterator[Web]:
    async with running(sqlite_url) as made:
        yield made


def routes() -> Iterator[tuple[str, str, APIRoute]]:
    """Every route of the application as (method, an example of its path, the route)."""
    for module in ROUTERS:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for method in sorted(route.methods or ()):
                path = re.sub(r"{(\w+)}", lambda found: EXAMPLES[found[1]], route.path)
                yield method, path, route


def needs_of(route: APIRoute) -> Needs | None:
    """The roles a route declares."""
    calls = [dependency.call for dependency in route.dependant.dependencies]
    return next((call for call in calls if isinstance(call, Needs)), None)


ALL = [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in routes()]


@pytest.mark.parametrize(("method", "path", "route"), ALL)
def test_a_route_is_public_by_the_list_or_declares_its_roles(
    method: str, path: str, route: APIRoute
) -> None:
    assert is_public(method, path) is (needs_of(route) is None)


async def test_every_route_that_is_not_public_answers_401_without_a_key(web: Web) -> None:
    closed = [(method, path) for method, path, _ in routes() if not is_public(method, path)]
    assert len(closed) >= 5

    for method, path in closed:
        for headers in ({}, {"authorization": "Bearer kj_x"}, {"authorization": "Basic eA=="}):
            answer = await web.client.request(method, path, headers=headers)

            assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["type"] == "/problems/no-key"


async def test_every_route_refuses_the_roles_it_does_not_name(web: Web) -> None:
    keys = {role: web.key(role) for role in Role}

    for method, path, route in routes():
        needs = needs_of(route)
        for role in set(Role) - (needs.roles if needs else set(Role)):
            answer = await web.client.request(method, path, headers=keys[role])

            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/wrong-role")


async def test_every_route_answers_a_role_that_it_names(web: Web) -> None:
    for method, path, route in routes():
        needs = needs_of(route)
        for role in needs.roles if needs else ():
            answer = await web.client.request(method, path, headers=web.key(role))

            assert answer.status_code not in (401, 403)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/api"),
        ("GET", "/api/v1/users"),
        ("GET", "/api/v1/boards/s0007/secrets"),
        ("GET", "/api/v1/boards/S0007"),
        ("GET", "http://lab//healthz"),
        ("GET", "/healthz/"),
        ("POST", "/healthz"),
        ("DELETE", "/api/v1/boards/s0007"),
        ("POST", "/api/v1/boards"),
        ("GET", "/docs"),
        ("GET", "/redoc"),
        ("GET", "/admin"),
        ("OPTIONS", "/api/v1/runs"),
        ("TRACE", "/"),
        ("GET", "/assets"),
        ("GET", "/api/v1/boards/s0007%2F..%2F..%2Fresults"),
    ],
)
async def test_what_does_not_exist_is_as_closed_as_what_does(
    web: Web, method: str, path: str
) -> None:
    answer = await web.client.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)


async def test_with_a_key_what_does_not_exist_is_not_found(web: Web) -> None:
    answer = await web.client.get("/api/v1/users", headers=web.key(Role.KIOSK))

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert answer.json()["instance"] == "/api/v1/users"


async def test_with_a_key_a_method_a_path_does_not_know_is_said(web: Web) -> None:
    answer = await web.client.delete("/api/v1/boards", headers=web.key(Role.ADMIN))

    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/no-such-method")


async def test_a_revoked_key_is_no_key(web: Web) -> None:
    key = web.key(Role.ADMIN)
    id_ = key["authorization"].split("_")[1]
    assert (await web.client.get("/metrics", headers=key)).status_code == 200

    web.lab.write(lambda session: revoke_key(session, id_, "terminal:test", NOON))

    assert (await web.client.get("/metrics", headers=key)).status_code == 401


async def test_another_secret_with_a_known_id_is_no_key(web: Web) -> None:
    kj, id_, _ = web.key(Role.ADMIN)["authorization"].split("_")

    answer = await web.client.get("/metrics", headers={"authorization": f"{kj}_{id_}_{'0' * 64}"})

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/", "/kiosk/s0007", "/healthz", "/nothing", "/assets/kiosk.js"])
async def test_every_answer_is_sealed(web: Web, path: str) -> None:
    answer = await web.client.get(path)

    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_a_body_that_is_too_large_is_refused(web: Web) -> None:
    answer = await web.client.post(
        "/api/v1/runs",
        headers={**web.key(Role.TECHNICIAN), "content-type": "application/json"},
        content=b" " * (MOST_BODY + 1),
    )

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


@pytest.mark.parametrize(
    "path", ["/assets/../lab_api/cli.py", "/assets/..%2Fsettings.py", "/assets/kiosk.html"]
)
async def test_only_the_files_of_the_pages_are_served(web: Web, path: str) -> None:
    answer = await web.client.get(path, headers=web.key(Role.ADMIN))

    assert answer.status_code == 404


async def test_what_is_mounted_is_only_assets(web: Web) -> None:
    mounted = [route.path for route in web.app.routes if isinstance(route, Mount)]

    assert mounted == ["/assets/locales", "/assets"]


async def test_every_kind_of_problem_is_explained(web: Web) -> None:
    answer = await web.client.get("/problems/no-key")

    assert (answer.status_code, "Bearer" in answer.text) == (200, True)
    assert (await web.client.get("/problems/unheard-of")).status_code == 404
