"""A Dayuan "03 FF" instrument on a bad line, and one that is not as the paper says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from drivers.protocols.base import Garbled, Unanswered
from drivers.protocols.dy03ff_frames import question
from tests.drivers.asking import Conversations, from_list
from tests.drivers.dy_instrument import (
    DyInstrument,
    frame,
)
from tests.drivers.dy_talk import protocol, talk, values
from tests.vectors import dy03ff as vectors


def spoilt(said: bytes) -> bytes:
    return said[:-1] + bytes((said[-1] ^ 0x01,))


WHO = frame(0x20, 0, b"\x02DY\x02DY\x01S\x00\x00\x77\x35")
NOTHING_TODAY = frame(0x43, 0, vectors.COUNT_OF_20261123[12:] + bytes(4))


def test_who_does_not_answer_is_asked_three_times() -> None:
    instrument = DyInstrument(deaf_to={0x20})
    talking = talk(instrument)

    talking.one()

    assert instrument.asked == [vectors.TEST] * 3
    assert talking.events == [Unanswered("an answer to 20 0 expected, silence found")]


def test_an_answer_with_a_wrong_check_is_asked_for_again_and_its_bytes_are_kept() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    said: list[bytes] = []

    def answering(asked: bytes) -> bytes:
        answer = instrument.answer(asked)
        said.append(spoilt(answer) if len(instrument.numbers_asked) == 1 else answer)
        return said[-1]

    talking = Conversations(protocol(), answering)

    assert values(talking.one()) == ["12.6"]
    assert [one.data for one in talking.events if isinstance(one, Garbled)] == [said[2]]


def test_three_wrong_checks_end_the_conversation_and_nothing_is_passed_over() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624, 503)

    def answering(asked: bytes) -> bytes:
        answer = instrument.answer(asked)
        return spoilt(answer) if asked == question(0x45, 2) else answer

    talking = Conversations(protocol(), answering)

    assert values(talking.one()) == ["12.6"]
    assert instrument.numbers_asked == [1, 2, 2, 2]
    assert isinstance(talking.events[-1], Unanswered)
    talking.answering = instrument.answer
    assert values(talking.one()) == ["62.4", "50.3"]


def test_a_record_that_is_not_answered_is_not_followed_by_the_next() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624, 503)
    talking = Conversations(
        protocol(), lambda asked: b"" if asked[4] == 2 else instrument.answer(asked)
    )

    talking.one()

    assert 3 not in instrument.numbers_asked


def test_stray_bytes_before_an_answer_are_kept_and_do_no_harm() -> None:
    noise = b"\x03\xfe\x20\xff\x00noise\x03"
    talking = Conversations(protocol(), from_list([noise + WHO, NOTHING_TODAY]))

    talking.one()

    assert talking.events[0] == Garbled(noise, "no part of an answer")


def test_a_late_answer_to_another_question_is_not_taken_for_this_one() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)
    late = instrument.answer(vectors.RECORD_1)

    def answering(asked: bytes) -> bytes:
        answer = instrument.answer(asked)
        return late + answer if asked == question(0x45, 2) else answer

    assert values(Conversations(protocol(), answering).one()) == ["12.6", "62.4"]


def test_a_late_count_of_another_day_is_not_taken_for_this_days() -> None:
    instrument = DyInstrument()
    instrument.remember(126)
    late = instrument.answer(vectors.COUNT_OF_20261123)
    instrument.records.clear()

    def answering(asked: bytes) -> bytes:
        is_yesterdays = asked[2] == 0x43 and asked != vectors.COUNT_OF_20261123
        return (late if is_yesterdays else b"") + instrument.answer(asked)

    Conversations(protocol(), answering).one()

    assert instrument.numbers_asked == []


def test_an_instrument_that_names_the_number_after_the_last_is_read_to_its_end() -> None:
    instrument = DyInstrument()
    instrument.remember(126, 624)

    def answering(asked: bytes) -> bytes:
        answer = instrument.answer(asked)
        if asked[2] != 0x43 or asked != vectors.COUNT_OF_20261123:
            return answer
        return frame(0x43, 0, answer[12:22] + b"\x03\x00")

    talking = Conversations(protocol(), answering)

    assert values(talking.one()) == ["12.6", "62.4"]
    assert not any(isinstance(one, Unanswered) for one in talking.events)


def test_a_list_that_an_instrument_does_not_have_is_left_alone_for_a_while() -> None:
    instrument = DyInstrument(deaf_to={0x63, 0x73})
    instrument.remember(126)
    talking = talk(instrument)
    assert values(talking.one()) == ["12.6"]
    instrument.asked.clear()

    talking.several(3)

    assert {one[2] for one in instrument.asked} <= {0x20, 0x43, 0x45}


def test_a_list_that_once_answered_is_missed() -> None:
    instrument = DyInstrument()
    talking = talk(instrument)
    talking.one()
    instrument.deaf_to = {0x63}
    talking.one()

    assert isinstance(talking.events[-1], Unanswered)


def test_an_instrument_without_any_list_is_told() -> None:
    instrument = DyInstrument(deaf_to={0x43, 0x63, 0x73})
    talking = talk(instrument)
    talking.one()

    assert talking.events == [Unanswered("a list of records expected, silence found")]


@given(
    answers=some.lists(
        some.one_of(
            some.binary(max_size=40),
            some.builds(
                frame,
                some.sampled_from([0x20, 0x42, 0x43, 0x45, 0x62, 0x63, 0x65, 0x73, 0x75]),
                some.integers(0, 3),
                some.binary(max_size=40),
            ),
        ),
        max_size=60,
    )
)
def test_nothing_is_ever_erased(answers: list[bytes]) -> None:
    asked: list[bytes] = []
    answering = from_list(answers)

    def noting(said: bytes) -> bytes:
        asked.append(said)
        return answering(said)

    Conversations(protocol(), noting).several(2)

    assert {said[2] for said in asked} <= {
        *(0x20, 0x42, 0x43, 0x45),
        *(0x62, 0x63, 0x65),
        *(0x72, 0x73, 0x75),
    }
