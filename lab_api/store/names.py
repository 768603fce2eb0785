"""Random names in base32 without padding: short, readable aloud, and unguessable when long."""

from __future__ import annotations

import base64
import secrets


def random_name(letters: int) -> str:
    """`letters` random letters of a-z and 2-7; 5 bits each."""
    count = -(-letters * 5 // 8)
    return base64.b32encode(secrets.token_bytes(count)).decode().lower()[:letters]
