"""`astm-generic` as DESIGN.md §5.1 says; one food reader; identity (CUSTODY.md 3, 4; G5, G6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers import Profile, Purpose, Reading, understand
from drivers.quirks import QUIRKS
from drivers.understand import handed_over, query_of
from drivers.understand.astm import (
    local_time,
)
from tests.drivers.messages import FSRA, GENERIC, HEADER, ORDER, PATIENT, message, reading
from tests.vectors import astm

# -- where things stand --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test_id", "item"),
    [
        (b"^^^OP", "OP"),
        (b"^^^^WBC^1", "WBC"),
        (b"^^^580^Anti-HBc^UNDILUTED", "580"),
        (b"GLU", "GLU"),
        (b"^GLU", "GLU"),
        (b"NAME^^^OP", "OP"),
        (b"", None),
    ],
)
def test_the_item_is_the_fourth_component_or_a_later_one_else_the_first(
    test_id: bytes, item: str | None
) -> None:
    assert reading(b"R|1|" + test_id + b"|1").item == item


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"12.6", "12.6"),
        (b"  5.5", "5.5"),
        (b"0.0", "0.0"),
        (b"<0.05", "<0.05"),
        (b"7,41", "7,41"),
        (b"3+^3+^45", "3+"),
        (b"^^45", "45"),
        (b"NA", "NA"),
        (b"---.-", "---.-"),
        (b"5 &F& 6", "5 | 6"),
        (b"", None),
        (b'""', None),
    ],
)
def test_the_value_is_what_was_sent_trimmed(field: bytes, value: str | None) -> None:
    assert reading(b"R|1|^^^OP|" + field).value == value


def test_the_other_components_of_a_value_are_kept() -> None:
    assert reading(b"R|1|^^^OP|3+^3+^45").extras["values"] == ["3+", "3+", "45"]


def test_the_unit_is_as_sent() -> None:
    assert reading(b"R|1|^^^OP|1|10*3/uL").unit == "10*3/uL"


@pytest.mark.parametrize(
    ("patient", "order", "sample", "place"),
    [
        (b"P|1|A|B", b"O|1|N-1^2|C", "N-1", "O.3.1"),
        (b"P|1|A|B", b"O|1|^2|C", "A", "P.3"),
        (b"P|1||B", b"O|1||C", "B", "P.4"),
        (b"P|1", b"O|1||^^   113^A", "113", "O.4.3"),
        (b"P|1", b"O|1||T20 10134GA^^6", "T20 10134GA", "O.4.1"),
        (b"P|1", b"O|1", None, None),
    ],
)
def test_the_sample_is_looked_for_in_four_places_and_it_is_said_which(
    patient: bytes, order: bytes, sample: str | None, place: str | None
) -> None:
    one = reading(b"R|1|^^^OP|1", order=order, patient=patient)

    assert (one.sample, one.extras.get("sample_from")) == (sample, place)


@pytest.mark.parametrize(
    ("times", "measured"),
    [
        (b"20261123064400|20261123064455", "2026-11-23T06:44:55"),
        (b"20261123064400|", "2026-11-23T06:44:00"),
        (b"|202611230644", "2026-11-23T06:44:00"),
        (b"|20261123", None),
        (b"|20261332064455", None),
        (b"|yesterday", None),
        (b"|", None),
    ],
)
def test_the_time_is_the_completion_else_the_start(times: bytes, measured: str | None) -> None:
    assert reading(b"R|1|^^^OP|1||||||||" + times).measured_at == measured


def test_a_time_that_is_no_instant_is_kept_as_text() -> None:
    assert reading(b"R|1|^^^OP|1|||||||||20261123").instrument_text == "20261123"


def test_a_time_zone_is_left_out_of_the_local_time() -> None:
    assert local_time("20261123064455+0800") == "2026-11-23T06:44:55"


def test_the_instruments_verdict_is_carried() -> None:
    assert reading(b"R|1|^^^OP|62.4|%|0 to 50|A||F").reported == "A"


def test_what_else_was_said_is_kept() -> None:
    one = reading(b"R|1|^^^OP^50|62.4|%|0 to 50|A||C||op07^chief")

    assert one.extras == {
        "test_id_raw": "^^^OP^50",
        "flag": "A",
        "reference": "0 to 50",
        "status": "C",
        "operator": "op07^chief",
        "sample_from": "O.3.1",
    }


def test_comments_belong_to_what_they_follow() -> None:
    first, second = understand(
        GENERIC,
        message(
            HEADER,
            PATIENT,
            ORDER,
            b"C|1|I|about the order",
            b"R|1|^^^OP|1",
            b"C|1|I|first",
            b"M|1|X",
            b"C|2|I|again",
            b"R|2|^^^OP|2",
        ),
    )

    assert (first.extras["comments"], "comments" in second.extras) == (["first", "again"], False)
    assert first.extras["order_comments"] == second.extras["order_comments"] == ["about the order"]


def test_what_belongs_to_one_sample_does_not_leak_into_the_next() -> None:
    _, second = understand(
        GENERIC,
        message(HEADER, b"P|1||A", b"O|1", b"R|1|^^^OP|1", b"P|2", b"O|1", b"R|1|^^^OP|2"),
    )

    assert second.sample is None


@pytest.mark.parametrize(
    ("header", "order"),
    [
        (HEADER.replace(b"|P|LIS2", b"|Q|LIS2"), ORDER),
        (HEADER, b"O|1|N-1|||||||||Q"),
        (HEADER, b"O|1|N-1|||||||||||||CTRL^^CTRL MEDIUM"),
        (HEADER, b"O|1|N-1|||||||||||||Control level 2"),
        (HEADER, b"O|1|N-1|||||||||||||" + "质控品".encode("gb18030")),
    ],
)
def test_a_control_is_qc(header: bytes, order: bytes) -> None:
    (one,) = understand(GENERIC, message(header, PATIENT, order, b"R|1|^^^OP|1"))

    assert (one.purpose, one.extras["purpose"]) == (Purpose.QC, "qc")


@pytest.mark.parametrize("descriptor", [b"SERUM", b"Standard", b"5", b"Blood^Patient", b"QCD"])
def test_a_specimen_is_no_control(descriptor: bytes) -> None:
    one = reading(b"R|1|^^^OP|1", order=b"O|1|N-1|||||||||||||" + descriptor)

    assert one.purpose is Purpose.ROUTINE


@pytest.mark.parametrize(
    "records",
    [
        (HEADER, b"Q|1|^1007149||ALL||||||||O"),
        (HEADER, PATIENT, b"O|1|0651439A||^^^Crossmatch|R||||||N"),
        (HEADER,),
    ],
)
def test_queries_and_orders_are_no_readings_and_no_fault(records: tuple[bytes, ...]) -> None:
    delivery = handed_over(GENERIC, message(*records))

    assert (delivery.readings, delivery.fault) == ((), None)


@pytest.mark.parametrize(
    "before",
    [
        (b"XYZ preamble", HEADER),
        (b"Hello", HEADER),
        (b"XYZ preamble", HEADER, b"Hb is no header"),
        (b"C|1|I|first of all",),
        (b"M|1|X", ORDER),
        (PATIENT, ORDER),
        (b"L|1|N",),
        (),
    ],
)
def test_every_result_is_a_reading_whatever_comes_first(before: tuple[bytes, ...]) -> None:
    delivery = handed_over(GENERIC, message(*before, b"R|1|^^^OP|1"))

    assert ([one.value for one in delivery.readings], delivery.fault) == (["1"], None)


def test_the_serial_number_is_the_headers_where_something_comes_before_it() -> None:
    record = b"XYZ preamble\r" + b"".join(astm.MESSAGE_RECORDS)

    assert handed_over(FSRA, record).device_serial == "SN24A0117"


# -- text ----------------------------------------------------------------------------------------


def test_gbk_is_read() -> None:
    one = reading(b"R|1|^^^" + "甲醛".encode("gb18030") + b"|1")

    assert one.item == "甲醛"


def test_utf_8_is_read_where_the_whole_record_is_utf_8() -> None:
    assert reading("R|1|^^^甲醛|1".encode()).item == "甲醛"


def test_a_character_cut_in_half_costs_itself_alone() -> None:
    one = reading(b"R|1|^^^OP|1|" + "甲醛".encode("gbk")[:3] + b"|0 to 50|A")

    assert one.unit is not None
    assert (one.unit[0], one.reported) == ("甲", "A")


def test_a_nul_inside_a_text_is_shown_as_replaced() -> None:
    assert reading(b"R|1|^^^O\0P|1").item == "O\ufffdP"


def test_nul_and_backspace_padding_are_trimmed() -> None:
    assert reading(b"R|1|^^^OP\0\0\0|1\b\b").item == "OP"


@given(some.binary(max_size=300))
def test_any_bytes_are_understood_as_something(noise: bytes) -> None:
    for one in understand(GENERIC, HEADER + b"\r" + noise):
        (str(one.item) + str(one.value) + str(one.extras)).encode()  # no lone surrogates
        assert "\0" not in f"{one.item}{one.value}{one.unit}{one.sample}"


# -- a food reader -------------------------------------------------------------------------------


def test_a_food_readers_message_in_the_words_of_the_catalogue() -> None:
    (one,) = understand(FSRA, b"".join(astm.MESSAGE_RECORDS))

    assert (one.item, one.value, one.unit, one.reported) == ("opc-inhibition", "12.6", "%", "阴性")
    assert (one.sample, one.channel) == ("N0120261123-0001", "S1")
    assert one.measured_at == "2026-11-23T06:44:55"


@pytest.mark.parametrize(
    ("code", "item"),
    [
        (b"OPC-INH", "opc-inhibition"),
        (b"FORM", "formaldehyde"),
        (b"NO2", "nitrite"),
        (b"SO2", "sulfur-dioxide"),
        (b"XYZ", "XYZ"),
    ],
)
def test_its_codes_are_mapped_and_an_unknown_one_stays(code: bytes, item: str) -> None:
    (one,) = understand(FSRA, message(HEADER, PATIENT, ORDER, b"R|1|^^^" + code + b"|1"))

    assert one.item == item


def test_it_says_its_own_serial_number() -> None:
    assert handed_over(FSRA, b"".join(astm.MESSAGE_RECORDS)).device_serial == "SN24A0117"


def test_its_sample_is_never_guessed_from_elsewhere() -> None:
    (one,) = understand(FSRA, message(HEADER, b"P|1|A|B", b"O|1||C", b"R|1|^^^NO2|1"))

    assert one.sample is None


# -- a fault in understanding --------------------------------------------------------------------


@pytest.fixture
def quirky(monkeypatch: pytest.MonkeyPatch) -> Profile:
    def raises(readings: tuple[Reading, ...], record: bytes) -> tuple[Reading, ...]:
        raise KeyError("no such hole: 25")

    monkeypatch.setitem(QUIRKS, "raises", raises)
    return FSRA.model_copy(update={"quirk": "raises"})


def test_a_quirk_that_raises_costs_the_meaning_and_never_the_bytes(quirky: Profile) -> None:
    record = b"".join(astm.MESSAGE_RECORDS)

    delivery = handed_over(quirky, record)

    assert (delivery.readings, delivery.raw) == ((), record)
    assert delivery.fault == "not understood: KeyError: 'no such hole: 25'"


def test_what_a_quirk_could_not_understand_can_be_decoded_again(quirky: Profile) -> None:
    kept = handed_over(quirky, b"".join(astm.MESSAGE_RECORDS)).raw

    assert [one.value for one in understand(FSRA, kept)] == ["12.6"]


# -- queries -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "query", "samples"),
    [
        (b"H|\\^&", b"Q|1|^1068687||ALL||||||||O", ("1068687",)),
        (b"H|`^&", b"Q|1|^1007149`1007152`1007151|||S|||||||O", ("1007149", "1007152", "1007151")),
        (b"H|\\^&", b"Q|1|||ALL", ()),
    ],
)
def test_a_query_names_its_samples(header: bytes, query: bytes, samples: tuple[str, ...]) -> None:
    assert query_of(GENERIC, message(header, query)).samples == samples


@pytest.mark.parametrize(
    ("query", "last"), [(b"Q|1|^1||ALL||||||||A", b"L|1|N"), (b"Q|1|^1||ALL||||||||O", b"L|1|T")]
)
def test_a_query_may_be_taken_back(query: bytes, last: bytes) -> None:
    assert query_of(GENERIC, b"\r".join([HEADER, query, last])).is_withdrawn
