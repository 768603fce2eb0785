"""G7: the first rules, the shape a rule must have, and which one applies."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.judging import Rule, Rules, RulesError, load_rules
from gateway.wire.catalogue import food_name, item_name, method_name

RULES = load_rules()
DAY = date(2026, 11, 23)
EVERY = [rule for rules in RULES.by_item.values() for rule in rules]

RULE = {
    "id": "r1",
    "item": "nitrite",
    "food": '"06"',
    "unit": "mg/kg",
    "pass_when": "le",
    "limit": '"30"',
    "standard": "GB 2760-2024",
    "edition": '"2024"',
    "valid_from": "2025-02-08",
    "screen_action": "confirm",
    "confidence": "K-H",
}


def pack(folder: Path, *rules: dict[str, str], version: str = "1", name: str = "a.yaml") -> Path:
    lines = [f'version: "{version}"', "jurisdiction: CN", "rules:"]
    for rule in rules:
        body = [f"{key}: {text}" for key, text in rule.items()]
        lines += [f"  - {body[0]}", *(f"    {line}" for line in body[1:])]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def found(item: str, food: str | None, day: date = DAY, **named: str) -> str | None:
    rule = RULES.find(item, food, day, **named)
    return rule.id if rule else None


@pytest.mark.parametrize(
    ("item", "food", "rule"),
    [
        ("opc-inhibition", "01040201", "opc-inhibition-gbt5009.199"),
        ("opc-inhibition", "01", "opc-inhibition-gbt5009.199"),
        ("nitrite", "06010101", "nitrite-braised-meat-gb2760.2024"),
        ("nitrite", "07010101", "nitrite-pickled-vegetables-gb2762.2022"),
        ("sulfur-dioxide", "07020101", "sulfur-dioxide-dried-vegetables-gb2760.2024"),
        ("formaldehyde", "04040101", "formaldehyde-soaked-fishery"),
        ("malachite-green", "04010101", "malachite-green-kj201701"),
        ("polar-compounds", "08010101", "polar-compounds-frying-oil-gb2716"),
    ],
)
def test_a_food_is_judged_by_the_rule_of_its_group(item: str, food: str, rule: str) -> None:
    assert found(item, food) == rule


@pytest.mark.parametrize(
    ("item", "food"),
    [
        ("opc-inhibition", "04010101"),
        ("opc-inhibition", "0"),
        ("opc-inhibition", None),
        ("nitrite", "01040201"),
        ("no-such-item", "01040201"),
    ],
)
def test_without_a_rule_there_is_none(item: str, food: str | None) -> None:
    assert found(item, food) is None


def test_a_result_whose_day_nobody_knows_has_no_rule() -> None:
    assert RULES.find("opc-inhibition", "01040201", None) is None


@pytest.mark.parametrize(
    ("day", "edition"),
    [
        (date(2015, 5, 23), None),
        (date(2015, 5, 24), "nitrite-braised-meat-gb2760.2014"),
        (date(2025, 2, 7), "nitrite-braised-meat-gb2760.2014"),
        (date(2025, 2, 8), "nitrite-braised-meat-gb2760.2024"),
    ],
)
def test_the_edition_is_the_one_in_force_on_the_day(day: date, edition: str | None) -> None:
    assert found("nitrite", "06010101", day) == edition


def test_another_standard_stands_only_when_it_is_named() -> None:
    assert found("opc-inhibition", "0104", standard="NY/T 448-2001") == "opc-inhibition-nyt448"


def test_a_method_alone_still_means_the_default_standard() -> None:
    assert found("opc-inhibition", "0104", method="INH") == "opc-inhibition-gbt5009.199"


def test_a_method_that_a_rule_is_not_for_has_no_rule() -> None:
    assert found("opc-inhibition", "0104", method="XRF") is None


def test_a_limit_that_names_no_method_holds_for_all() -> None:
    assert found("nitrite", "0601", method="PHOT") == "nitrite-braised-meat-gb2760.2024"


def test_the_longest_food_code_wins(tmp_path: Path) -> None:
    narrow = RULE | {"id": "r2", "food": '"0601"', "limit": '"70"'}

    rule = load_rules(pack(tmp_path, RULE, narrow)).find("nitrite", "06010101", DAY)

    assert rule is not None
    assert rule.id == "r2"


def test_no_person_has_verified_any_rule_yet() -> None:
    assert [rule.id for rule in EVERY if rule.verified_by is not None] == []


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.id)
def test_a_rule_speaks_of_what_the_catalogue_names(rule: Rule) -> None:
    named = [item_name(rule.item, "en"), food_name(rule.food, "en")]
    if rule.method is not None:
        named.append(method_name(rule.method, "en"))

    assert None not in named


def test_a_number_keeps_its_zeros(tmp_path: Path) -> None:
    rule = load_rules(pack(tmp_path, RULE | {"limit": '"0.20"'})).find("nitrite", "06", DAY)

    assert str(rule and rule.threshold) == "0.20"


def test_a_limit_of_zero_is_a_number(tmp_path: Path) -> None:
    rule = load_rules(pack(tmp_path, RULE | {"limit": '"0"'})).find("nitrite", "06", DAY)

    assert rule is not None
    assert rule.threshold == Decimal(0)


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        ({"limit": "much"}, "rules.0.limit", "'much'"),
        ({"limit": "NaN"}, "rules.0.limit", "'NaN'"),
        ({"lmit": '"3"'}, "rules.0.lmit", "'3'"),
        ({"cutoff": '"3"'}, "either limit or cutoff expected", "['limit', 'cutoff'] found"),
        ({"limit": "null"}, "either limit or cutoff expected", "[] found"),
        ({"pass_when": "not_detected"}, "lod alone expected", "['limit'] found"),
        ({"pass_when": "under"}, "rules.0.pass_when", "'under'"),
        ({"unit": "ppm"}, "a unit that can be compared expected", "'ppm' found"),
        ({"food": '"6"'}, "rules.0.food", "'6'"),
        ({"valid_to": "2025-02-07"}, "valid_to after valid_from expected", "2025-02-07 found"),
    ],
)
def test_a_rule_of_the_wrong_shape_is_refused_and_says_why(
    tmp_path: Path, change: dict[str, str], expected: str, found: str
) -> None:
    with pytest.raises(RulesError) as refused:
        load_rules(pack(tmp_path, RULE | change))

    (line,) = str(refused.value).splitlines()
    assert "a.yaml" in line
    assert expected in line
    assert found in line


@pytest.mark.parametrize("change", [{"id": "r2"}, {"food": '"0601"'}])
def test_two_rules_that_answer_one_question_are_refused(
    tmp_path: Path, change: dict[str, str]
) -> None:
    with pytest.raises(RulesError, match="expected, r1 "):
        load_rules(pack(tmp_path, RULE, RULE | change))


def test_packs_of_two_versions_are_refused(tmp_path: Path) -> None:
    pack(tmp_path, RULE, version="1", name="a.yaml")
    pack(tmp_path, RULE | {"id": "r2"}, version="2", name="b.yaml")

    with pytest.raises(RulesError, match=r"one version for CN expected, \['1', '2'\] found"):
        load_rules(tmp_path)


def test_a_file_that_is_no_yaml_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [", encoding="utf-8")

    with pytest.raises(RulesError, match=r"a\.yaml: a YAML file expected, .* found$"):
        load_rules(tmp_path)


def test_a_folder_without_packs_for_the_jurisdiction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="for XX expected"):
        load_rules(pack(tmp_path, RULE), jurisdiction="XX")


def test_rules_may_be_gathered_in_any_order() -> None:
    turned = Rules.of(RULES.version, reversed(EVERY))

    assert turned.find("nitrite", "06010101", DAY) == RULES.find("nitrite", "06010101", DAY)
