"""Problems as the web reads them: RFC 9457 `application/problem+json`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"


class Slug(StrEnum):
    """Every kind of problem this lab answers with; `/problems/{slug}` explains it."""

    BAD_REQUEST = "bad-request"
    NO_KEY = "no-key"
    WRONG_ROLE = "wrong-role"
    OUT_OF_SCOPE = "out-of-scope"
    NOT_FOUND = "not-found"
    NO_SUCH_METHOD = "no-such-method"
    NOT_PUBLISHED_HERE = "not-published-here"
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    INVALID = "invalid"
    STORE_AWAY = "store-away"
    TOO_MANY = "too-many"
    FAILED = "failed"


EXPLANATIONS: dict[Slug, str] = {
    Slug.BAD_REQUEST: "The request could not be read.",
    Slug.NO_KEY: "This path answers only with a valid key: Authorization: Bearer …",
    Slug.WRONG_ROLE: "The key is valid, but its role may not do this.",
    Slug.OUT_OF_SCOPE: "The key is valid, but its scope does not reach this station.",
    Slug.NOT_FOUND: "There is nothing here.",
    Slug.NO_SUCH_METHOD: "This path knows other methods only.",
    Slug.NOT_PUBLISHED_HERE: "This lab does not publish that station.",
    Slug.TOO_LARGE: "The request's body is larger than this lab takes.",
    Slug.NOT_JSON: "The request's body is not what its content type says, or not JSON.",
    Slug.INVALID: "The request was read, and a value in it is not what was expected.",
    Slug.STORE_AWAY: "The lab's database does not answer. Nothing was stored; try again.",
    Slug.TOO_MANY: "As many readers as this lab serves are already connected; try again.",
    Slug.FAILED: "The lab failed, and has written down why.",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One value that was not what was expected, and where it stood."""

    where: str
    expected: str


class Problem(Exception):
    """Ends a request with one RFC 9457 answer; `detail` says what was expected and found."""

    def __init__(
        self, status: HTTPStatus, slug: Slug, detail: str, wrong: tuple[Wrong, ...] = ()
    ) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail, self.wrong = status, slug, detail, wrong

    def body(self, instance: str) -> dict[str, object]:
        """The members of RFC 9457 §3.1, and `errors` where values were wrong."""
        members: dict[str, object] = {
            "type": f"/problems/{self.slug}",
            "title": EXPLANATIONS[self.slug],
            "status": int(self.status),
            "detail": self.detail,
            "instance": instance,
        }
        if self.wrong:
            members["errors"] = [
                {"where": each.where, "expected": each.expected} for each in self.wrong
            ]
        return members


def not_found(what: str) -> Problem:
    """404 naming what was looked for."""
    return Problem(HTTPStatus.NOT_FOUND, Slug.NOT_FOUND, f"{what} expected, none found")
