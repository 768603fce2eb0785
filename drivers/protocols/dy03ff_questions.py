"""Asks a Dayuan "03 FF" instrument one thing until it is answered, and keeps what is spoilt."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from drivers.protocols.base import Answer, Answered, Garbled, Hear, Say, Step
from drivers.protocols.dy03ff_frames import Frame, answer_end, last_answer, question
from drivers.protocols.dy03ff_records import SPANS

T = TypeVar("T")
Talk: TypeAlias = Generator[Step | Answered, Answer, T]
"""A conversation that also yields what came of it."""

ANSWER_WITHIN = 2.0
"""Seconds: a page of items takes 0.3 s at 9600 baud, a long report a whole one."""
TRIES = 3
LATE_ANSWERS = 4
"""Answers to other questions that are passed over before a question is repeated."""


class NoAnswer(Exception):
    """A question was not answered, or only spoilt: the conversation cannot go on."""

    def __init__(self, reason: str, *, is_silence: bool) -> None:
        super().__init__(reason)
        self.is_silence = is_silence


def answer_to(command: int, parameter: int = 0, contents: bytes = b"") -> Talk[Frame]:
    """Ask until it is answered, at most `TRIES` times; what is spoilt is kept.

    Raises NoAnswer.
    """
    why, is_silence = "silence found", True
    for _ in range(TRIES):
        yield Say(question(command, parameter, contents))
        for _ in range(LATE_ANSWERS):
            heard = yield Hear(answer_end, ANSWER_WITHIN)
            if not isinstance(heard, bytes) or not heard:
                break
            stray, answer = last_answer(heard)
            if answer is not None and _fits(answer, command, parameter, contents):
                if stray:
                    yield Garbled(stray, "no part of an answer")
                return answer
            why, is_silence = f"{_told(answer)} found", False
            yield Garbled(heard, f"an answer to {command:02X} expected, {why}")
            if answer is None or not answer.is_sound:
                break
    asked = f"an answer to {command:02X} {parameter} expected"
    raise NoAnswer(f"{asked}, {why}", is_silence=is_silence)


def _fits(answer: Frame, command: int, parameter: int, contents: bytes) -> bool:
    """Whether it is the answer to this question, and can be read."""
    if not answer.is_sound or (answer.command, answer.parameter) != (command, parameter):
        return False
    if command not in SPANS:
        return True
    # It repeats the span it was asked for; another one is a late answer.
    return len(answer.contents) >= 12 and answer.contents[:8] in (contents, bytes(8))


def _told(answer: Frame | None) -> str:
    if answer is None:
        return "no answer's bytes"
    if not answer.is_sound:
        return "an answer with a wrong check"
    return f"an answer to {answer.command:02X} {answer.parameter} of {len(answer.contents)} bytes"
