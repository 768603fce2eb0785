"""What a Dayuan "03 FF" record means (domain reference 1.3, 2.8c and 9.1; G6, G7)."""

from __future__ import annotations

import pytest

from drivers import Purpose, Reading, profile_named, understand
from drivers.profile import Dy03ffProfile
from drivers.protocols.dy03ff_frames import Frame
from drivers.protocols.dy03ff_records import Identity, identity_card
from drivers.understand import handed_over
from tests.drivers.dy_instrument import channel, frame, item, photometric, report, strip
from tests.vectors import dy03ff as vectors

PROFILE = profile_named("dayuan-dy03ff")
PAGE = frame(0x42, 0, item("农药残留", "%") + item("甲醛", "mg/kg", 1))
LINES = (
    "检测报告",
    "送检单位：南门市场",
    "检测单位：快检室",
    "样品类型：牛羊血清",
    "批号：A07",
    "样品编号：N0120261123-0007",
    "检测项目：布鲁氏菌",
    "检测结果：12.6 ng/mL 携带",
    "检测标准：GB/T 18646",
    "检测时间：2026-11-23 06:45:12",
)


def read(contents: bytes, command: int = 0x45, page: bytes = PAGE) -> list[Reading]:
    return list(understand(PROFILE, page + frame(command, 1, contents)))


def measured(value: int, number: int = 0) -> str | None:
    (reading,) = read(photometric(channel(1, value), number=number))
    return reading.value


def told(line: str) -> Reading:
    """A record as text whose result line is this one."""
    (reading,) = read(report(*(line if one.startswith("检测结果") else one for one in LINES)))
    return reading


# -- the record of the paper -----------------------------------------------------------------


def test_the_example_of_the_paper_gives_its_values_in_order() -> None:
    readings = understand(PROFILE, PAGE + vectors.INHIBITION_RECORD_1)

    assert [(one.channel, one.value, one.unit) for one in readings] == [
        ("1", "12.6", "%"),
        ("2", "62.4", "%"),
        ("3", "50.3", "%"),
        ("4", "NA", "%"),
    ]
    assert {one.item for one in readings} == {"opc-inhibition"}
    assert {one.measured_at for one in readings} == {"2026-11-23T06:45:12"}
    assert {one.instrument_text for one in readings} == {"A6 35 77 35"}


def test_a_suspicious_channel_is_marked() -> None:
    readings = understand(PROFILE, PAGE + vectors.INHIBITION_RECORD_1)

    assert [one.channel for one in readings if one.extras.get("suspicious")] == ["3"]


def test_without_a_page_the_method_is_unknown_the_value_null_and_its_bytes_kept() -> None:
    readings = understand(PROFILE, vectors.INHIBITION_RECORD_1)

    assert {(one.item, one.value, one.unit) for one in readings} == {(None, None, None)}
    assert [one.extras["value_octets"] for one in readings] == [
        "7E 00 00 00",
        "70 02 00 00",
        "F7 01 00 00",
        "FE 7F 00 00",
    ]


def test_a_page_of_other_items_is_no_page_of_this_one() -> None:
    (reading,) = read(photometric(channel(1, 126), number=2))

    assert (reading.item, reading.value) == (None, None)


def test_the_example_strip_of_the_paper_is_positive() -> None:
    (reading,) = understand(PROFILE, vectors.STRIP_RECORD_1)

    assert (reading.value, reading.reported, reading.unit) == ("阳性", "阳性", None)
    assert reading.measured_at == "2026-11-23T06:45:12"
    assert (reading.extras["item_index"], reading.extras["number"]) == (2, 17)


# -- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "value"),
    [(126, "12.6"), (624, "62.4"), (0, "0.0"), (1000, "100.0"), (0x8000, "3276.8")],
)
def test_an_inhibition_is_a_tenth_of_its_two_bytes(octets: int, value: str) -> None:
    assert measured(octets) == value


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (123, "0.123"),
        (14_378_000, "14378.000"),
        (0x8000_0000 | 123, "-0.123"),
        (0, "0.000"),
        (0x7FFF_FFFC, "2147483.644"),
    ],
)
def test_another_methods_value_is_a_thousandth_with_its_sign_apart(octets: int, value: str) -> None:
    assert measured(octets, number=1) == value


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(vectors.NOT_MEASURED_16, "NA"), (vectors.OVERFLOW_16, "---.-")],
)
def test_what_an_inhibition_shows_in_place_of_a_value(octets: bytes, shown: str) -> None:
    assert measured(int.from_bytes(octets, "little")) == shown


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        *((octets, "NA") for octets in vectors.NOT_MEASURED_32),
        *((octets, "-.---") for octets in vectors.OVERFLOW_32),
    ],
)
def test_what_another_method_shows_in_place_of_a_value(octets: bytes, shown: str) -> None:
    assert measured(int.from_bytes(octets, "little"), number=1) == shown


def test_every_word_in_place_of_a_value_is_a_sentinel_of_the_profile() -> None:
    assert isinstance(PROFILE, Dy03ffProfile)
    shown = {*PROFILE.inhibition.missing.values(), *PROFILE.other_methods.missing.values()}

    assert shown == set(PROFILE.sentinels)


def test_an_inhibition_whose_item_names_no_unit_is_a_percentage() -> None:
    page = frame(0x42, 0, item("农药残留"))

    (reading,) = read(photometric(channel(1, 126)), page=page)

    assert reading.unit == "%"


def test_another_methods_unit_is_the_items_or_unknown() -> None:
    page = frame(0x42, 0, item("甲醛", method=1))

    (reading,) = read(photometric(channel(1, 126)), page=page)

    assert reading.unit is None


# -- channels --------------------------------------------------------------------------------


def test_a_channel_that_is_not_valid_is_said_to_be_invalid_and_not_dropped() -> None:
    valid, invalid = read(photometric(channel(1, 126), channel(2, 0, flag=0x00)))

    assert (valid.reported, invalid.reported, invalid.value) == (None, "无效", "0.0")


def test_the_control_stands_beside_each_sample_and_is_no_result() -> None:
    first, second = read(photometric(channel(0, 596), channel(1, 126), channel(2, 624)))

    assert (first.channel, second.channel) == ("1", "2")
    assert first.extras["control"] == {"value": "59.6", "octets": "54 02 00 00"}
    assert second.extras["control"] == first.extras["control"]


def test_a_control_that_is_doubtful_says_so() -> None:
    (reading,) = read(photometric(channel(0, 596, flag=0x40), channel(1, 126)))

    control = reading.extras["control"]
    assert isinstance(control, dict)
    assert (control["valid"], control["suspicious"]) == (False, True)


def test_a_control_alone_is_a_result_of_quality_control() -> None:
    (reading,) = read(photometric(channel(0, 596)))

    assert (reading.purpose, reading.extras["purpose"]) == (Purpose.QC, "qc")


def test_a_deleted_record_is_what_it_was_and_marked() -> None:
    (reading,) = read(photometric(channel(1, 126), mark=0))

    assert (reading.value, reading.extras["deleted"]) == ("12.6", True)


def test_a_deletion_mark_does_not_change_the_identity() -> None:
    (kept,), (deleted,) = (read(photometric(channel(1, 126), mark=mark)) for mark in (1, 0))

    assert kept.identity == deleted.identity


def test_the_number_in_the_list_and_the_page_do_not_change_the_identity() -> None:
    contents = photometric(channel(1, 126))
    (first,) = understand(PROFILE, PAGE + frame(0x45, 1, contents))
    (second,) = understand(PROFILE, frame(0x45, 7, contents))

    assert first.identity == second.identity


def test_channels_of_one_record_have_identities_of_their_own() -> None:
    readings = read(photometric(channel(1, 126), channel(1, 126)))

    assert len({one.identity for one in readings}) == 2


def test_a_record_of_no_known_shape_keeps_its_bytes_and_says_what_was_expected() -> None:
    record = PAGE + frame(0x45, 1, b"\x01\x00\x00")

    delivery = handed_over(PROFILE, record)

    assert (delivery.readings, delivery.raw) == ((), record)
    assert delivery.fault is not None
    assert "8 bytes and 8 a channel expected, 3 found: 01 00 00" in delivery.fault


def test_a_record_whose_check_is_wrong_is_not_understood() -> None:
    delivery = handed_over(PROFILE, vectors.INHIBITION_RECORD_1[:-1] + b"\x01")

    assert delivery.fault is not None
    assert delivery.readings == ()


def test_a_record_that_is_the_second_of_equal_ones_says_so() -> None:
    delivery = handed_over(PROFILE, vectors.STRIP_RECORD_1, occurrence=1, device_serial="SN1")

    assert [one.occurrence for one in delivery.readings] == [1]
    assert delivery.device_serial == "SN1"


# -- strips ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [0x65, 0x75], ids=["gold", "dry chemistry"])
@pytest.mark.parametrize(
    ("grade", "value", "reported"),
    [(1, "阳性", "阳性"), (2, "阴性", "阴性"), (3, "NA", None), (0, None, None)],
)
def test_a_strips_grade_is_its_value(
    command: int, grade: int, value: str | None, reported: str | None
) -> None:
    (reading,) = read(strip(grade), command)

    assert (reading.value, reading.reported) == (value, reported)


def test_a_strips_item_is_that_of_its_own_list() -> None:
    (reading,) = read(strip(1), 0x65, PAGE + frame(0x62, 0, item("氯霉素", "ug/kg")))

    assert (reading.item, reading.unit) == ("chloramphenicol", None)


def test_where_a_quantity_stands_is_not_known_so_its_value_is_null_and_its_bytes_kept() -> None:
    (reading,) = read(strip(0x81), 0x65, frame(0x62, 0, item("氯霉素", "ug/kg")))

    assert (reading.value, reading.unit, reading.reported) == (None, "ug/kg", "阳性")
    assert reading.extras["value_octets"] == "81 00 00 00"


def test_dry_chemistry_in_a_photometric_shape_is_read_as_such() -> None:
    page = frame(0x72, 0, item("亚硝酸盐", "mg/kg", 1))

    (reading,) = read(photometric(channel(1, 4200)), 0x75, page)

    assert (reading.item, reading.value, reading.channel) == ("nitrite", "4.200", "1")


# -- records as text -------------------------------------------------------------------------


def test_a_record_as_text_is_read_by_its_headings() -> None:
    (reading,) = read(report(*LINES))

    assert (reading.item, reading.value, reading.unit) == ("布鲁氏菌", "12.6", "ng/mL")
    assert (reading.reported, reading.sample) == ("携带", "N0120261123-0007")
    assert reading.measured_at == "2026-11-23T06:45:12"
    assert reading.instrument_text == "2026-11-23 06:45:12"
    assert reading.extras == {
        "sample_kind": "牛羊血清",
        "batch": "A07",
        "standard": "GB/T 18646",
    }


@pytest.mark.parametrize(
    ("line", "value", "unit", "reported"),
    [
        ("检测结果：12.6 % 合格", "12.6", "%", "合格"),
        ("检测结果：12.6 %", "12.6", "%", None),
        ("检测结果：0.3 阴性", "0.3", None, "阴性"),
        ("检测结果：不携带", "不携带", None, "不携带"),
        ("检测结果：无效", "无效", None, "无效"),
        ("检测结果：12.6", "12.6", None, None),
        ("检测结果：", None, None, None),
        ("检测结果:12.6 % 合格", "12.6", "%", "合格"),
    ],
)
def test_a_result_has_one_to_three_words(
    line: str, value: str | None, unit: str | None, reported: str | None
) -> None:
    reading = told(line)

    assert (reading.value, reading.unit, reading.reported) == (value, unit, reported)


def test_a_text_without_a_time_has_none() -> None:
    (reading,) = read(report(*LINES[:-1]))

    assert (reading.measured_at, reading.instrument_text) == (None, None)


def test_a_text_with_an_impossible_time_keeps_it_as_sent() -> None:
    (reading,) = read(report(*LINES[:-1], "检测时间：2026-13-23 06:45:12"))

    assert (reading.measured_at, reading.instrument_text) == (None, "2026-13-23 06:45:12")


def test_a_deleted_text_is_marked_and_the_same() -> None:
    (kept,), (deleted,) = (read(report(*LINES, mark=mark)) for mark in (1, 0))

    assert deleted.extras["deleted"] is True
    assert deleted.identity == kept.identity


# -- what the instrument says of items and of itself -----------------------------------------


def test_a_name_cut_in_the_middle_of_a_character_loses_that_one_alone() -> None:
    octets = "有机磷和氨基甲酸酯类".encode("gbk")[:15]
    page = frame(0x42, 0, (octets + b"\0" + b"%".ljust(8, b"\b") + b"\0").ljust(128, b"\0"))

    (reading,) = read(photometric(channel(1, 126)), page=page)

    assert (reading.item, reading.unit) == ("有机磷和氨基甲", "%")


def test_an_entry_without_a_name_is_no_item() -> None:
    (reading,) = read(photometric(channel(1, 126)), page=frame(0x42, 0, bytes(256)))

    assert (reading.item, reading.value) == (None, None)


def test_a_name_of_no_catalogue_stays_as_it_was_sent() -> None:
    page = frame(0x42, 0, item("吊白块", "mg/kg", 1))

    (reading,) = read(photometric(channel(1, 126)), page=page)

    assert reading.item == "吊白块"


@pytest.mark.parametrize(
    ("contents", "identity"),
    [
        (b"\x02DY\x03DY1\x02S1\xa6\x35\x77\x35", (b"DY", b"DY1", b"S1", "2026-11-23T06:45:12")),
        (b"\x02DY\x03DY1\x02S1\x04\xa6\x35\x77\x35", (b"DY", b"DY1", b"S1", "2026-11-23T06:45:12")),
        (b"\x02DY\x03DY1\x00", (b"DY", b"DY1", b"", None)),
        (b"\x02DY\x09DY1", (b"DY", b"DY1", b"", None)),
        (b"", (b"", b"", b"", None)),
    ],
    ids=["time", "time after its length", "no serial", "cut", "nothing"],
)
def test_what_an_instrument_says_of_itself_is_taken_as_far_as_it_goes(
    contents: bytes, identity: tuple[bytes, bytes, bytes, str | None]
) -> None:
    said = identity_card(Frame(frame(0x20, 0, contents)))

    at = said.clock.isoformat() if said.clock else None
    assert isinstance(said, Identity)
    assert (said.device, said.model, said.serial, at) == identity
