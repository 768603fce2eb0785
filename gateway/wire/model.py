"""The ground every wire model stands on: what is refused, and how it becomes bytes."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
)

Json = dict[str, Any]


_REFUSED = re.compile("[\x00\ud800-\udfff]")


def _clean(text: str) -> str:
    if _REFUSED.search(text):
        raise ValueError("text without NUL and lone surrogates expected")
    return text


def _rfc3339(when: datetime) -> str:
    text = when.isoformat(timespec="milliseconds" if when.microsecond else "seconds")
    return text


LARGEST = 2**53 - 1
"""Above it a reader that counts in doubles counts wrong."""
Count = Annotated[int, Field(ge=0, le=LARGEST)]
"""A whole number that every reader and every database holds."""

Text = Annotated[str, AfterValidator(_clean)]
"""Text without NUL and lone surrogates: neither survives every database and every reader."""

When = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str)]
"""An instant with its offset; RFC 3339 on the wire."""


class Wire(BaseModel):
    """Frozen; a reader tolerates unknown fields, a writer is checked by mypy."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def body(self) -> Json:
        """This model as JSON values, keys as on the wire."""
        return self.model_dump(mode="json", by_alias=True)

    def to_bytes(self) -> bytes:
        """This model as canonical JSON."""
        return canonical(self.body())


def canonical(value: Json) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: the same value always gives the same bytes.

    >>> canonical({"b": "农残", "a": None})
    b'{"a":null,"b":"\\xe5\\x86\\x9c\\xe6\\xae\\x8b"}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
