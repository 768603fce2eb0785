from datetime import datetime, timedelta

import pytest

from simulators.dy03ff_frames import answer, packed_time
from simulators.dy03ff_memory import (
    Absent,
    Bank,
    GoldStrip,
    Hole,
    Item,
    Memory,
    Method,
    Photometric,
    Report,
    Strip,
)
from simulators.tubes import CHINA
from tests.vectors import dy03ff

AT = datetime(2026, 11, 23, 6, 45, 12, tzinfo=CHINA)
INHIBITION = Item("农药残留", "%")
NITRITE = Item("亚硝酸盐", "mg/kg", Method.CURVE)
EXAMPLE = Photometric(
    item=0,
    at=AT,
    holes=(
        Hole(1, "12.6"),
        Hole(2, "62.4"),
        Hole(3, "50.3", suspicious=True),
        Hole(4, Absent.NOT_MEASURED),
    ),
)


def memory() -> Memory:
    made = Memory()
    made.items[Bank.WET] = [INHIBITION, NITRITE, Item("甲醛", "mg/kg", Method.CURVE)]
    return made


def value(shown: str, item: int = 1) -> bytes:
    made = memory()
    made.remember(Photometric(item, AT, (Hole(1, shown),)))
    contents = made.packed(1, Bank.WET)
    assert contents is not None
    return contents[-4:]


def test_the_example_of_an_inhibition_record_is_the_papers() -> None:
    contents = EXAMPLE.packed([INHIBITION])

    assert answer(0x45, 1, contents) == dy03ff.INHIBITION_RECORD_1


def test_the_example_of_a_strip_record_is_the_papers() -> None:
    strip = GoldStrip(item=2, at=AT, number=17, outcome=Strip.POSITIVE)

    assert answer(0x65, 1, strip.packed([])) == dy03ff.STRIP_RECORD_1


@pytest.mark.parametrize(
    ("shown", "wire"),
    [
        ("11.0", "F8 2A 00 00"),
        ("-0.254", "FE 00 00 80"),
        ("0.021", "15 00 00 00"),
        ("NA", "FE FF FF 7F"),
        ("-----", "FD FF FF 7F"),
        ("---.-", "FF FF FF 7F"),
        ("-.---", "FF 7F 00 00"),
        ("*****", "2C 42 0F 00"),
    ],
)
def test_a_concentration_is_thousandths_with_a_sign_of_its_own(shown: str, wire: str) -> None:
    assert value(shown) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("shown", "wire"),
    [("0.0", bytes(4)), ("NA", dy03ff.NOT_MEASURED_16), ("---.-", dy03ff.OVERFLOW_16)],
)
def test_an_inhibition_is_tenths_in_two_bytes(shown: str, wire: bytes) -> None:
    assert value(shown, item=0) == wire


@pytest.mark.parametrize("shown", ["12.65", "-1.0", "4000.0", "-.---"])
def test_an_inhibition_that_the_field_cannot_hold_is_refused(shown: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        value(shown, item=0)


def test_the_control_is_channel_0_and_an_invalid_hole_has_no_flag() -> None:
    contents = Photometric(0, AT, (Hole(0, "0.0"), Hole(1, "NA", valid=False))).packed([INHIBITION])

    assert [contents[8:10], contents[16:18]] == [b"\x00\x80", b"\x01\x00"]


def test_a_page_has_two_entries_and_the_one_after_the_last_has_nothing() -> None:
    pages = [memory().page(number, Bank.WET) for number in range(3)]

    assert [len(page) for page in pages] == [256, 256, 0]
    assert pages[0][:25] == "农药残留".encode("gb2312") + bytes(8) + b"%" + bytes(7) + b"\x00"
    assert (
        pages[0][128:153] == "亚硝酸盐".encode("gb2312") + bytes(8) + b"mg/kg" + bytes(3) + b"\x01"
    )
    assert pages[1][128:] == bytes(128)


def test_a_span_names_the_first_and_the_last_record_of_it() -> None:
    made = memory()
    for days in (0, 1, 1, 1, 2):
        made.remember(Photometric(0, AT + timedelta(days=days), ()))
    begins, ends = packed_time(AT + timedelta(days=1)), packed_time(AT + timedelta(days=1, hours=1))

    assert made.between(begins, ends, Bank.WET) == (2, 4)
    assert made.between(0, 1, Bank.WET) == (0, 0)


def test_a_deleted_record_stays_in_its_place_with_its_number() -> None:
    made = memory()
    for _ in range(3):
        made.remember(EXAMPLE)
    made.delete(2)
    contents = [made.packed(number, Bank.WET) for number in (1, 2, 3, 4)]

    assert [one and one[0] for one in contents] == [1, 0, 1, None]
    assert [one and one[1:] for one in contents[:3]] == [EXAMPLE.packed([INHIBITION])[1:]] * 3


def test_a_dy_7200_tells_a_record_as_lines_of_text() -> None:
    report = Report("孔雀石绿", AT, "阴性", number="N1", standard="KJ201701")
    lines = report.packed([])[3:].decode("gb2312").split("\r")

    assert lines == [
        "检测报告",
        "送检单位：",
        "检测单位：",
        "样品类型：",
        "批号：",
        "样品编号：N1",
        "检测项目：孔雀石绿",
        "检测结果：阴性",
        "检测标准：KJ201701",
        "检测时间：2026-11-23 06:45:12",
        "",
    ]
