"""Registers as text: every width, every order, and nothing rounded, invented or lost."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from drivers.protocols.registers import (
    Clock,
    Kind,
    Order,
    as_bytes,
    as_float,
    as_text,
    as_time,
    as_whole,
    bits_between,
    digits_of,
    number_text,
    set_bits,
)
from tests.vectors import modbus

FOUR = [order for order in Order if len(order) == 4]
EIGHT = [order for order in Order if len(order) == 8]


def registers(octets: bytes) -> list[int]:
    return [int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)]


def laid_out(octets: bytes, order: Order) -> list[int]:
    """A value's bytes as an instrument of that order lays them into registers, by the letters."""
    letters = "ABCDEFGH"[: len(octets)]
    if len(order) == 8:
        pattern = str(order)
    else:
        words = [letters[at : at + 2] for at in range(0, len(letters), 2)]
        words = words[::-1] if order in (Order.LOW_WORD_FIRST, Order.LOW_FIRST) else words
        is_swapped = order in (Order.LOW_BYTE_FIRST, Order.LOW_FIRST)
        pattern = "".join(word[::-1] if is_swapped else word for word in words)
    return registers(bytes(octets[letters.index(letter)] for letter in pattern))


@pytest.mark.parametrize(("order", "octets"), modbus.FLOAT_12_6.items())
def test_12_6_is_12_6_in_each_of_the_four_orders(order: str, octets: bytes) -> None:
    assert number_text(registers(octets), Kind.FLOAT32, Order(order)) == "12.6"


@pytest.mark.parametrize(("order", "octets"), modbus.FLOAT_12_6.items())
def test_in_the_wrong_order_it_is_what_the_manual_warns_of(order: str, octets: bytes) -> None:
    misread = float(modbus.FLOAT_12_6_MISREAD[order])

    found = float(number_text(registers(octets), Kind.FLOAT32))

    assert math.isclose(found, misread, rel_tol=0.01)


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("kind", [Kind.U64, Kind.I64, Kind.FLOAT64])
def test_a_number_of_64_bits_is_itself_in_every_order(kind: Kind, order: Order) -> None:
    octets = struct.pack(">d", -1234.5678)
    whole = int.from_bytes(octets, "big", signed=kind is Kind.I64)

    found = number_text(laid_out(octets, order), kind, order)

    assert found == ("-1234.5678" if kind is Kind.FLOAT64 else str(whole))


def test_the_eight_orders_of_64_bits_are_all_there_are() -> None:
    octets = bytes(range(8))
    swaps = {tuple(laid_out(octets, order)) for order in Order}

    assert len(swaps) == 8
    assert all(sorted(as_bytes(list(swap))) == list(octets) for swap in swaps)


@pytest.mark.parametrize("order", FOUR)
@given(number=some.integers(-(2**31), 2**32 - 1))
def test_a_number_of_32_bits_is_itself_in_every_order(order: Order, number: int) -> None:
    kind = Kind.I32 if number < 0 else Kind.U32
    octets = number.to_bytes(4, "big", signed=number < 0)

    assert as_whole(laid_out(octets, order), kind, order) == number


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        (Kind.U16, [0xFFFF], "65535"),
        (Kind.I16, [0xFFFF], "-1"),
        (Kind.I16, [0x8000], "-32768"),
        (Kind.U32, [0xFFFF, 0xFFFF], "4294967295"),
        (Kind.I32, [0xFFFF, 0xFF9C], "-100"),
        # Beyond 2^53, where a float would have lost the last digit.
        (Kind.U64, [0x0020, 0, 0, 1], "9007199254740993"),
        (Kind.I64, [0x8000, 0, 0, 0], "-9223372036854775808"),
    ],
)
def test_whole_numbers_are_exact(kind: Kind, words: list[int], said: str) -> None:
    assert number_text(words, kind) == said


def test_a_register_with_its_low_byte_first_is_turned() -> None:
    assert number_text([0x1E00], Kind.U16, Order.LOW_FIRST) == "30"


@pytest.mark.parametrize(
    ("word", "scale", "said"),
    [
        (126, "0.1", "12.6"),
        (120, "0.1", "12.0"),
        (0, "0.01", "0.00"),
        (5970, "0.1", "597.0"),
        (65531, "0.1", "-0.5"),
        (7, "10", "70"),
        (3, "1E+3", "3000"),
        (1, "0.0000001", "0.0000001"),
    ],
)
def test_a_scaled_number_keeps_every_place_of_its_scale(word: int, scale: str, said: str) -> None:
    assert number_text([word], Kind.I16, scale=Decimal(scale)) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0.0, "0"),
        (25.0, "25"),
        (0.1, "0.1"),
        (17.625, "17.625"),
        (100000.0, "100000"),
        (16777216.0, "16777216"),
        (1.5e-7, "1.5e-7"),
        (3.4028234663852886e38, "3.4028235e+38"),
        (1.401298464324817e-45, "1e-45"),
        (-0.596, "-0.596"),
    ],
)
def test_a_float_has_its_shortest_name(number: float, said: str) -> None:
    assert number_text(registers(struct.pack(">f", number)), Kind.FLOAT32) == said


@given(some.binary(min_size=4, max_size=4))
def test_a_float_is_read_back_from_its_name(octets: bytes) -> None:
    said = number_text(registers(octets), Kind.FLOAT32)

    number = as_float(registers(octets))
    if math.isfinite(number):
        assert struct.unpack(">f", struct.pack(">f", float(said)))[0] == number
    else:
        assert said in ("NaN", "Inf", "-Inf")


@given(some.floats(allow_nan=False, allow_infinity=False))
@example(5.960464477539063e-08)  # its 16 digits are a tie
def test_a_float_of_64_bits_has_the_name_that_python_gives_it(number: float) -> None:
    said = number_text(registers(struct.pack(">d", number)), Kind.FLOAT64)

    assert Decimal(said) == Decimal(repr(number))


@pytest.mark.parametrize(
    ("octets", "said"),
    [("7FC00000", "NaN"), ("FFC00000", "NaN"), ("7F800000", "Inf"), ("FF800000", "-Inf")],
)
def test_what_is_no_number_is_a_word(octets: str, said: str) -> None:
    assert number_text(registers(bytes.fromhex(octets)), Kind.FLOAT32, decimals=1) == said


@pytest.mark.parametrize(
    ("number", "decimals", "said"),
    [(12.6, 1, "12.6"), (12.64, 1, "12.6"), (49.96, 1, "50.0"), (0.125, 2, "0.12"), (7.0, 0, "7")],
)
def test_places_are_cut_only_where_a_profile_says_so(
    number: float, decimals: int, said: str
) -> None:
    sent = registers(struct.pack(">f", number))

    assert number_text(sent, Kind.FLOAT32, decimals=decimals) == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"YL0114010022\0\0", "YL0114010022"),
        (b"\x09YL0916112101\0", "YL0916112101"),
        (b"SC-1\0OLDTEXT", "SC-1"),
        (b"  A1 \b\b", "A1"),
        (b"\0\0\0\0", None),
        ("甲醛".encode("gbk"), "甲醛"),
        ("甲醛".encode("gbk")[:3] + b"\0", "甲"),
        (b"\xff\xffOK", "��OK"),
    ],
)
def test_text_ends_at_its_nul_and_loses_only_padding(octets: bytes, said: str | None) -> None:
    padded = octets + bytes(len(octets) % 2)
    assert as_text(registers(padded), "gbk" if octets[:1] > b"\x80" else "ascii") == said


@pytest.mark.parametrize("order", [Order.HIGH_FIRST, Order.LOW_BYTE_FIRST])
def test_text_is_read_in_the_order_of_its_bytes(order: Order) -> None:
    assert as_text(laid_out(b"SN24A017", order), "ascii", order) == "SN24A017"


@pytest.mark.parametrize(
    ("words", "packed", "form", "said"),
    [
        ([0x2611, 0x2306, 0x4512], Clock.BCD, "YMDhms", "2026-11-23T06:45:12"),
        ([0x0645, 0x1223, 0x1126], Clock.BCD, "hmsDMY", "2026-11-23T06:45:12"),
        ([0x2611, 0x2306, 0x4500], Clock.BCD, "YMDhm.", "2026-11-23T06:45:00"),
        ([0x1A0B, 0x1706, 0x2D0C], Clock.BYTES, "YMDhms", "2026-11-23T06:45:12"),
        ([2026, 11, 23, 6, 45, 12], Clock.WORDS, "YMDhms", "2026-11-23T06:45:12"),
        ([0x0000, 0x0000, 0x0000], Clock.BCD, "YMDhms", None),
        ([0x2613, 0x2306, 0x4512], Clock.BCD, "YMDhms", None),
        ([0x26AB, 0x2306, 0x4512], Clock.BCD, "YMDhms", None),
        ([0x2611], Clock.BCD, "YMDhms", None),
    ],
)
def test_a_time_is_an_instant_or_nothing(
    words: list[int], packed: Clock, form: str, said: str | None
) -> None:
    assert as_time(words, packed, form) == said


@given(
    words=some.lists(some.integers(0, 0xFFFF), max_size=8),
    packed=some.sampled_from(Clock),
    form=some.permutations("YMDhms.").map("".join),
)
def test_any_registers_are_some_time_or_none(words: list[int], packed: Clock, form: str) -> None:
    found = as_time(words, packed, form)

    assert found is None or len(found) == 19


def test_bcd_is_its_digits_or_nothing() -> None:
    assert digits_of([0x0012, 0x3456]) == "00123456"
    assert digits_of([0x00A2]) is None


def test_bits_are_named_and_the_nameless_counted() -> None:
    assert set_bits(0b110001, {0: "ready", 4: "new-result"}) == ("ready", "new-result", "bit 5")


def test_a_few_bits_are_a_number_of_their_own() -> None:
    assert bits_between(0b0110_1010, 4, 6) == 0b110


def test_an_order_of_64_bits_fits_nothing_else() -> None:
    with pytest.raises(ValueError, match="4 registers expected, 2 found"):
        as_bytes([1, 2], Order.LOW_HALF_FIRST)


def test_the_names_of_orders_are_what_they_do() -> None:
    octets = b"ABCDEFGH"
    for order in EIGHT:
        assert as_bytes(registers(str(order).encode()), order) == octets
    for order in FOUR:
        assert as_bytes(registers(str(order).encode()), order) == octets[:4]
