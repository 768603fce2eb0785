"""`kj-sim`: pretends to be analysers; `kj-sim demo` is a whole market."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from simulators.benches import Bench
from simulators.demo import Demo, run_demo
from simulators.fleet import fleet as fleet_of
from simulators.kit.instruments import Speaks
from simulators.kit.scenario import Scenario, ScenarioError, load_scenario, shipped
from simulators.market import benches
from simulators.play import Stopped, beside, listen_for_stop, play, plugged_in, until
from simulators.screen import Screen
from simulators.tubes import Tube, Tubes
from simulators.words import word

app = typer.Typer(
    help=word("help"), no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

Json = Annotated[bool, typer.Option("--json", help=word("help-json"))]
Seed = Annotated[int | None, typer.Option(help=word("help-seed"))]
Folder = Annotated[Path | None, typer.Option(help=word("help-folder"))]
Count = Annotated[int | None, typer.Option(min=1, help=word("help-count"))]


@app.command(help=word("help-run"))
def run(
    scenario: Annotated[
        str, typer.Argument(help=word("help-scenario", known=", ".join(shipped())))
    ],
    folder: Folder = None,
    seed: Seed = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    screen = Screen(as_json=as_json)
    try:
        played = load_scenario(scenario)
        _knows_where_to_dial(played)
    except ScenarioError as problem:
        screen.problem(str(problem))
        raise typer.Exit(1) from problem
    _pretend(played, folder, seed, count, screen)


@app.command(help=word("help-fleet"))
def fleet(
    number: Annotated[int, typer.Argument(min=1, max=1000, help=word("help-number"))],
    kind: Annotated[Speaks, typer.Option(help=word("help-kind"))] = Speaks.ASTM,
    folder: Folder = None,
    every: Annotated[float, typer.Option(min=0.001, help=word("help-every"))] = 60.0,
    seed: Seed = None,
    count: Count = None,
    as_json: Json = False,
) -> None:
    scenario = fleet_of(number, every, seed or 1, kind)
    _pretend(scenario, folder, seed, count, Screen(as_json=as_json))


@app.command(help=word("help-demo"))
def demo(
    stations: Annotated[int, typer.Option(min=1, max=50, help=word("help-stations"))] = 1,
    seed: Seed = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help=word("help-port"))] = 8080,
    lan: Annotated[bool, typer.Option("--lan", help=word("help-lan"))] = False,
    as_json: Json = False,
) -> None:
    raise typer.Exit(run_demo(Demo(stations, seed, port, lan), Screen(as_json=as_json)))


def _pretend(
    scenario: Scenario, folder: Path | None, seed: int | None, count: int | None, screen: Screen
) -> None:
    """Play a scenario to its end, to `count` acknowledged messages, or until Ctrl-C."""
    chosen = scenario.seed if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="kuaijian-sim-") as fresh:
        standing = benches(scenario, folder or Path(fresh), chosen)
        try:
            asyncio.run(_play(scenario, standing, chosen, count, screen))
        except Stopped:
            pass
        except OSError as problem:
            screen.problem(_one_line(problem))
            raise typer.Exit(1) from problem
    taken = sum(len(bench.done) for bench in standing.values())
    screen.say(word("finished", count=taken))


async def _play(
    scenario: Scenario, standing: dict[str, Bench], seed: int, count: int | None, screen: Screen
) -> None:
    stop = listen_for_stop()
    enough = asyncio.Event()
    taken = 0

    def delivered(bench: Bench, tube: Tube) -> None:
        nonlocal taken
        taken += 1
        screen.delivered(bench, tube)
        if taken == count:
            enough.set()

    async def prepare(batch: Sequence[Tube]) -> None:
        """Nobody stands beside these analysers: numbers are all that is known of a sample."""

    async with plugged_in(list(standing.values())):
        screen.standing(list(standing.values()))
        tubes = Tubes(scenario, seed)
        playing = play(
            standing,
            tubes,
            scenario.pace,
            seed,
            prepare=prepare,
            delivered=delivered,
            told=screen.cable,
        )
        await beside(playing, until(stop), until(enough))


def _knows_where_to_dial(scenario: Scenario) -> None:
    for one in scenario.instruments:
        if one.stand.dial and one.stand.dial.endswith(":0"):
            raise ScenarioError(word("dials-nowhere", id=one.id))


def _one_line(problem: OSError) -> str:
    return " ".join(str(problem).split())


if __name__ == "__main__":
    app()
