from datetime import datetime

import pytest

from simulators.astm_messages import (
    Maker,
    Measured,
    Specimen,
    corrected,
    escaped,
    query_message,
    result_message,
)
from simulators.tubes import CHINA
from tests.vectors import astm

AT = datetime(2026, 11, 23, 6, 45, 0, tzinfo=CHINA)
MEASURED = Measured(
    code="OPC-INH",
    value="12.6",
    unit="%",
    completed=datetime(2026, 11, 23, 6, 44, 55, tzinfo=CHINA),
    reference="0 to 50",
    flag="N",
    operator="op07",
    dilution="50",
)
SPECIMEN = Specimen(
    number="N0120261123-0001",
    position="S1",
    stall="A-013",
    descriptor="VEG",
    requested=datetime(2026, 11, 23, 6, 12, 0, tzinfo=CHINA),
)


def test_a_result_is_said_as_the_standard_example_says_it() -> None:
    assert result_message(Maker(), SPECIMEN, [MEASURED], AT).records == astm.MESSAGE_RECORDS


@pytest.mark.parametrize(("meant", "written"), astm.ESCAPED)
def test_delimiters_and_control_characters_are_escaped(meant: str, written: bytes) -> None:
    assert escaped(meant).encode() == written


def test_a_control_is_marked_in_header_and_order() -> None:
    header, _, order, *_ = result_message(Maker(), SPECIMEN, [MEASURED], AT, control=True).records

    assert (header.split(b"|")[11], order.split(b"|")[11]) == (b"Q", b"Q")


def test_a_remark_follows_its_result() -> None:
    remarked = Measured("FORM", "0.4", "mg/kg", AT, remark="lamp old")
    records = result_message(Maker(), SPECIMEN, [MEASURED, remarked], AT).records

    assert [record[:4] for record in records] == [
        b"H|\\^", b"P|1|", b"O|1|", b"R|1|", b"R|2|", b"C|1|", b"L|1|",
    ]  # fmt: skip


def test_chinese_text_is_sent_in_the_makers_encoding() -> None:
    specimen = Specimen("N0001", descriptor="上海青")
    records = result_message(Maker(encoding="gbk"), specimen, [MEASURED], AT).records

    assert "上海青".encode("gbk") in records[2]


def test_a_query_asks_for_all_tests_of_one_barcode() -> None:
    records = query_message(Maker(), "N0001", AT).records

    assert records[1] == b"Q|1|^N0001||ALL||||||||O\r"


def test_a_correction_is_the_same_message_with_status_c() -> None:
    message = result_message(Maker(), SPECIMEN, [MEASURED], AT)
    result = corrected(message).records[3]

    assert result == message.records[3].replace(b"|N||F|", b"|N||C|")
