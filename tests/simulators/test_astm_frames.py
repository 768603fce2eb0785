from hypothesis import given
from hypothesis import strategies as some

from simulators.astm_frames import Packing, frame, frames
from tests.vectors import astm


def test_the_header_as_frame_1_has_checksum_e5() -> None:
    assert frame(1, astm.HEADER_RECORD) == astm.HEADER_FRAME_1


def test_the_result_as_frame_2_has_checksum_db() -> None:
    assert frame(2, astm.RESULT_RECORD) == astm.RESULT_FRAME_2


def test_the_terminator_as_frame_5_has_checksum_08() -> None:
    assert frame(5, astm.TERMINATOR_RECORD) == astm.TERMINATOR_FRAME_5


def test_the_eighth_frame_is_number_0_and_has_checksum_03() -> None:
    assert frame(8, astm.TERMINATOR_RECORD) == astm.TERMINATOR_FRAME_0


def test_a_record_of_247_characters_is_split_after_240_with_etb_then_etx() -> None:
    assert frames([astm.LONG_RECORD], first=3) == [astm.LONG_FRAME_3, astm.LONG_FRAME_4]


def test_the_checksum_is_over_the_bytes_on_the_wire_gbk_60() -> None:
    assert frame(3, astm.CHINESE_RECORD.encode("gbk")) == astm.CHINESE_FRAME_3_GBK


def test_the_checksum_is_over_the_bytes_on_the_wire_utf8_93() -> None:
    assert frame(3, astm.CHINESE_RECORD.encode("utf-8")) == astm.CHINESE_FRAME_3_UTF8


def test_a_record_a_frame_gives_the_example_message() -> None:
    assert frames(astm.MESSAGE_RECORDS) == list(astm.MESSAGE_FRAMES)


def test_a_text_of_exactly_240_characters_is_one_frame() -> None:
    assert [one[-5:-4] for one in frames([b"A" * 240])] == [astm.ETX]


@given(some.lists(some.binary(min_size=1, max_size=600), min_size=1, max_size=5))
def test_a_message_packed_into_frames_ends_with_etx_only_once(records: list[bytes]) -> None:
    packed = frames(records, packing=Packing.MESSAGE)

    assert [one[-5:-4] for one in packed] == [astm.ETB] * (len(packed) - 1) + [astm.ETX]


@given(some.lists(some.binary(min_size=1, max_size=600), min_size=1, max_size=12))
def test_frames_joined_give_the_records_and_none_is_longer_than_247_bytes(
    records: list[bytes],
) -> None:
    for packing in Packing:
        cut = frames(records, packing=packing)

        assert b"".join(one[2:-5] for one in cut) == b"".join(records)
        assert max(map(len, cut)) <= 247


@given(some.integers(min_value=1, max_value=30))
def test_frame_numbers_go_from_1_to_7_then_0(count: int) -> None:
    numbers = [int(one[1:2]) for one in frames([b"A"] * count)]

    assert numbers == [(place + 1) % 8 for place in range(count)]
