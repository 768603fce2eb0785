"""zh-CN or English, by the environment: one sentence in both, side by side where it is said."""

from __future__ import annotations

import os


def chinese() -> bool:
    """Whether the person at this terminal reads Chinese (LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value.lower().startswith("zh")
    return False


def say(en: str, zh: str) -> str:
    """The sentence in the reader's language."""
    return zh if chinese() else en
