"""Logs: one JSON object a line for machines, one plain line for people at a terminal."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

link: ContextVar[str | None] = ContextVar("link", default=None)
"""The link that this task serves, said with every line."""


class JsonLines(logging.Formatter):
    """`{"at", "level", "where", "link", "text"}`, one a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "where": record.name,
            "link": link.get(),
            "text": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps({k: v for k, v in line.items() if v is not None}, ensure_ascii=False)


def start_logging(level: int = logging.INFO) -> None:
    """Log to stderr: plain where a person watches, JSON lines elsewhere."""
    writer = logging.StreamHandler(sys.stderr)
    if sys.stderr.isatty():
        writer.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    else:
        writer.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[writer], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
