"""A reader of log lines that notes those which cannot be formatted."""

from __future__ import annotations

import logging


class LogLines(logging.Handler):
    """Formats every line, as the programs would; `logging` itself only prints such an error."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.unformattable: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.getMessage()
        except (TypeError, ValueError, KeyError) as error:
            where = f"{record.pathname}:{record.lineno}"
            self.unformattable.append(f"{where}: {record.msg!r} with {record.args!r}: {error}")
