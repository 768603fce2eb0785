"""The text of an ASTM message while its frames arrive: where records end, and when it is whole."""

from __future__ import annotations

import re

_LINE_END = b"\r\n"
_FRAME_NUMBERS = tuple(b"%d" % number for number in range(8))
_HEADER = re.compile(rb"(?:\A|[\r\n])[0-7]?H([^0-9A-Za-z\s\0])(?![0-9A-Za-z])")
"""A delimiter is no letter, digit or blank, and others are declared after it (LIS2-A2 5.4)."""
_LONGEST_HEADER = len(b"\r1H|")
_RESULT = re.compile(rb"(?:\A|[\r\n])[0-7]?R\|")


def field_delimiter(text: bytes | bytearray) -> bytes:
    """The field delimiter a message declares with its header's second byte; ``|`` without one.

    What stands in lines before the header does not matter.
    """
    return _declared(text, 0) or b"|"


def _declared(text: bytes | bytearray, start: int) -> bytes | None:
    header = _HEADER.search(text, start)
    return header[1] if header else None


def is_message(text: bytes) -> bool:
    """Whether a text holds what makes a message: a header, or results without one."""
    return _HEADER.search(text) is not None or _RESULT.search(text) is not None


def is_record(line: bytes | bytearray, kinds: bytes, delimiter: bytes = b"|") -> bool:
    """Whether a line is a record of one of `kinds`; a stray frame number before it is forgiven."""
    start = 1 if line[:1] in _FRAME_NUMBERS else 0
    kind, after = line[start : start + 1], line[start + 1 : start + 2]
    return len(kind) == 1 and kind in kinds and after in (delimiter, b"")


def begins_message(text: bytes) -> bool:
    """Whether a text begins with a header record."""
    return len(text) > 1 and is_record(text, b"H", field_delimiter(text))


def asks(text: bytes) -> bool:
    """Whether a whole message is a query to the host: it holds Q records and no results."""
    delimiter = re.escape(field_delimiter(text))
    return (
        re.search(rb"(?:\A|[\r\n])[0-7]?Q" + delimiter, text) is not None
        and re.search(rb"(?:\A|[\r\n])[0-7]?R" + delimiter, text) is None
    )


class MessageText:
    """Grows by a frame's text at a time; looks at every byte once."""

    def __init__(self) -> None:
        self.text = bytearray()
        self._record = 0
        """Where the record that is being written begins."""
        self._undo = (0, 0)
        self._delimiter: bytes | None = None
        """As the header declares it; None before it has come."""
        self.has_arrived = False
        """It was whole once; if it goes on existing, its sender was asked to repeat the end."""

    def __len__(self) -> int:
        return len(self.text)

    def is_followed_by(self, piece: bytes) -> bool:
        """Whether a frame's text begins another message, though this one has no L record yet."""
        is_between_records = self._record == len(self.text)
        return bool(self.text) and is_between_records and begins_message(piece)

    def add(self, piece: bytes, *, ends: bool) -> bool:
        """Add a frame's text; return whether its last record is now a complete L record.

        With `ends` (<ETX>) the last record is complete even without its <CR>.
        """
        self._undo = (len(self.text), self._record)
        start = len(self.text)
        self.text += piece
        if self._delimiter is None:
            self._delimiter = _declared(self.text, max(0, start - _LONGEST_HEADER))
        if ends and piece[-1:] not in (b"\r", b"\n"):
            self.text += b"\r"
        body = piece.rstrip(_LINE_END)
        last_end = max(body.rfind(b"\r"), body.rfind(b"\n"))
        if last_end >= 0:
            self._record = start + last_end + 1
        opening = self.text[self._record : self._record + 3].rstrip(_LINE_END)
        is_over = ends or len(body) < len(piece)
        if is_over:
            self._record = len(self.text)
        return is_over and bool(opening) and is_record(opening, b"L", self._delimiter or b"|")

    def forget_last(self) -> None:
        """Take the last piece back: it will be sent again."""
        length, self._record = self._undo
        del self.text[length:]
        self._delimiter = _declared(self.text, 0)
        self.has_arrived = True
