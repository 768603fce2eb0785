"""G13: settings of the wrong shape refuse to start, in one line with file, key, expected, found."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import StationSettings, station_settings
from gateway.wire.configfile import SettingsError, read_settings

GOOD = """
[station]
id = "s0007"
region = "210112"
name = "浑南农贸市场快检室"
time-zone = "Asia/Shanghai"
area = "210112003002"
office = "wusan"
day-starts = "18:00"
lab = "lab1"
organisation = "hunnan-market"
demo = false
[gateway]
id = "gw1"
[journal]
url = "sqlite:////var/lib/kuaijian/journal.db"
[mqtt]
url = "mqtt://127.0.0.1:1883"
[retention]
needs = ["lab1"]
keep-days = 30
[broker]
listen = "127.0.0.1:1883"
[[link]]
name = "bench-1"
url = "serial:///dev/serial/by-path/usb-1?baud=9600"
instruments = [{ id = "pest-1", profile = "fsra-24" }]
"""


def written(path: Path, text: str) -> Path:
    file = path / "station.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_settings_of_the_design_are_read(tmp_path: Path) -> None:
    settings = station_settings(written(tmp_path, GOOD))

    assert settings.topics().result("pest-1") == ("kuaijian/v1/21/01/12/s0007/gw1/result/pest-1")


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)

    settings = read_settings(StationSettings, file, environment={"KJ_MQTT__PASSWORD": "s3"})

    assert settings.mqtt.password == "s3"


@pytest.mark.parametrize(
    ("was", "becomes", "key", "expected", "found"),
    [
        ('region = "210112"', 'region = "21011"', "station.region", "six digits", "'21011'"),
        ('id = "gw1"', 'id = "board"', "gateway.id", "a name other than", "'board'"),
        ('id = "s0007"', 'id = "S 7"', "station.id", "1 to 64 of", "'S 7'"),
        ('"Asia/Shanghai"', '"Asia/Shenyang"', "station.time-zone", "time zone", "Shenyang"),
        ('"mqtt://127.0.0.1:1883"', '"http://x"', "mqtt.url", "mqtt://host:port", "http://x"),
        ("sqlite:////var", "postgresql://var", "journal.url", "sqlite:////", "postgresql"),
        ("keep-days = 30", "keep-days = 0", "retention.keep-days", "greater than", "0"),
        ("demo = false", 'colour = "red"', "station.colour", "a known key", "unknown key"),
        ('id = "gw1"', "", "gateway.id", "a value expected", "none found"),
        ('needs = ["lab1"]', 'needs = ["x"]', "(top)", "the publishing lab 'lab1'", "x found"),
        ('"127.0.0.1:1883"\n[[', '"1883"\n[[', "broker.listen", "host:port", "'1883'"),
    ],
)
def test_one_line_names_file_key_expected_and_found(
    tmp_path: Path, was: str, becomes: str, key: str, expected: str, found: str
) -> None:
    assert was in GOOD
    file = written(tmp_path, GOOD.replace(was, becomes, 1))

    with pytest.raises(SettingsError) as caught:
        station_settings(file)

    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file}: {key}: ")
    assert expected in line
    assert found in line


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: a settings file expected, none found"):
        station_settings(tmp_path / "none.toml")


def test_a_file_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"TOML expected, .*line 1"):
        station_settings(written(tmp_path, "[station\n"))


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("[mqtt]", "[mqtt]\npassword = 12345678"))

    with pytest.raises(SettingsError) as caught:
        station_settings(file)

    assert "12345678" not in str(caught.value)


def test_a_link_name_used_twice_is_named(tmp_path: Path) -> None:
    link = GOOD[GOOD.index("[[link]]") :]
    file = written(tmp_path, GOOD + link.replace("pest-1", "pest-2"))

    with pytest.raises(SettingsError, match=r"link\.name: each name once expected, 'bench-1'"):
        station_settings(file)
