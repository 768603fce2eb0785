"""What a lab may ask of a gateway on `…/command/{verb}`, and what it answers (CUSTODY.md 16)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from gateway.wire.model import LARGEST, Count, Text, When, Wire
from gateway.wire.run import Run


class Verb(StrEnum):
    RUN = "run"
    REPLAY = "replay"
    ASSIGN = "assign"
    ENTER = "enter"
    REJUDGE = "rejudge"
    REISSUE = "reissue"
    SEPARATE = "separate"
    IDENTIFY = "identify"
    CONFIRM_CLOCK = "confirm-clock"
    APPLY_CONFIG = "apply-config"
    SUPPORT_BUNDLE = "support-bundle"


Request = Annotated[Text, Field(pattern=r"^[a-z0-9_-]{1,64}\.[A-Za-z0-9_.-]{1,64}$")]
"""The lab's id, a dot, and what tells its requests apart; a segment of a topic."""
MOST_REVISIONS = 2**31 - 2


class ReplayRange(Wire):
    first: int = Field(alias="from", ge=1, le=LARGEST)
    to: int = Field(ge=1, le=LARGEST)

    @model_validator(mode="after")
    def _runs_forward(self) -> ReplayRange:
        if self.to < self.first:
            raise ValueError(f"'to' at or after 'from' expected, {self.first} to {self.to} found")
        return self


class Command(Wire):
    """The envelope; `request` begins with the lab's id and a dot."""

    schema_: Literal["kuaijian.command/1"] = Field(default="kuaijian.command/1", alias="schema")
    request: Request
    lab: Text
    at: When


class RunCommand(Command):
    sheet: Run


class ReplayCommand(Command):
    epoch: Count
    ranges: tuple[ReplayRange, ...] = Field(max_length=1000)


class ReissueCommand(Command):
    """Repeat this result above the highest revision the lab holds (CUSTODY.md 2)."""

    id: UUID
    above: int = Field(ge=0, le=MOST_REVISIONS)


class Answer(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    STALE = "stale"


class Reply(Wire):
    schema_: Literal["kuaijian.reply/1"] = Field(default="kuaijian.reply/1", alias="schema")
    request: Text
    verb: Text
    answer: Answer
    problem: Text | None = None
    """What was expected and what was found, where it was refused."""
    at: When
