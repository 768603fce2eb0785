"""Every failure of a request as one RFC 9457 answer."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from lab_api.errors import EXPLANATIONS, Problem, Slug, Wrong, not_found
from lab_api.routes.gate import problem_response, store_away
from lab_api.store.trouble import StoreTrouble

log = logging.getLogger(__name__)

router = APIRouter()

BY_STATUS = {
    HTTPStatus.NOT_FOUND: Slug.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Slug.NO_SUCH_METHOD,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Slug.TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Slug.NOT_JSON,
}


@router.get("/problems/{slug}", include_in_schema=False)
async def explain(slug: Annotated[str, Path(max_length=40)]) -> Response:
    """What a problem's `type` points at."""
    if slug not in set(Slug):
        raise not_found("a kind of problem")
    return PlainTextResponse(EXPLANATIONS[Slug(slug)])


def answer_problems(app: FastAPI) -> None:
    """Let every exception of a route become its problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(StoreTrouble, _store_trouble)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)


async def _problem(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem), "registered for problems"
    return problem_response(problem, request.url.path)


async def _store_trouble(request: Request, trouble: Exception) -> JSONResponse:
    assert isinstance(trouble, StoreTrouble), "registered for trouble of the store"
    log.warning("%s: %s", request.url.path, trouble)
    return problem_response(store_away(trouble), request.url.path)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "registered for HTTP errors"
    status = HTTPStatus(error.status_code)
    slug = BY_STATUS.get(status, Slug.FAILED if status >= 500 else Slug.BAD_REQUEST)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    answer = problem_response(Problem(status, slug, detail), request.url.path)
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError), "registered for invalid requests"
    wrong = tuple(
        Wrong(".".join(str(step) for step in each["loc"]), each["msg"]) for each in error.errors()
    )
    return problem_response(invalid(wrong), request.url.path)


def invalid(wrong: tuple[Wrong, ...]) -> Problem:
    """422 naming each value that was not what was expected."""
    first = wrong[0] if wrong else Wrong("request", "another value")
    detail = f"{first.where}: {first.expected}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, Slug.INVALID, detail, wrong)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    # The server writes down the error itself; the asker learns only that there was one.
    problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, Slug.FAILED, "an answer expected")
    return problem_response(problem, request.url.path)
