from pathlib import Path

import pytest
import yaml

from simulators.kit.instruments import Instrument
from simulators.kit.scenario import ScenarioError, load_scenario, shipped

GOOD = """
name: small
seed: 1
instruments:
  - {id: pest-1, model: FSRA-24, serial: SN1, stand: {pty: pest-1}}
samples:
  - {instrument: pest-1, food: {code: "1", name: 上海青}, stall: A-1, item: X, value: "NA", unit: 1}
"""


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_can_be_played(name: str) -> None:
    assert load_scenario(name).name == name


def test_values_are_text_however_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(GOOD.replace('"NA"', "12.60"), "utf-8")

    assert load_scenario(str(path)).samples[0].value == "12.60"


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("seed: 1", "seed: one", "seed: Input should be a valid integer.*'one' found"),
        ("seed: 1", "", "seed: a value expected, nothing found"),
        ("seed: 1", "seed: 1\nsped: 2", "sped: no such key expected, one found"),
        (
            "stand: {pty: pest-1}",
            "stand: {}",
            r"instruments.0.stand: one of pty, listen, dial expected, none found",
        ),
        (
            "instrument: pest-1,",
            "instrument: pest-2,",
            r"scenario: an instrument of \['pest-1'\] expected, \['pest-2'\] found",
        ),
        ("stall: A-1, ", "", "samples.0: food and stall expected of all but controls"),
        ("stall: A-1", "stall: 甲1", "scenario: text in ascii expected, '甲1' found"),
        (
            "stand: {pty: pest-1}",
            "unit: 3, stand: {pty: pest-1}",
            "instruments.0: a unit for modbus alone expected, 3 found",
        ),
        (
            "model: FSRA-24,",
            "model: RR-8, speaks: modbus,",
            "instruments.0: a unit for modbus alone expected, None found",
        ),
        (
            "stand: {pty: pest-1}}",
            'stand: {dial: "h:1"}, speaks: modbus, unit: 1}',
            "instruments.0: pty or listen for modbus expected, dial h:1 found",
        ),
        (
            "samples:",
            "  - {id: b, model: M, serial: S, stand: {pty: pest-1}}\nsamples:",
            "scenario: one analyser a place expected, two at pest-1 found",
        ),
        (
            "stand: {pty: pest-1}",
            "stand: {pty: pest-1}, speaks: modbus, unit: 1",
            "scenario: an item's number for modbus expected, 'X' found",
        ),
        (
            'value: "NA"',
            "value: 阴性",
            "scenario: text in ascii expected, '阴性' found",
        ),
        ("samples:", "samples: []\nx:", "x: no such key expected"),
        ("name: small", "name: [", "YAML in UTF-8 expected"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_named_in_one_line_with_its_file(
    tmp_path: Path, good: str, bad: str, said: str
) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(GOOD.replace(good, bad), "utf-8")

    with pytest.raises(ScenarioError, match=rf"^{path}: {said}") as problem:
        load_scenario(str(path))

    assert "\n" not in str(problem.value)


def test_an_unknown_scenario_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="nope: a file or one of bad-cable, market-morning"):
        load_scenario("nope")


def test_a_dy_tells_numbers_and_what_it_shows_in_place_of_one(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    written = GOOD.replace("stand: {pty", "speaks: dy03ff, stand: {pty").replace('"NA"', "阴性")
    path.write_text(written, "utf-8")

    with pytest.raises(ScenarioError, match=r"a number or one of .* expected, '阴性' found"):
        load_scenario(str(path))


@pytest.mark.parametrize(
    ("stands", "may"),
    [
        (("{pty: a}, unit: 1", "{pty: a}, unit: 2"), True),
        (("{pty: a}, unit: 1", "{pty: a}, unit: 1"), False),
        (('{listen: "h:0"}', '{listen: "h:0"}'), True),
        (('{listen: "h:7"}', '{listen: "h:7"}'), False),
        (("{pty: a}, unit: 1", "{pty: a}"), False),
    ],
)
def test_only_units_of_one_bus_stand_at_one_place(stands: tuple[str, str], may: bool) -> None:
    first, second = (
        Instrument.model_validate(
            yaml.load(
                f"{{id: i, model: M, serial: S, stand: {stand}"
                + (", speaks: modbus}" if "unit" in stand else "}"),
                Loader=yaml.BaseLoader,
            )
        )
        for stand in stands
    )

    assert first.may_stand_beside(second) is may
