"""Which role a route needs, declared where the route is."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request

from gateway.wire.topics import StationTopics
from lab_api.auth import Principal, Role
from lab_api.errors import Problem, Slug


class Needs:
    """A dependency that lets only these roles through, and gives the route who it is."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)

    def __call__(self, request: Request) -> Principal:
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None:
            raise Problem(HTTPStatus.UNAUTHORIZED, Slug.NO_KEY, "a key expected, none found")
        if principal.role not in self.roles:
            expected = " or ".join(sorted(self.roles))
            raise Problem(
                HTTPStatus.FORBIDDEN,
                Slug.WRONG_ROLE,
                f"the role {expected} expected, {principal.role} found",
            )
        return principal


def must_reach(principal: Principal, station: StationTopics) -> None:
    """Refuse a station outside the key's scope."""
    if not principal.reaches(station):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            Slug.OUT_OF_SCOPE,
            f"a station within {principal.scope} expected, "
            f"{station.region}/{station.station} found",
        )
