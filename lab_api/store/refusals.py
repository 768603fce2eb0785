"""Messages that could not be taken: their bytes, and why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from lab_api.store.tables import Refused

MOST_KEPT = 10_000
"""Rows; beyond them the oldest go, so that a mad sender cannot fill the disk."""


def refuse(session: Session, topic: str, payload: bytes, reason: str, now: datetime) -> None:
    """Keep a message that cannot be taken."""
    kept = Refused(topic=_clean(topic), payload=payload, reason=_clean(reason), at=now)
    session.add(kept)
    session.flush()
    if kept.id is not None and kept.id % 100 == 0:
        session.execute(delete(Refused).where(col(Refused.id) <= kept.id - MOST_KEPT))


def refused_count(session: Session) -> int:
    """How many messages are kept that could not be taken."""
    return session.scalar(select(func.count()).select_from(Refused)) or 0


def refused_since(session: Session, topic_root: str, since: datetime) -> bool:
    """Whether a message below this topic was refused at or after an instant."""
    query = select(col(Refused.id)).where(
        col(Refused.at) >= since, col(Refused.topic).startswith(topic_root, autoescape=True)
    )
    return session.scalars(query.limit(1)).first() is not None


def _clean(text: str) -> str:
    """Text that every database takes."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
