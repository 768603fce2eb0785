"""The run sheets in force: which channel or number is which sample (CUSTODY.md 15)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from drivers.reading import Reading
from gateway.wire.run import Run, SheetLine


@dataclass(frozen=True, slots=True)
class Pairing:
    """A reading found on a sheet."""

    sheet: Run
    line: SheetLine


@dataclass(frozen=True, slots=True)
class Taken:
    """A channel of a run that already has a result for an item."""

    run: str
    channel: str
    item: str | None


def pair(
    reading: Reading,
    instrument: str,
    measured: datetime | None,
    sheets: Iterable[Run],
    taken: frozenset[Taken] = frozenset(),
) -> Pairing | None:
    """Find a reading's sample: by the number it sent, else by its channel.

    By number when one line of the instrument's sheets carries it. By channel only when exactly
    one sheet covers `measured` and the channel is free for the item; `measured` is null when
    the instrument's clock is not believed. None leaves the result unassigned.
    """
    ours = [sheet for sheet in sheets if sheet.instrument == instrument]
    if reading.sample is not None:
        return _by_number(reading.sample, ours)
    if reading.channel is None or measured is None:
        return None
    return _by_channel(reading, measured, ours, taken)


def _by_number(number: str, sheets: list[Run]) -> Pairing | None:
    found = [
        Pairing(sheet, line) for sheet in sheets for line in sheet.samples if line.number == number
    ]
    return found[0] if len(found) == 1 else None


def _by_channel(
    reading: Reading, measured: datetime, sheets: list[Run], taken: frozenset[Taken]
) -> Pairing | None:
    covering = [sheet for sheet in sheets if sheet.covers_from <= measured <= sheet.covers_to]
    if len(covering) != 1:
        return None
    (sheet,) = covering
    lines = [
        line
        for line in sheet.samples
        if line.channel == reading.channel and line.item in (None, reading.item)
    ]
    if len(lines) != 1 or Taken(sheet.run, str(reading.channel), reading.item) in taken:
        return None
    return Pairing(sheet, lines[0])
