"""The recordings of real instruments, which are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import run


def corpus() -> Path | None:
    """Return the folder of recordings: `KJ_CORPUS`, else ../shared/corpus, else None."""
    named = os.environ.get("KJ_CORPUS")
    folder = Path(named) if named else run.ROOT.parent / "shared" / "corpus"
    return folder if folder.is_dir() else None


def recordings(kind: str, pattern: str = "**/*") -> list[Path]:
    """Return the recordings of a kind (`astm`, `hl7` …) that match, sorted; none without a corpus.

    Sidecars (`.expected.json`) are not among them.
    """
    folder = corpus()
    if folder is None:
        return []
    found = (path for path in (folder / kind).glob(pattern) if path.is_file())
    return sorted(path for path in found if not path.name.endswith(".expected.json"))
