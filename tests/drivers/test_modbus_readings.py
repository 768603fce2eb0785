"""Registers become readings: what a Modbus profile can say, and that nothing is made up (G6)."""

from __future__ import annotations

import struct
from typing import Any

import pytest
import yaml

from drivers import ProfileError, Purpose, Reading, profile_named, understand
from drivers.profile import SHIPPED, ModbusProfile, read_profile
from drivers.protocols.register_blocks import Block, packed
from drivers.understand import handed_over
from tests.vectors import modbus

PAGE = 0x0100
SPECTRO = profile_named("spectrophotometer-modbus")
GOOD = (SHIPPED / "spectrophotometer-modbus.yaml").read_text(encoding="utf-8")

ODD = """
profile: odd
version: 1
quality: paper
describes: {en: an odd one, zh-CN: 特例}
protocol: modbus
custody: kept
registers:
  table: input
  order: CDAB
  interval: 1
  timeout: 1
  slowest_answer: 2
  write_time: 0.1
  also: [{at: 0x0200, count: 2}]
  counter: {at: 0x0010, type: u32}
  record: {at: 0x0100, length: 24}
readings:
  - item: {at: +0, type: text, count: 4, encoding: gbk, order: ABCD}
    value: {at: +4, type: i32, places: 0x0200, instead: {7FFFFFFF: overrange}}
    unit: {at: 0x0201, words: {1: mg/kg, 2: "%"}}
    sample: {at: +6, type: bcd, count: 2, order: ABCD}
    channel: {at: +8, bits: [4, 7]}
    measured_at: {at: +9, type: time, count: 6, packed: words, form: YMDhms}
    reported: {at: +15}
    operator: {at: +16, type: text, count: 2, order: ABCD}
    extras: {flags: {at: +18, names: {0: lamp low}}}
  - item: temperature
    value: {at: +20, type: float32, decimals: 1}
    unit: Cel
items: {甲醛: formaldehyde}
reported: {1: 合格, 2: 不合格}
sentinels: [overrange]
identity: {outside: [+15], counter: in}
"""


def odd() -> ModbusProfile:
    profile = read_profile(ODD, "odd.yaml")
    assert isinstance(profile, ModbusProfile)
    return profile


def words(octets: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(octets) // 2}H", octets)


def odd_record(*, value: bytes = b"\x00\x7e\x00\x00", verdict: int = 1, counter: int = 7) -> bytes:
    record = (
        *words("甲醛".encode("gbk").ljust(8, b"\0")),
        *words(value),
        *(0x2611, 0x0030, 0x0020),
        *(2026, 11, 23, 6, 45, 12),
        verdict,
        *words(b"op07"),
        *(0b101, 0),
        *words(modbus.FLOAT_12_6["CDAB"]),
        *(0, 0),
    )
    head = (Block(4, 0x0010, (counter, 0)), Block(4, 0x0200, (1, 1)))
    return packed((*head, Block(4, PAGE, record)))


def page_record(**parts: Any) -> bytes:
    """One result on the first channel of the shipped page, or what `parts` say of it."""
    said: dict[str, Any] = {
        "number": 7,
        "status": 2,
        "item": 1,
        "flags": 0,
        "value": "ABCD",
    } | parts
    value = said["value"]
    octets = modbus.FLOAT_12_6[value] if isinstance(value, str) else struct.pack(">f", value)
    begins = (said["number"], said["status"], said["item"], said["flags"], *words(octets))
    absorbance = words(struct.pack(">f", 0.596))
    record = (*begins, *absorbance, 0x2611, 0x2306, 0x4512, 50, 0, 0)
    head = (Block(3, 0, words(b"SP-8 SN24A0117".ljust(32, b"\0"))), Block(3, 0x10, (17, 7, 8)))
    return packed((*head, Block(3, PAGE + 16 * said.get("place", 0), record)))


def one(record: bytes) -> Reading:
    (reading,) = understand(SPECTRO, record)
    return reading


def test_a_record_of_the_domain_s_map_is_a_reading() -> None:
    reading = one(page_record(place=2))

    assert (reading.item, reading.value, reading.unit) == ("opc-inhibition", "12.6", "%")
    assert (reading.channel, reading.measured_at) == ("3", "2026-11-23T06:45:12")
    assert reading.instrument_text == "261123064512"
    assert reading.extras == {
        "item_code": "1",
        "absorbance": "0.596",
        "dilution": "5.0",
        "status": "done",
        "strip_t": "0",
        "strip_c": "0",
    }


def test_who_the_instrument_says_it_is_goes_with_its_delivery() -> None:
    assert handed_over(SPECTRO, page_record()).device_serial == "SP-8 SN24A0117"


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        ({"status": 3}, "invalid"),
        ({"flags": 2}, "overflow"),
        ({"value": float("nan")}, "NaN"),
        ({"value": float("inf")}, "Inf"),
    ],
)
def test_what_is_no_value_is_a_word_and_never_a_number(parts: dict[str, Any], value: str) -> None:
    assert one(page_record(**parts)).value == value


def test_what_stood_where_there_is_no_value_is_kept_beside_it() -> None:
    assert one(page_record(status=3)).extras["sent"] == "12.6"


def test_a_control_is_known_by_its_mark() -> None:
    reading = one(page_record(flags=0b101))

    assert (reading.purpose, reading.extras["purpose"]) == (Purpose.QC, "qc")
    assert reading.extras["flags"] == ["suspicious", "control"]


def test_an_item_that_the_profile_does_not_know_stays_the_instrument_s_own() -> None:
    reading = one(page_record(item=99))

    assert (reading.item, reading.unit) == ("99", None)


def test_a_place_without_a_record_is_no_reading() -> None:
    assert understand(SPECTRO, page_record(status=0)) == ()


def test_neither_its_place_on_the_page_nor_its_status_identifies_a_record() -> None:
    assert one(page_record(place=0)).identity == one(page_record(place=5, flags=4)).identity


@pytest.mark.parametrize("parts", [{"number": 8}, {"value": 12.7}, {"item": 2}])
def test_another_number_value_or_item_is_another_record(parts: dict[str, Any]) -> None:
    assert one(page_record()).identity != one(page_record(**parts)).identity


def test_text_bcd_bits_words_and_places_are_read_as_the_profile_says() -> None:
    reading, temperature = understand(odd(), odd_record())

    assert (reading.item, reading.value, reading.unit) == ("formaldehyde", "12.6", "mg/kg")
    assert (reading.sample, reading.channel) == ("26110030", "2")
    assert (reading.measured_at, reading.reported) == ("2026-11-23T06:45:12", "合格")
    assert reading.extras == {
        "flags": ["lamp low", "bit 2"],
        "operator": "op07",
        "item_code": "甲醛",
    }
    assert (temperature.item, temperature.value, temperature.unit) == ("temperature", "12.6", "Cel")


def test_a_register_that_stands_for_no_value_is_its_word() -> None:
    reading, _ = understand(odd(), odd_record(value=b"\xff\xff\x7f\xff"))

    assert (reading.value, reading.extras["sent"]) == ("overrange", "214748364.7")


def test_a_scale_that_was_not_read_leaves_the_value_unknown() -> None:
    without_scale = odd_record().replace(packed([Block(4, 0x0200, (1, 1))]), b"")

    reading, _ = understand(odd(), without_scale)

    assert (reading.value, reading.unit) == (None, None)


def test_a_counter_that_is_part_of_the_identity_tells_equal_records_apart() -> None:
    first, again, other = (
        understand(odd(), odd_record(counter=counter, verdict=verdict))[0].identity
        for counter, verdict in ((7, 1), (7, 2), (8, 1))
    )

    assert first == again != other


@pytest.mark.parametrize("record", [b"\x03", b"no registers", packed([Block(3, 0, (1,))])[:-1]])
def test_bytes_that_are_no_registers_are_kept_and_not_understood(record: bytes) -> None:
    delivery = handed_over(SPECTRO, record)

    assert (delivery.readings, delivery.raw) == ((), record)
    assert delivery.fault is not None
    assert delivery.fault.startswith("not understood: ValueError: ")


# -- profiles ------------------------------------------------------------------------------------


def fault_of(text: str) -> str:
    with pytest.raises(ProfileError) as fault:
        read_profile(text, "a.yaml")
    return str(fault.value)


@pytest.mark.parametrize(
    ("found", "wanted", "said"),
    [
        ("at: 0x0011", "at: 40018x", "registers.counter.at: an address such as 0x0010, 16 or +4"),
        ("at: 0x0011", "at: 70000", "registers.counter.at: an address such as"),
        ("order: ABCD", "order: ABDC", "registers.order: input should be 'ABCD'"),
        ("timeout: 1", "timeout: 9", "registers: slowest_answer: at least the timeout 9.0"),
        ("type: float32}", "type: float}", "readings.0.value.type"),
        ("count: 3, packed", "packed", "readings.0.measured_at: count: a count expected for time"),
        ("value: {at: +4, ", "value: {at: +4, count: 2, ", "count: no count expected for float32"),
        ("stamp: [+8,", "stamp: [+20,", "stamp: a place in the record, below +14, expected"),
        ("custody: kept", "custody: spoken once", "custody: held or kept expected"),
        ("sentinels: [invalid, ", "sentinels: [", "sentinels: 'invalid' among them expected"),
        ("pending: {at: 0x0010, bit: 4}", "pending: {at: 0x0010}", "a bit, or values, expected"),
        ("at: 0x0100", "at: 0xFFF0", "record: addresses up to 0xFFFF expected"),
        ("  latch:", "  latches:", "registers.latches: a key of a profile expected"),
    ],
)
def test_a_bad_profile_is_told_in_one_line_with_its_key(found: str, wanted: str, said: str) -> None:
    assert found in GOOD

    fault = fault_of(GOOD.replace(found, wanted))

    assert said in fault
    assert "\n" not in fault


def without(path: tuple[str, ...], text: str = GOOD) -> str:
    content = yaml.load(text, Loader=yaml.BaseLoader)
    part = content
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return yaml.safe_dump(content, allow_unicode=True)


def test_a_record_that_nothing_tells_from_the_last_is_refused() -> None:
    uncounted = without(("registers", "counter"))
    unstamped = without(("registers", "record", "stamp"), uncounted)

    assert "a counter, a record's stamp or an event expected" in fault_of(unstamped)


def test_a_counted_record_that_nothing_identifies_is_refused() -> None:
    unnumbered = without(("registers", "record", "number"))
    unstamped = without(("registers", "record", "stamp"), unnumbered)

    assert "identity: a record's number, stamp or counter expected" in fault_of(unstamped)


@pytest.mark.parametrize("name", ["spectrophotometer-modbus", "residue-reader-modbus"])
def test_a_profile_can_be_printed_for_machines_and_read_back(name: str) -> None:
    profile = profile_named(name)
    assert isinstance(profile, ModbusProfile)

    printed = profile.model_dump(mode="json")

    assert ModbusProfile.model_validate(printed) == profile
