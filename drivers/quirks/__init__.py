"""The escape from YAML: one small pure function per odd instrument, named by its profile.

A quirk takes the readings of one record as the profile understood them, and the record's bytes,
and returns what they really mean. It may raise: the bytes are kept and shown as not understood.
It never touches `identity`, so that a mended quirk makes a revision and not a second result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from drivers.reading import Reading

Quirk: TypeAlias = Callable[[tuple[Reading, ...], bytes], tuple[Reading, ...]]

QUIRKS: dict[str, Quirk] = {}
"""Every quirk by the name that profiles call it."""
