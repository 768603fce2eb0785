"""What the routes reach: the rooms of the running lab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from gateway.wire.mqtt import Pipe
from lab_api.dispatch.sending import Dispatch
from lab_api.feed.feed import Feed
from lab_api.ingest.holes import Finder
from lab_api.ingest.intake import Intake
from lab_api.ingest.receipts import Receipts
from lab_api.notices.announcing import Announcer
from lab_api.settings import LabSettings
from lab_api.store.store import Store


@dataclass(slots=True)
class Rooms:
    """The running lab, as the routes see it."""

    settings: LabSettings
    store: Store
    pipe: Pipe
    intake: Intake
    receipts: Receipts
    finder: Finder
    dispatch: Dispatch
    announcer: Announcer
    feed: Feed
    broker_since: datetime | None = None
    """Since when the broker is there; None while it is not."""
    alarms: dict[str, str] = field(default_factory=dict)
    """What a person must look at, by name."""

    @property
    def lab(self) -> str:
        return self.settings.lab.id

    def note_alarms(self, said: Mapping[str, str | None]) -> list[str]:
        """Take in what is wrong and what is over; return the sentences that are new."""
        new = []
        for name, sentence in said.items():
            if sentence is None:
                self.alarms.pop(name, None)
            elif self.alarms.get(name) != sentence:
                self.alarms[name] = sentence
                new.append(sentence)
        return new


def rooms_of(request: Request) -> Rooms:
    """The rooms behind a request."""
    rooms: Rooms = request.app.state.rooms
    return rooms


Inside = Annotated[Rooms, Depends(rooms_of)]
