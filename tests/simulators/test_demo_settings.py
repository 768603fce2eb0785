import tomllib
from pathlib import Path

from simulators.demo_settings import lab_toml, station_toml, stations
from simulators.kit.scenario import load_scenario
from simulators.market import benches

MORNING = load_scenario("market-morning")
BROKER = "127.0.0.1:51883"


def test_a_stations_settings_are_those_of_a_demonstration(tmp_path: Path) -> None:
    (station,) = stations(1, tmp_path)
    standing = benches(MORNING, station.folder / "ports", 1).values()

    settings = tomllib.loads(station_toml(station, standing, BROKER, starts_broker=True))

    assert settings["station"] == {
        "id": "s0007",
        "region": "210112",
        "name": "浑南农贸市场快检室",
        "time-zone": "Asia/Shanghai",
        "lab": "lab1",
        "organisation": "hunnan-market",
        "demo": True,
    }
    assert settings["mqtt"]["url"] == f"mqtt://{settings['broker']['listen']}"
    assert settings["journal"]["url"] == f"sqlite:///{tmp_path}/s0007/journal.db"


def test_every_analyser_has_a_link_and_every_way_of_standing_is_there(tmp_path: Path) -> None:
    (station,) = stations(1, tmp_path)
    standing = benches(MORNING, station.folder / "ports", 1).values()

    settings = tomllib.loads(station_toml(station, standing, BROKER, starts_broker=True))

    assert [link["url"].split(":")[0] for link in settings["link"]] == [
        "serial",
        "tcp",
        "tcp+listen",
        "serial",
        "serial",
        "modbus+serial",
    ]
    assert [link["instruments"] for link in settings["link"]] == [
        [{"id": "pest-1", "profile": "fsra-24"}],
        [{"id": "pest-2", "profile": "fsra-24"}],
        [{"id": "photo-1", "profile": "fsra-24"}],
        [{"id": "pest-3", "profile": "dayuan-dy03ff"}],
        [{"id": "multi-1", "profile": "dayuan-dy03ff"}],
        [
            {"id": "residue-1", "profile": "residue-reader-modbus", "unit": 1},
            {"id": "residue-2", "profile": "residue-reader-modbus", "unit": 2},
        ],
    ]


def test_only_one_gateway_starts_the_broker(tmp_path: Path) -> None:
    _, second = stations(2, tmp_path)

    assert "broker" not in tomllib.loads(station_toml(second, [], BROKER, starts_broker=False))


def test_the_lab_publishes_for_every_station(tmp_path: Path) -> None:
    known = stations(3, tmp_path)
    listen, public = "0.0.0.0:8080", "http://192.0.2.7:8080"

    settings = tomllib.loads(lab_toml(known, tmp_path, BROKER, listen, public))

    assert settings["station"] == [
        {"id": identity, "region": "210112", "publish": True}
        for identity in ("s0007", "s0008", "s0009")
    ]
    assert settings["http"] == {"listen": listen, "public-url": public}


def test_a_folder_with_odd_letters_is_written_so_that_toml_gives_it_back(tmp_path: Path) -> None:
    odd = tmp_path / 'a "market" \\ 市场'
    (station,) = stations(1, odd)

    settings = tomllib.loads(station_toml(station, [], BROKER, starts_broker=True))

    assert settings["journal"]["url"] == f"sqlite:///{odd}/s0007/journal.db"


def test_fifty_stations_have_fifty_names(tmp_path: Path) -> None:
    assert len({one.name for one in stations(50, tmp_path)}) == 50
