from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulators.dy03ff_frames import Question, answer, fixed, packed_time, take_question
from simulators.tubes import CHINA
from tests.vectors import dy03ff

AT = datetime(2026, 11, 23, 6, 45, 12, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("wire", "question"),
    [
        (dy03ff.TEST, Question(0x20, 0, b"DEVICE??")),
        (dy03ff.ITEM_PAGE_0, Question(0x42, 0, b"")),
        (
            dy03ff.COUNT_OF_20261123,
            Question(0x43, 0, dy03ff.DAY_20261123_BEGINS + dy03ff.DAY_20261123_ENDS),
        ),
        (dy03ff.RECORD_1, Question(0x45, 1, b"")),
    ],
)
def test_the_papers_questions_are_understood(wire: bytes, question: Question) -> None:
    assert take_question(bytearray(wire)) == question


@pytest.mark.parametrize("place", range(len(dy03ff.TEST)))
def test_a_question_with_any_byte_spoilt_is_none(place: int) -> None:
    spoilt = bytearray(dy03ff.TEST)
    spoilt[place] ^= 0x40

    assert take_question(spoilt) is None


@given(noise=some.binary(max_size=40))
def test_a_question_is_found_behind_anything_that_is_none(noise: bytes) -> None:
    # Noise may be the beginning of a frame, whose end then is a question or two.
    heard = bytearray(noise + 25 * dy03ff.RECORD_1)
    found = [take_question(heard)]

    assert found == [Question(0x45, 1, b"")]


def test_a_question_in_two_pieces_is_waited_for() -> None:
    heard = bytearray(dy03ff.TEST[:15])
    before = take_question(heard)
    heard += dy03ff.TEST[15:]

    assert (before, take_question(heard)) == (None, Question(0x20, 0, b"DEVICE??"))


def test_an_answer_repeats_command_and_parameter_and_has_both_checks() -> None:
    contents = dy03ff.STRIP_RECORD_1[12:]

    assert answer(0x65, 1, contents) == dy03ff.STRIP_RECORD_1


def test_a_time_is_packed_as_on_the_paper() -> None:
    assert packed_time(AT).to_bytes(4, "little") == dy03ff.TIME_20261123_064512


def test_a_name_that_is_too_long_is_cut_in_the_middle_of_a_character() -> None:
    assert fixed("有机磷和氨基甲酸酯", 17)[-1:] == "酯".encode("gb2312")[:1]
