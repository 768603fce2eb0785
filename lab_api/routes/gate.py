"""The gate: nobody passes without a key, but to what stands in the public list.

It stands before all routing, so that a path that does not exist, or was forgotten, is closed:
without a key everything else answers 401, and only then is anything looked up.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab_api.auth import Principal, who_shows
from lab_api.errors import MEDIA_TYPE, Problem, Slug
from lab_api.store.store import Store
from lab_api.store.trouble import StoreTrouble

_STATION = r"[a-z0-9_-]{1,64}"
PUBLIC = tuple(
    re.compile(pattern)
    for pattern in (
        r"/",
        r"/sign-in",
        r"/healthz",
        r"/readyz",
        r"/openapi\.json",
        r"/asyncapi\.yaml",
        r"/favicon\.ico",
        r"/problems/[a-z-]{1,40}",
        r"/assets/[A-Za-z0-9_./-]{1,200}",
        r"/q/[a-z0-9]{1,32}",
        rf"/kiosk/{_STATION}",
        r"/api/v1/boards",
        rf"/api/v1/boards/{_STATION}",
        rf"/api/v1/boards/{_STATION}/(stream|qr\.svg)",
        rf"/api/v1/public/notices(/{_STATION})?",
    )
)
"""All that answers without a key (DESIGN.md §5.5), and only to GET and HEAD."""

MOST_BODY = 1024 * 1024
"""Bytes of a request's body."""

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def is_public(method: str, path: str) -> bool:
    """Whether a request needs no key."""
    return method in ("GET", "HEAD") and any(each.fullmatch(path) for each in PUBLIC)


class Gate:
    """Checks the key of every request that is not public, and seals every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # Only the lifespan: a WebSocket has no route, and none is upgraded to.
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _seal(message)
            await send(message)

        try:
            await self._let_in(scope)
        except Problem as problem:
            await problem_response(problem, scope["path"])(scope, receive, sealed)
            return
        await self._app(scope, _limited(receive), sealed)

    async def _let_in(self, scope: Scope) -> None:
        if is_public(scope["method"], scope["path"]):
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["principal"] = await _principal(scope)


async def _principal(scope: Scope) -> Principal:
    scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise _no_key("Authorization: Bearer and a key expected, none found")
    store: Store = scope["app"].state.rooms.store
    try:
        principal = await store.read(lambda session: who_shows(session, key.strip()))
    except StoreTrouble as trouble:
        raise store_away(trouble) from trouble
    if principal is None:
        raise _no_key("a valid key expected, another found")
    return principal


def _limited(receive: Receive) -> Receive:
    """A body of at most MOST_BODY; beyond it the route that reads ends with 413."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BODY:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                Slug.TOO_LARGE,
                f"a body of at most {MOST_BODY} bytes expected, more found",
            )
        return message

    return limited


def _no_key(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, Slug.NO_KEY, detail)


def store_away(trouble: StoreTrouble) -> Problem:
    """503: nothing is known of what was asked; a later try may succeed."""
    del trouble  # what a database says of itself is not for the web
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, Slug.STORE_AWAY, "a database that answers expected"
    )


def problem_response(problem: Problem, path: str) -> JSONResponse:
    """A problem as its answer."""
    headers = {"cache-control": "no-store"}
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="kuaijian"'
    if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "2"
    return JSONResponse(
        problem.body(path), int(problem.status), headers=headers, media_type=MEDIA_TYPE
    )


def _seal(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
