"""What the simulators show on the terminal: tables and lines for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from simulators.benches import Bench
from simulators.children import Child
from simulators.tubes import CHINA, Tube
from simulators.words import word

_WIDEST = 160


class Screen:
    """A terminal, or with `as_json` a stream of one JSON object a line."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._tables = Console(width=max(self._out.width, _WIDEST))
        self._err = Console(highlight=False, soft_wrap=True, stderr=True)

    def say(self, text: str) -> None:
        if not self._as_json:
            self._out.print(escape(text))

    def problem(self, text: str) -> None:
        self._err.print(escape(text), style="red")

    def last_words(self, child: Child) -> None:
        """Name a program that ended by itself, with the end of its log."""
        self.problem(word("child-died", name=child.name, code=child.process.returncode))
        for line in child.last_words():
            self._err.print(f"  {escape(line)}")

    def standing(self, benches: Sequence[Bench]) -> None:
        """Say where each analyser is."""
        rows = [
            {
                "instrument": bench.instrument.id,
                "model": bench.instrument.model,
                "serial": bench.instrument.serial,
                "url": _address(bench),
            }
            for bench in benches
        ]
        self._table(word("stands"), {"instruments": rows}, rows)

    def addresses(self, public: str, stations: Sequence[str], broker: str) -> None:
        """Say where the pages of a demonstration are."""
        rows = []
        for station in stations:
            page = f"{public}/kiosk/{station}"
            rows.append({"page": word("kiosk", station=station), "address": page})
            rows.append({"page": word("kiosk-en", station=station), "address": f"{page}?lang=en"})
        rows.append({"page": word("health"), "address": f"{public}/healthz"})
        rows.append({"page": word("broker"), "address": f"mqtt://{broker}"})
        self._table(word("demo-title"), {"pages": rows}, rows)
        self.say(word("stop-it"))

    def expected(self, station: str, tubes: Sequence[Tube]) -> None:
        """Say which results come now, and what the public screen makes of each."""
        rows = [
            {
                "number": tube.number,
                "food": tube.sample.food.name if tube.sample.food else "-",
                "stall": tube.sample.stall or "-",
                "test": tube.sample.item,
                "value": f"{tube.sample.value} {tube.sample.unit}",
                "what-next": _what_next(tube),
            }
            for tube in tubes
        ]
        shown = [{**row, "what-next": word(row["what-next"])} for row in rows]
        self._table(f"{station}: {word('expected')}", {"station": station, "expected": rows}, shown)

    def delivered(self, bench: Bench, tube: Tube) -> None:
        """Say that the gateway took a result."""
        sample = tube.sample
        if self._as_json:
            self._line({"acknowledged": tube.number, "instrument": bench.name})
            return
        food = f"{sample.food.name} {sample.stall}" if sample.food else "QC"
        now = datetime.now(CHINA).strftime("%H:%M:%S")
        said = f"{now}  {bench.name}  {food}  {sample.item} {sample.value} {sample.unit}"
        self._out.print(f"{escape(said)}  [green]{word('acknowledged')}[/]")

    def cable(self, what: str, bench: Bench) -> None:
        """Say that a cable was `pulled` or `plugged`."""
        if self._as_json:
            self._line({"cable": what, "instrument": bench.name})
        else:
            said = word(f"cable-{what}", id=bench.name)
            self._out.print(escape(said), style="yellow")

    def _table(
        self, title: str, as_json: dict[str, object], rows: Sequence[dict[str, str]]
    ) -> None:
        if self._as_json:
            self._line(as_json)
            return
        # An address broken into two lines, or with a frame in it, could not be copied.
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for key in rows[0]:
            table.add_column(word(key), no_wrap=True)
        for row in rows:
            table.add_row(*(escape(text) for text in row.values()))
        self._tables.print(table)

    def _line(self, said: dict[str, object]) -> None:
        try:
            sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # As rich does for the tables: whoever read us has gone, so we put away and go too.
            self._out.on_broken_pipe()


def _address(bench: Bench) -> str:
    """A link's URL, and the address on it where several share it."""
    unit = bench.instrument.unit
    return bench.url if unit is None else f"{bench.url} #{unit}"


def _what_next(tube: Tube) -> str:
    """The word for what the public screen makes of a tube."""
    if tube.sample.control:
        return "not-public"
    if tube.is_public:
        return "shown"
    return "held" if tube.sample.flag else "invalid"
