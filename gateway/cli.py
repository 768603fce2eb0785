"""`kj-gateway`: what a technician and an installer type."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table

from drivers import ProfileError, decode_file, load_profiles
from drivers.profile import Language
from gateway.broker import BrokerError
from gateway.checks import findings
from gateway.local import ask, socket_path
from gateway.settings import StationSettings, station_settings
from gateway.wire.configfile import SettingsError
from gateway.wire.language import chinese, say
from gateway.wire.logs import start_logging

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=say(
        "Reads rapid-test analysers, keeps every byte, judges and publishes.",
        "读取快检仪器，保存每个字节，判定并发布结果。",
    ),
)

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", help=say("The station's settings.", "站点设置文件。")),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help=say("For machines.", "输出 JSON，供程序读取。"))
]
STATION_TOML = Path("station.toml")


@app.callback()
def _program() -> None:
    """Everything is a subcommand."""


@app.command(help=say("Run until SIGTERM.", "运行，直到收到 SIGTERM。"))
def run(config: ConfigOption = STATION_TOML) -> None:
    # The whole gateway takes seconds to load on a station's machine; only this command needs it.
    from gateway.app import run_gateway
    from gateway.journal import JournalError

    settings = _settings(config)
    start_logging()
    try:
        asyncio.run(run_gateway(settings))
    except (JournalError, BrokerError) as error:
        _stop(str(error))


@app.command(help=say("Settings, profiles, ports, broker.", "检查设置、仪器档案、端口和消息代理。"))
def check(config: ConfigOption = STATION_TOML, as_json: JsonOption = False) -> None:
    found = findings(_settings(config))
    if as_json:
        _print_json([{"what": f.what, "found": f.found, "problem": f.problem} for f in found])
    else:
        good = say("good", "正常")
        _table(
            (say("what", "检查项"), say("found", "情况"), say("problem", "问题")),
            [(f.what, f.found, f.problem or good) for f in found],
        )
    if not all(f.is_good for f in found):
        raise typer.Exit(1)


@app.command(help=say("What the gateway says of itself.", "网关自述：状态、仪器、未看懂的数据。"))
def status(config: ConfigOption = STATION_TOML, as_json: JsonOption = False) -> None:
    settings = _settings(config)
    told = ask(socket_path(settings.journal.path()), "status")
    if told is None:
        if as_json:
            _print_json({"running": False})
        _stop(
            say(
                f"a running gateway expected for {settings.journal.path()}, none found",
                f"没有找到使用 {settings.journal.path()} 的网关，它没有运行",
            )
        )
    if as_json:
        _print_json(told)
    else:
        _show_status(told)


@app.command(
    help=say(
        "Read again what was not understood, after a profile was mended.",
        "仪器档案改正后，重新解读当时没看懂的数据。",
    )
)
def redecode(
    since: Annotated[
        datetime,
        typer.Option(help=say("From when on, local time.", "从何时起（当地时间）。")),
    ],
    config: ConfigOption = STATION_TOML,
    as_json: JsonOption = False,
) -> None:
    settings = _settings(config)
    begins = since.replace(tzinfo=settings.station.zone())
    told = ask(socket_path(settings.journal.path()), "redecode", since=begins.isoformat())
    if told is None:
        from gateway.app import redecode_alone
        from gateway.journal import JournalError

        try:
            told = asyncio.run(redecode_alone(settings, begins))
        except JournalError as error:
            _stop(str(error))
    if as_json:
        _print_json(told)
        return
    typer.echo(
        say(
            f"{told['tried']} tried, {told['understood']} understood, {told['results']} results",
            f"重新解读 {told['tried']} 次交付，看懂 {told['understood']} 次，"
            f"得到 {told['results']} 条结果",
        )
    )


@app.command(help=say("The analysers this program knows.", "本程序认识的仪器。"))
def profiles(as_json: JsonOption = False) -> None:
    known = sorted(load_profiles().values(), key=lambda profile: profile.profile)
    if as_json:
        _print_json([json.loads(profile.model_dump_json()) for profile in known])
        return
    language = Language.CHINESE if chinese() else Language.ENGLISH
    _table(
        (
            say("profile", "档案"),
            say("maker", "厂家"),
            say("models", "型号"),
            say("quality", "依据"),
            say("describes", "说明"),
        ),
        [
            (p.profile, p.maker, ", ".join(p.models), p.quality, p.describes[language])
            for p in known
        ],
    )


@app.command(
    help=say(
        "Print one JSON object a reading, in order; FILE may be - for stdin.",
        "按顺序逐条打印读数（JSON）；文件名 - 表示标准输入。",
    )
)
def decode(
    file: Annotated[str, typer.Argument(metavar="FILE")],
    profile: Annotated[str, typer.Option("--profile", "-p")] = "astm-generic",
    as_hex: Annotated[
        bool, typer.Option("--hex", help=say("FILE holds hex digits.", "文件内容是十六进制。"))
    ] = False,
) -> None:
    try:
        octets = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        _stop(f"{file}: {say('a readable file expected', '应为可读文件')}, {error.strerror}")
    try:
        decoded = decode_file(profile, octets, as_hex=as_hex, name=file)
    except ProfileError as error:
        _stop(str(error))
    for line in decoded.lines:
        typer.echo(json.dumps(line, ensure_ascii=False))
    for fault in decoded.faults:
        typer.echo(fault, err=True)
    if decoded.faults:
        raise typer.Exit(1)


def _settings(config: Path) -> StationSettings:
    try:
        return station_settings(config)
    except SettingsError as error:
        _stop(str(error))


def _stop(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(1)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def _table(titles: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    table = Table(*(Column(title, overflow="fold") for title in titles))
    for row in rows:
        table.add_row(*(cell or "—" for cell in row))
    Console().print(table)


def _show_status(told: dict[str, Any]) -> None:
    status_, broker = told["status"], told["broker"]
    typer.echo(f"{status_['card']['name']} · {status_['station']}/{status_['gateway']}")
    reached = say("connected", "已连接") if broker["connected"] else say("not connected", "未连接")
    typer.echo(f"{say('broker', '消息代理')}: {broker['url']} ({reached})")
    typer.echo(
        say("entries", "条目")
        + f": {status_['head']} · {say('offered', '已送出')} {status_['offered']}"
        + f" · {say('not understood', '未看懂')} {status_['not_understood']}"
    )
    _table(
        (
            say("instrument", "仪器"),
            say("link", "连接"),
            say("state", "状态"),
            say("since", "起始"),
            say("deliveries", "交付"),
            say("why", "原因"),
        ),
        [
            (i["instrument"], i["link"], i["state"], i["since"], str(i["deliveries"]), i["why"])
            for i in told["instruments"]
        ],
    )
    for one in told["not_understood"]:
        what = say("not understood", "未看懂")
        typer.echo(f"{what}: {one['instrument']} {one['received_at']} {one['fault']}")


if __name__ == "__main__":
    app()
