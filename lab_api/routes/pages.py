"""The public pages: static files, and the contract in machine-readable form."""

from __future__ import annotations

from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import gateway.wire
import lab_api
from lab_api.errors import not_found
from lab_api.schemas import SEGMENT_PATTERN

ROOM = File(lab_api.__file__).parent
PAGES = ROOM / "pages"
LOCALES = ROOM / "locales"
ASYNCAPI = File(gateway.wire.__file__).parent / "asyncapi.yaml"
# A page that is open for weeks must never run half of one version and half of another.
FRESH = {"cache-control": "no-cache"}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def landing() -> Response:
    """The front door: which boards there are."""
    return _page(PAGES / "index.html")


@router.get("/kiosk/{station}")
async def kiosk(station: Annotated[str, Path(pattern=SEGMENT_PATTERN)]) -> Response:
    """The big screen of a station. The page itself says where its station has no board yet."""
    del station
    return _page(PAGES / "kiosk.html")


@router.get("/favicon.ico")
async def icon() -> Response:
    """What browsers ask for unasked."""
    return _page(PAGES / "icon.svg", "image/svg+xml")


@router.get("/asyncapi.yaml")
async def asyncapi() -> Response:
    """The contract over MQTT (AsyncAPI 3.0)."""
    return _page(ASYNCAPI, "application/yaml")


def _page(file: File, media_type: str | None = None) -> Response:
    if not file.is_file():
        raise not_found(f"a file {file.name}")
    return FileResponse(file, media_type=media_type, headers=FRESH)


class Assets(StaticFiles):
    """Files of the pages; words under `locales/`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.endswith(".html"):
            raise HTTPException(404)
        answer = await super().get_response(path, scope)
        answer.headers.update(FRESH)
        return answer
