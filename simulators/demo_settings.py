"""The settings files of a demonstration market, as a person would write them by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from simulators.benches import Bench
from simulators.kit.instruments import Instrument, Speaks

REGION = "210112"
LAB = "lab1"
PROFILES = {
    Speaks.ASTM: "fsra-24",
    Speaks.DY03FF: "dayuan-dy03ff",
    Speaks.MODBUS: "residue-reader-modbus",
}
"""What the analysers of the demonstration are, by what they speak."""

_FIRST_STATION = 7
_MARKETS = ("浑南", "五三", "东湖", "白塔", "营城子", "祝家", "桃仙", "满堂")


@dataclass(frozen=True, slots=True)
class Station:
    """One station of the demonstration and the folder that is its disk."""

    id: str
    name: str
    site: str
    folder: Path
    ordinal: int


def stations(count: int, folder: Path) -> list[Station]:
    """Return so many stations: s0007 浑南农贸市场快检室 first."""
    return [_station(place, folder) for place in range(count)]


def _station(place: int, folder: Path) -> Station:
    identity = f"s{_FIRST_STATION + place:04d}"
    market = _MARKETS[place] if place < len(_MARKETS) else f"第{place + 1}"
    site = "hunnan-market" if place == 0 else f"market-{place + 1}"
    return Station(
        identity, f"{market}农贸市场快检室", site, folder=folder / identity, ordinal=place + 1
    )


def station_toml(
    station: Station, benches: Iterable[Bench], broker: str, *, starts_broker: bool
) -> str:
    """Return a `station.toml`; `broker` is host:port, and one station's gateway starts it."""
    by_url: dict[str, list[Instrument]] = {}
    for bench in benches:
        by_url.setdefault(bench.url, []).append(bench.instrument)
    links = "".join(_link(number, *one) for number, one in enumerate(by_url.items(), start=1))
    return f"""\
[station]
id = {_quoted(station.id)}
region = {_quoted(REGION)}
name = {_quoted(station.name)}
time-zone = "Asia/Shanghai"
lab = {_quoted(LAB)}
organisation = {_quoted(station.site)}
demo = true
[gateway]
id = "gw1"
[journal]
url = {_quoted(_sqlite(station.folder / "journal.db"))}
[mqtt]
url = {_quoted(f"mqtt://{broker}")}
[retention]
needs = [{_quoted(LAB)}]
{_broker(broker) if starts_broker else ""}{links}"""


def lab_toml(known: Iterable[Station], folder: Path, broker: str, listen: str, public: str) -> str:
    """Return a `lab.toml` that publishes for every station."""
    publishes = "".join(
        f"[[station]]\nid = {_quoted(one.id)}\nregion = {_quoted(REGION)}\npublish = true\n"
        for one in known
    )
    return f"""\
[lab]
id = {_quoted(LAB)}
[store]
url = {_quoted(_sqlite(folder / "lab.db"))}
[mqtt]
url = {_quoted(f"mqtt://{broker}")}
[http]
listen = {_quoted(listen)}
public-url = {_quoted(public)}
{publishes}"""


def _broker(listen: str) -> str:
    return f"[broker]\nlisten = {_quoted(listen)}\n"


def _link(number: int, url: str, instruments: Iterable[Instrument]) -> str:
    listed = ", ".join(map(_instrument, instruments))
    return (
        f"[[link]]\nname = {_quoted(f'bench-{number}')}\n"
        f"url = {_quoted(url)}\ninstruments = [{listed}]\n"
    )


def _instrument(one: Instrument) -> str:
    unit = "" if one.unit is None else f", unit = {one.unit}"
    return f"{{ id = {_quoted(one.id)}, profile = {_quoted(PROFILES[one.speaks])}{unit} }}"


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path.absolute()}"


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False)
