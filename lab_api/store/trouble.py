"""Two kinds of failure of a store: it is in trouble, or what it was given is poison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)

POISON = (StatementError, ValueError, TypeError, ArithmeticError, LookupError)
"""What a value that no column can hold raises; trying it again cannot help."""


class StoreTrouble(Exception):
    """The store does not answer, is full, or chose us as a deadlock's victim: try again later."""


@contextmanager
def named_trouble() -> Iterator[None]:
    """Raise StoreTrouble for what lies with the store; let through what lies with a value."""
    try:
        yield
    except (DataError, IntegrityError, ProgrammingError):
        raise
    except DBAPIError as error:
        raise _trouble(error.orig) from error
    except StatementError:
        raise
    except SQLAlchemyError as error:
        raise _trouble(error) from error


def _trouble(found: object) -> StoreTrouble:
    said = " ".join(str(found).split())  # a driver may use several lines
    return StoreTrouble(f"a working store expected, {said} found")
