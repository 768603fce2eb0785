"""A lab's web application in this process, over a store, with its broker away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from lab_api.app.lab import create_app
from lab_api.auth import NewKey, Role, add_key
from lab_api.routes.rooms import Rooms
from lab_api.settings import LabSettings
from lab_api.store.store import Store
from tests.lab_api.conftest import Lab
from tests.lab_api.station import NOON

NOBODY = "mqtt://127.0.0.1:9"


def settings(url: str, **changes: object) -> LabSettings:
    return LabSettings.model_validate(
        {
            "lab": {"id": "lab1"},
            "store": {"url": url},
            "mqtt": {"url": NOBODY},
            "http": {"public-url": "https://lab.example"},
            "station": [{"id": "s0007", "region": "210112", "publish": True}],
            **changes,
        }
    )


@dataclass
class Web:
    """A client of the application; `lab` reaches behind it."""

    app: FastAPI
    client: httpx.AsyncClient
    lab: Lab
    died: list[bool]

    @property
    def rooms(self) -> Rooms:
        rooms: Rooms = self.app.state.rooms
        return rooms

    def key(self, role: Role, scope: str = "") -> dict[str, str]:
        """The headers of a fresh key."""
        new = NewKey(role, scope, "test", "terminal:test", NOON)
        key = self.lab.write(lambda session: add_key(session, new))
        return {"authorization": f"Bearer {key}"}


@asynccontextmanager
async def running(url: str, broker: str = NOBODY, share: str = "") -> AsyncIterator[Web]:
    store, died = Store(url), list[bool]()
    read = settings(url, mqtt={"url": broker, "share": share})
    app = create_app(read, store, lambda: died.append(True))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://lab") as client,
    ):
        yield Web(app, client, Lab(store), died)
