"""Text that may travel."""

from __future__ import annotations

from drivers.errors import shown


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
