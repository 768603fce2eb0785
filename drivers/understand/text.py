"""Text that may travel."""

from __future__ import annotations

import re

_UNSHOWABLE = re.compile("[\0\ud800-\udfff]")


def shown(text: str) -> str:
    """A text that every store and every wire can carry (CUSTODY.md 10)."""
    return _UNSHOWABLE.sub("\ufffd", text)


def padded_text(octets: bytes, encoding: str) -> str | None:
    """Text of a fixed width, padded with NUL, backspaces or blanks; None where there is none.

    A character of two bytes that the width cut in half is left out.

    >>> padded_text("农残".encode("gbk") + b"\\xb1", "gbk")
    '农残'
    """
    padded = octets.strip(b"\0\b ")
    for end in (len(padded), len(padded) - 1):
        try:
            return shown(padded[:end].decode(encoding)).strip() or None
        except UnicodeDecodeError:
            continue
    return shown(padded.decode(encoding, "replace")).strip() or None
