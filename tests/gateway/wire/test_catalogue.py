"""G6: what has no name gets none; and nothing public says more than a screening can."""

from decimal import Decimal

import pytest

from gateway.wire.catalogue import (
    LANGUAGES,
    food_code,
    food_name,
    item_code,
    item_name,
    method_name,
    outcome_words,
    public_names,
    unit_name,
)
from gateway.wire.catalogue.tables import foods, items, words
from gateway.wire.result import Limit, Value
from gateway.wire.words import Comparator, Grade, Outcome, PassWhen

FORBIDDEN = ("不合格", "预警", "有毒", "放心", "safe", "fail", "alarm")


def amount(number: str, unit: str | None, sign: str = "=") -> Value:
    return Value(
        as_reported=number,
        number=Decimal(number),
        comparator=Comparator(sign),
        unit=unit,
        grade=None,
    )


def graded(grade: Grade) -> Value:
    return Value(as_reported="…", number=None, comparator=None, unit=None, grade=grade)


UNREAD = Value(as_reported="?", number=None, comparator=None, unit=None, grade=None)


def names(
    value: Value = UNREAD,
    limit: Limit | None = None,
    *,
    item: str | None = None,
    food: str | None = None,
    food_called: str | None = None,
    method: str | None = None,
    standard: str | None = None,
) -> tuple[dict[str, str], dict[str, str]]:
    said = public_names(
        item=item,
        food=food,
        food_name=food_called,
        method=method,
        standard=standard,
        value=value,
        limit=limit,
    )
    return said["zh-CN"], said["en"]


def test_a_line_of_the_board_in_both_languages() -> None:
    limit = Limit(pass_when=PassWhen.LESS, number=Decimal(50), unit="%")

    assert names(
        amount("12.6", "%"),
        limit,
        item="opc-inhibition",
        food="01040201",
        method="INH",
        standard="GB/T 5009.199-2003",
    ) == (
        {
            "item": "农药残留",
            "food": "上海青",
            "method": "酶抑制法 GB/T 5009.199-2003",
            "value": "抑制率 12.6%",
            "limit": "合格：小于 50%",
        },
        {
            "item": "Pesticide residue (inhibition)",
            "food": "Pak choi",
            "method": "Enzyme inhibition GB/T 5009.199-2003",
            "value": "Inhibition 12.6%",
            "limit": "Pass: below 50%",
        },
    )


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        (amount("11", "mg/kg"), "11 mg/kg", "11 mg/kg"),
        (amount("12.60", "%"), "12.60%", "12.60%"),
        (amount("0.05", "mg/kg", "<"), "< 0.05 mg/kg", "< 0.05 mg/kg"),
        (amount("2", "ug/kg", ">="), "≥ 2 µg/kg", "≥ 2 µg/kg"),
        (amount("75.0", "Cel"), "75.0 ℃", "75.0 ℃"),
        (amount("186", "{RLU}"), "186 RLU", "186 RLU"),
        (amount("6.8", "[pH]"), "6.8", "6.8"),
        (amount("3", "ppm"), "3 ppm", "3 ppm"),
        (graded(Grade.NEGATIVE), "未检出", "Not detected"),
        (graded(Grade.POSITIVE), "检出", "Detected"),
        (graded(Grade.WEAK_POSITIVE), "弱阳性", "Weakly positive"),
        (graded(Grade.INVALID), "无效", "Invalid"),
    ],
)
def test_a_value_as_people_read_it(value: Value, chinese: str, english: str) -> None:
    in_chinese, in_english = names(value)

    assert (in_chinese["value"], in_english["value"]) == (chinese, english)


@pytest.mark.parametrize(
    ("passes", "number", "unit", "chinese", "english"),
    [
        (PassWhen.LESS, "50", "%", "合格：小于 50%", "Pass: below 50%"),
        (PassWhen.LESS_OR_EQUAL, "30", "mg/kg", "限量 30 mg/kg", "Limit 30 mg/kg"),
        (PassWhen.MORE, "0.40", "%", "合格：大于 0.40%", "Pass: above 0.40%"),
        (PassWhen.MORE_OR_EQUAL, "70", "Cel", "合格：不低于 70 ℃", "Pass: 70 ℃ or more"),
        (PassWhen.NOT_DETECTED, "2", "ug/kg", "检出限 2 µg/kg", "Detects from 2 µg/kg"),
        (PassWhen.NOT_DETECTED, None, None, "不得检出", "Must not be detected"),
    ],
)
def test_a_limit_as_people_read_it(
    passes: PassWhen, number: str | None, unit: str | None, chinese: str, english: str
) -> None:
    limit = Limit(pass_when=passes, number=Decimal(number) if number else None, unit=unit)

    in_chinese, in_english = names(limit=limit)

    assert (in_chinese["limit"], in_english["limit"]) == (chinese, english)


def test_what_is_not_known_is_left_out() -> None:
    assert names(item="ALTT", food="99999999", method="MAGIC") == ({}, {})


def test_a_standard_without_a_method_stands_alone() -> None:
    assert names(standard="GB 2760-2024")[0] == {"method": "GB 2760-2024"}


@pytest.mark.parametrize(
    ("code", "called", "shown"),
    [
        ("01040201", None, "上海青"),
        ("01040201", "鸡毛菜", "上海青"),
        ("0104", "鸡毛菜", "鸡毛菜"),
        ("0104", None, "叶菜类蔬菜"),
        ("99", "鸡毛菜", "鸡毛菜"),
        (None, "鸡毛菜", "鸡毛菜"),
    ],
)
def test_a_food_is_called_by_whatever_is_most_exact(
    code: str | None, called: str | None, shown: str
) -> None:
    assert names(food=code, food_called=called)[0]["food"] == shown


@pytest.mark.parametrize(
    "spelling",
    [
        "OPC-INH",
        "农残",
        "农药残留",
        "农药残留（抑制率）",
        "有机磷/氨基甲酸酯",
        "ｏｐｃ－inhibition",
    ],
)
def test_the_spellings_of_one_item_are_one_item(spelling: str) -> None:
    assert item_code(spelling) == "opc-inhibition"


@pytest.mark.parametrize("spelling", ["SO2", "NIT", "ALTT", "", "农药残留(农)"])
def test_a_spelling_that_could_mean_something_else_is_no_item(spelling: str) -> None:
    assert item_code(spelling) is None


@pytest.mark.parametrize(("spelling", "code"), [("西红柿", "01050101"), ("pak CHOI", "01040201")])
def test_a_food_is_found_by_its_other_names(spelling: str, code: str) -> None:
    assert food_code(spelling) == code


@pytest.mark.parametrize(
    "food",
    ["上海青", "西芹", "豇豆", "黄瓜", "韭菜", "草鱼", "酱牛肉", "大白菜", "菠菜", "辣椒", "番茄"],
)
def test_the_foods_of_a_market_morning_have_codes_of_eight_digits(food: str) -> None:
    assert len(food_code(food) or "") == 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_in_the_catalogue_has_a_name(language: str) -> None:
    named = [
        *(item_name(code, language) for code in items()),
        *(food_name(code, language) for code in foods()),
        *(method_name(code, language) for code in words().methods),
        *(outcome_words(outcome, language) for outcome in Outcome),
    ]

    assert all(named)


def test_every_food_stands_under_a_group_that_has_a_name() -> None:
    assert {code[:2] for code in foods()} <= set(foods())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_verdict_says_what_only_a_laboratory_may(language: str) -> None:
    said = " ".join(outcome_words(outcome, language) for outcome in Outcome).lower()

    assert [word for word in FORBIDDEN if word in said] == []


@pytest.mark.parametrize(
    ("outcome", "chinese", "english"),
    [
        (Outcome.PASS, "快检合格", "Screen: pass"),
        (Outcome.FAIL, "初筛阳性", "Screen positive"),
        (Outcome.SUSPECT, "可疑·待复核", "Suspect · awaiting review"),
        (Outcome.INVALID, "无效·请重测", "Invalid · please rerun"),
        (Outcome.NOT_JUDGED, "未判定", "Not judged"),
    ],
)
def test_a_verdict_as_people_read_it(outcome: Outcome, chinese: str, english: str) -> None:
    assert (outcome_words(outcome, "zh-CN"), outcome_words(outcome, "en")) == (chinese, english)


def test_a_unit_that_nobody_knows_is_shown_as_it_is() -> None:
    assert unit_name("S/CO") == "S/CO"
