"""Settings of the wrong shape are refused in one line: file, key, expected, found."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.wire.configfile import SettingsError
from lab_api.settings import read_lab_settings

GOOD = """
[lab]
id = "lab1"
[store]
url = "sqlite:////var/lib/kuaijian/lab.db"
[mqtt]
url = "mqtt://127.0.0.1:1883"
[http]
listen = "127.0.0.1:8080"
public-url = "https://lab.example/"
[[station]]
id = "s0007"
region = "210112"
publish = true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lab.toml"


def test_a_file_as_in_the_manual_is_read(file: Path) -> None:
    file.write_text(GOOD)

    settings = read_lab_settings(file)

    assert settings.lab.id == "lab1"
    assert settings.http.address() == ("127.0.0.1", 8080)
    assert settings.http.public_url == "https://lab.example"
    assert settings.station[0].publish


def test_the_password_comes_from_the_environment_and_is_never_shown(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(GOOD)
    monkeypatch.setenv("KJ_MQTT__PASSWORD", "s3cret")

    settings = read_lab_settings(file)

    assert settings.mqtt.broker().password == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        ('id = "lab1"', 'id = "Lab 1"', "lab.id: 1 to 64 of a-z 0-9 _ - expected, 'Lab 1' found"),
        ('id = "lab1"', 'id = "board"', "lab.id: none of alert, board, lab, notice expected"),
        ('id = "lab1"', "", "lab.id: a value expected, none found"),
        ("sqlite:////var/lib/kuaijian/lab.db", "sqlite://", "store.url: sqlite:////path/lab.db"),
        ("sqlite:////var/lib/kuaijian/lab.db", "mysql://x/y", "'mysql' found"),
        ("mqtt://127.0.0.1:1883", "http://x", "mqtt.url: mqtt://host:port or mqtts://host:port"),
        ("127.0.0.1:8080", "8080", "http.listen: host:port expected, '8080' found"),
        ("127.0.0.1:8080", "127.0.0.1:99999", "http.listen: host:port expected"),
        ("https://lab.example/", "lab.example", "http.public-url: http://host or https://host"),
        ('"210112"', '"2101"', "station.0.region: a region of six digits expected, '2101' found"),
        ("publish = true", 'publish = "yes"', "station.0.publish: true or false expected, 'yes'"),
        ("publish = true", "publish = 1", "station.0.publish: true or false expected, 1 found"),
        ("publish = true", "publsh = true", "station.0.publsh: a known key expected"),
        (
            "publish = true",
            'publish = true\n[[station]]\nid = "s0007"\nregion = "330100"',
            "station: each station once expected, 's0007' found again",
        ),
        (
            "publish = true",
            'publish = true\n[[uplink]]\nname = "district"',
            "uplink: not available in this version: no [[uplink]] expected, 1 found",
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_line(file: Path, was: str, becomes: str, line: str) -> None:
    file.write_text(GOOD.replace(was, becomes))

    with pytest.raises(SettingsError) as refused:
        read_lab_settings(file)

    assert str(refused.value).count("\n") == 0
    assert str(refused.value).startswith(f"{file}: ")
    assert line in str(refused.value)
