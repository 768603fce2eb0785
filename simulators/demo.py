"""A whole market on one machine: gateway, broker, lab and analysers, and a technician at work.

The gateway and the lab are started as processes, from the same installation, with settings
files in a folder that goes away with the market; nothing of them is imported. The analysers and
the technician are ours: the first speak over ptys and TCP, the second over the lab's HTTP.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulators.benches import Bench
from simulators.children import ChildDied, Children, program
from simulators.demo_settings import Station, lab_toml, station_toml, stations
from simulators.kit.instruments import Stand
from simulators.kit.scenario import Scenario, load_scenario
from simulators.market import benches
from simulators.play import Stopped, beside, listen_for_stop, play, plugged_in, until
from simulators.screen import Screen
from simulators.technician import PATIENCE, LabSilent, Technician, ready, rows_on_board
from simulators.tubes import Tube, Tubes
from simulators.words import word

_LOOPBACK = "127.0.0.1"
_LOOK_AGAIN = 0.5


class CannotOpen(Exception):
    """Why there is no market, in one line."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What was asked for on the command line."""

    stations: int = 1
    seed: int | None = None
    port: int = 8080
    lan: bool = False


@dataclass(frozen=True, slots=True)
class Market:
    """Everything that has to be known before anything starts."""

    scenario: Scenario
    seed: int
    folder: Path
    broker: str
    listen: str
    public: str
    stations: tuple[Station, ...]
    standing: dict[str, dict[str, Bench]]
    """Analysers by station, then by id."""


def run_demo(demo: Demo, screen: Screen) -> int:
    """Hold a market until Ctrl-C; return the exit code: 0 when stopped, 1 when something broke."""
    try:
        _need_free(_host(demo), demo.port)
        with tempfile.TemporaryDirectory(prefix="kuaijian-demo-") as folder:
            asyncio.run(_open(_plan(demo, Path(folder)), screen))
    except (Stopped, KeyboardInterrupt):
        return 0
    except CannotOpen as problem:
        screen.problem(str(problem))
    except LabSilent as problem:
        screen.problem(word("no-lab", url=problem.url, seconds=int(PATIENCE), said=problem.said))
    return 1


def _plan(demo: Demo, folder: Path) -> Market:
    scenario = load_scenario("market-morning")
    seed = scenario.seed if demo.seed is None else demo.seed
    known = tuple(stations(demo.stations, folder))
    host = _host(demo)
    return Market(
        scenario=scenario,
        seed=seed,
        folder=folder,
        broker=f"{_LOOPBACK}:{_free_port()}",
        listen=f"{host}:{demo.port}",
        public=f"http://{_lan_address() if demo.lan else _LOOPBACK}:{demo.port}",
        stations=known,
        standing={one.id: _standing(scenario, one, seed, len(known) > 1) for one in known},
    )


def _standing(
    scenario: Scenario, station: Station, seed: int, is_one_of_many: bool
) -> dict[str, Bench]:
    """Return a station's analysers, their TCP ports and pty folder its own."""
    return benches(
        _at_free_ports(scenario),
        station.folder / "ports",
        f"{seed}/{station.id}",
        station=station.id if is_one_of_many else "",
    )


async def _open(market: Market, screen: Screen) -> None:
    """Hold the market; raises Stopped when told to stop."""
    stop = listen_for_stop()
    everyone = [bench for standing in market.standing.values() for bench in standing.values()]
    try:
        async with plugged_in(everyone), Children(market.folder) as children:
            try:
                await beside(_trade(market, children, screen), until(stop))
            except Stopped:
                screen.say(word("demo-stops"))
                raise
    except ChildDied as death:
        screen.last_words(death.child)
        raise CannotOpen(str(death)) from death


async def _trade(market: Market, children: Children, screen: Screen) -> None:
    """Start the programs, and test samples for as long as they all live."""
    screen.say(word("demo-starts", stations=len(market.stations)))
    lab_settings = market.folder / "lab.toml"
    lab_settings.write_text(
        lab_toml(market.stations, market.folder, market.broker, market.listen, market.public),
        "utf-8",
    )
    for station in market.stations:
        await children.start(f"gateway-{station.id}", _gateway(market, station))
    key = await _technicians_key(children, lab_settings)
    lab = program("kj-lab", "lab_api.cli")
    await children.start("lab", [*lab, "run", "--config", str(lab_settings)])
    await beside(_work(market, key, screen), children.watch())


def _gateway(market: Market, station: Station) -> list[str]:
    """Write a station's settings; return how its gateway is started."""
    station.folder.mkdir(parents=True, exist_ok=True)
    settings = station.folder / "station.toml"
    settings.write_text(
        station_toml(
            station,
            market.standing[station.id].values(),
            market.broker,
            starts_broker=station is market.stations[0],
        ),
        "utf-8",
    )
    return [*program("kj-gateway", "gateway.cli"), "run", "--config", str(settings)]


async def _technicians_key(children: Children, settings: Path) -> str:
    lab = program("kj-lab", "lab_api.cli")
    asked = [*lab, "key", "add", "--config", str(settings), "--role", "technician"]
    code, said = await children.ask(asked)
    if code or not said or "\n" in said:
        raise CannotOpen(word("no-key", said=repr(said[-300:])))
    return said


async def _work(market: Market, key: str, screen: Screen) -> None:
    """Let the technicians and analysers of every station work, for ever."""
    await ready(f"{_local(market)}/healthz")
    screen.addresses(market.public, [one.id for one in market.stations], market.broker)
    works = [_at_station(market, station, key, screen) for station in market.stations]
    await beside(works[0], *works[1:])


async def _at_station(market: Market, station: Station, key: str, screen: Screen) -> None:
    seed = f"{market.seed}/{station.id}"
    tubes = Tubes(market.scenario, seed, station.ordinal)
    technician = Technician(_local(market), key, station.id, station.site)
    first: list[Tube] = []

    async def prepare(batch: Sequence[Tube]) -> None:
        await technician.prepare(batch)
        if not first:
            first.extend(batch)
            screen.expected(station.id, batch)

    playing = play(
        market.standing[station.id],
        tubes,
        market.scenario.pace,
        seed,
        prepare=prepare,
        delivered=screen.delivered,
        told=screen.cable,
    )
    await beside(playing, _first_rows(market, station, screen))


async def _first_rows(market: Market, station: Station, screen: Screen) -> None:
    """Say so, once, when the public board of a station is no longer empty."""
    while True:
        if rows := await rows_on_board(_local(market), station.id):
            screen.say(word("first-rows", station=station.id, rows=rows))
            return
        await asyncio.sleep(_LOOK_AGAIN)


def _at_free_ports(scenario: Scenario) -> Scenario:
    """Return the scenario with its TCP analysers at ports that nobody uses.

    What shares a stand still does.
    """
    moved = {one.stand: _at_free_port(one.stand) for one in scenario.instruments}
    there = [one.model_copy(update={"stand": moved[one.stand]}) for one in scenario.instruments]
    return scenario.model_copy(update={"instruments": tuple(there)})


def _at_free_port(stand: Stand) -> Stand:
    if stand.pty:
        return stand
    kind = "listen" if stand.listen else "dial"
    return stand.model_copy(update={kind: f"{_LOOPBACK}:{_free_port()}"})


def _local(market: Market) -> str:
    """The lab's address for us, wherever else it may listen."""
    return f"http://{_LOOPBACK}:{market.listen.rpartition(':')[2]}"


def _host(demo: Demo) -> str:
    return "0.0.0.0" if demo.lan else _LOOPBACK


def _need_free(host: str, port: int) -> None:
    """Raise CannotOpen, in one line, where a port is in use or not allowed."""
    with socket.socket() as trying:
        # As a web server does: a port that is only cooling down is free.
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((host, port))
            trying.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotOpen(word("port-taken", port=port)) from error
            raise CannotOpen(word("port-refused", port=port, why=error.strerror)) from error


def _free_port() -> int:
    with socket.socket() as trying:
        trying.bind((_LOOPBACK, 0))
        port: int = trying.getsockname()[1]
        return port


def _lan_address() -> str:
    """Return this machine's address on its network; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
        try:
            towards.connect(("192.0.2.1", 9))
        except OSError:
            return _LOOPBACK
        address: str = towards.getsockname()[0]
        return address
