"""What a lab may ask of a gateway on `…/command/{verb}`, and what it answers (CUSTODY.md 16)."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gateway.wire.model import Text, When, Wire
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


class ReplayRange(Wire):
    first: int = Field(alias="from", ge=1)
    to: int


class Command(Wire):
    """The envelope; `request` begins with the lab's id and a dot."""

    schema_: Literal["kuaijian.command/1"] = Field(default="kuaijian.command/1", alias="schema")
    request: Text
    lab: Text
    at: When


class RunCommand(Command):
    sheet: Run


class ReplayCommand(Command):
    epoch: int
    ranges: tuple[ReplayRange, ...]


class ReissueCommand(Command):
    """Repeat this result above the highest revision the lab holds (CUSTODY.md 2)."""

    id: Text
    above: int


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
