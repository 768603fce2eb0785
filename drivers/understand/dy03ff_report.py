"""A record that a Dayuan DY-7200 writes as text: one heading a line, the result as 1–3 words."""

from __future__ import annotations

import re
from datetime import datetime

from drivers.profile import Dy03ffProfile
from drivers.protocols.dy03ff_frames import Frame
from drivers.protocols.dy03ff_records import Report, identity_of
from drivers.reading import Reading
from drivers.understand.text import padded_text

_COLON = re.compile("[：:]")
_TIME = re.compile(r"(\d{4})\D+(\d{1,2})\D+(\d{1,2})\D+(\d{1,2}):(\d{2})(?::(\d{2}))?")


def reading_of(profile: Dy03ffProfile, frame: Frame, record: Report) -> Reading:
    """What the record's lines say; a lone verdict, such as 无效, is the value too."""
    labels = profile.report
    said = _labelled(record, profile.encoding)
    clock, name = said.get(labels.measured_at), said.get(labels.item)
    words = (said.get(labels.result) or "").split()
    is_judged = bool(words) and words[-1] in labels.verdicts
    between = words[1:-1] if is_judged else words[1:]
    extras: dict[str, object] = {
        key: said[label] for key, label in labels.extras.items() if said.get(label)
    }
    if record.is_deleted:
        extras["deleted"] = True
    return Reading(
        item=profile.items.get(name or "", name),
        value=words[0] if words else None,
        unit=" ".join(between) or None,
        reported=profile.reported.get(words[-1], words[-1]) if is_judged else None,
        sample=said.get(labels.sample),
        channel=None,
        measured_at=_local_time(clock),
        identity=identity_of(frame),
        instrument_text=clock,
        extras=extras,
    )


def _labelled(record: Report, encoding: str) -> dict[str, str | None]:
    """What follows each heading; the first counts where one is repeated."""
    said: dict[str, str | None] = {}
    for line in record.lines:
        label, *after = _COLON.split(padded_text(line, encoding) or "", maxsplit=1)
        said.setdefault(label.strip(), (after[0].strip() or None) if after else None)
    return said


def _local_time(text: str | None) -> str | None:
    found = _TIME.fullmatch(text or "")
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        # The instrument's clock knows no zone.
        return datetime(year, month, day, hour, minute, second).isoformat()  # noqa: DTZ001
    except ValueError:
        return None
