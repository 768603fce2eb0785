from __future__ import annotations

from pathlib import Path

import pytest

from drivers import ProfileError, load_profile, load_profiles, profile_named
from drivers.profile import SHIPPED, Place, read_profile

GOOD = (SHIPPED / "fsra-24.yaml").read_text(encoding="utf-8")


def fault_of(text: str) -> str:
    with pytest.raises(ProfileError) as fault:
        read_profile(text, "fsra-24.yaml")
    return str(fault.value)


def test_every_profile_that_is_shipped_is_good() -> None:
    assert {"astm-bare", "astm-generic", "dayuan-dy03ff", "fsra-24"} <= set(load_profiles())


def test_an_unknown_profile_is_told_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match=r"one of .*fsra-24.* expected, 'fsra-25' found"):
        profile_named("fsra-25")


@pytest.mark.parametrize(
    ("found", "wanted", "said"),
    [
        ("version: 1", "version: one", "version: input should be a valid integer"),
        ("value: [R.4.1]", "value: [R4]", "fields.value.0: a place such as R.4, O.3.1 or R.3.4+"),
        ("value: [R.4.1]", "values: [R.4.1]", "fields.value: a value expected, nothing found"),
        ("protocol: astm", "protocol: smoke", "protocol: one of astm, dy03ff"),
        ("protocol: astm", "", "protocol: a value expected, nothing found"),
        ("maker: FSRA", "vendor: FSRA", "vendor: a key of a profile expected"),
        ("encoding: [gbk]", "encoding: [klingon]", "encoding.0: input should be"),
        ("custody: held", "custody: kept", "custody: 'held' expected"),
        ("custody: held", "custody: held\nquirk: odd", "quirk: one of (none registered) expected"),
        ("{baud: 9600", "{baud: fast", "serial.baud: input should be a valid integer"),
        ("profile: fsra-24", "profile: [", "YAML expected"),
        ("  en: ", "  fr: ", "describes"),
    ],
)
def test_a_bad_profile_is_told_in_one_line_with_its_key(found: str, wanted: str, said: str) -> None:
    assert found in GOOD

    fault = fault_of(GOOD.replace(found, wanted))

    assert said in fault
    assert fault.startswith("fsra-24.yaml: ")
    assert "\n" not in fault


ASKED = (SHIPPED / "dayuan-dy03ff.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("found", "wanted", "said"),
    [
        ("custody: kept", "custody: held", "custody: 'kept' expected, 'held' found"),
        ("interval: 5", "interval: 0", "interval: input should be greater than 0"),
        ("days_back: 7", "days_back: 999", "days_back: input should be less than or equal to 366"),
        ("octets: 2", "octets: 3", "inhibition.octets: input should be '2' or '4', '3' found"),
        ("FE7F: NA", "FE7: NA", "inhibition.missing.FE7"),
        ("encoding: gbk", "fields: {}\nencoding: gbk", "fields: a key of a profile expected"),
    ],
)
def test_each_protocols_profile_has_keys_of_its_own(found: str, wanted: str, said: str) -> None:
    assert found in ASKED

    assert said in fault_of(ASKED.replace(found, wanted, 1))


def test_text_that_is_no_profile_at_all_is_told() -> None:
    assert "fsra-24.yaml: " in fault_of("just a sentence")


def test_a_word_of_yaml_stays_a_word() -> None:
    text = GOOD.replace("reported: {N: 阴性", "reported: {NO: 阴性")

    assert read_profile(text, "fsra-24.yaml").reported["NO"] == "阴性"


def test_a_file_must_be_named_after_its_profile(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(GOOD, encoding="utf-8")

    with pytest.raises(ProfileError, match=r"other\.yaml: profile: 'other' expected, 'fsra-24'"):
        load_profile(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"gone\.yaml: a readable UTF-8 file expected"):
        load_profile(tmp_path / "gone.yaml")


@pytest.mark.parametrize("text", ["R.4", "O.3.1", "R.3.4+", "H.12"])
def test_a_place_is_written_as_it_is_read(text: str) -> None:
    assert str(Place.read(text)) == text


def test_a_profile_can_be_printed_for_machines() -> None:
    assert '"value":["R.4.1"]' in profile_named("fsra-24").model_dump_json()
