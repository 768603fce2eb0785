"""`kj-lab`: runs the lab, and looks after its keys and stations from a terminal."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import Session

from gateway.wire.configfile import SettingsError
from gateway.wire.language import say
from gateway.wire.logs import start_logging
from gateway.wire.model import Json
from lab_api.app.works import have_done
from lab_api.auth import Role, keys
from lab_api.settings import LabSettings, StationPart, read_lab_settings
from lab_api.store.alone import StoreTaken
from lab_api.store.beside import NoStore, read_beside
from lab_api.store.handover import NotTaken
from lab_api.store.restore import restore_sqlite
from lab_api.store.stations import card_of, every_station
from lab_api.store.store import Store
from lab_api.store.trouble import StoreTrouble

T = TypeVar("T")

app = typer.Typer(
    help=say("The lab: results in, notices out.", "快检室服务：接收结果，发布公示。"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
key_app = typer.Typer(help=say("API keys.", "接口密钥。"), no_args_is_help=True)
station_app = typer.Typer(help=say("Stations.", "快检室。"), no_args_is_help=True)
app.add_typer(key_app, name="key")
app.add_typer(station_app, name="station")

Config = Annotated[
    Path, typer.Option("--config", help=say("The settings file, lab.toml.", "设置文件 lab.toml。"))
]
AsJson = Annotated[bool, typer.Option("--json", help=say("Print JSON.", "输出 JSON。"))]

PROBLEMS = (
    SettingsError,
    StoreTaken,
    StoreTrouble,
    NoStore,
    NotTaken,
    ValueError,
    OSError,
)
"""What a person at a terminal is told in one line each; a port that is held is an OSError."""


def main() -> None:
    """The program `kj-lab`."""
    app()


def _fail(error: BaseException) -> NoReturn:
    for line in str(error).splitlines():
        typer.echo(line, err=True)
    raise typer.Exit(1)


@contextmanager
def _told() -> Iterator[None]:
    """Say a problem in its one line, and end with 1."""
    try:
        yield
    except PROBLEMS as error:
        _fail(error)


def _open_store(config: Path, settings: LabSettings) -> Store:
    """Open the store that the settings name. Raises SettingsError where it cannot be used."""
    try:
        return Store(settings.store.url)
    except (StoreTrouble, OSError) as error:
        raise SettingsError(f"{config}: store.url: {error}") from None


def _notice(en: str, zh: str) -> None:
    typer.echo(say(en, zh), err=True)


def _who() -> str:
    return f"terminal:{getpass.getuser()}"


@app.command("run", help=say("Run the lab until SIGTERM.", "运行，直到收到 SIGTERM。"))
def run_lab(config: Config) -> None:
    """Migrate the store if needed, then serve."""
    # Here, so that `key add` does not wait for a web framework to load.
    from lab_api.server import listen, serve

    with _told():
        settings = read_lab_settings(config)
        start_logging()
        listening = listen(settings)
        store = _open_store(config, settings)
    if not serve(settings, store, listening):
        raise typer.Exit(1)


@app.command("migrate", help=say("Only bring the database up to date.", "仅升级数据库。"))
def migrate(config: Config) -> None:
    """Bring the tables to this version."""
    with _told():
        _open_store(config, read_lab_settings(config)).close()
    _notice("The database is up to date.", "数据库已是最新。")


@app.command("restore", help=say("Take a backup as the store.", "用备份恢复数据库。"))
def restore(
    config: Config,
    backup: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help=say(
                "A copy of the SQLite file; PostgreSQL is restored by its own tools before.",
                "SQLite 文件的副本；PostgreSQL 请先用其自带工具恢复。",
            ),
        ),
    ] = None,
) -> None:
    """Put a backup in place and draw a new feed, so that every open screen loads anew."""
    with _told():
        settings = read_lab_settings(config)
        if backup is not None:
            restore_sqlite(settings.store.url, backup)
        done = have_done(settings, "store.restored", {"who": _who()})
    _notice(f"Restored; the new feed is {done['feed']}.", f"已恢复；新的推送号为 {done['feed']}。")


@key_app.command("add", help=say("Make a key; it is printed once.", "新建密钥；只显示一次。"))
def key_add(
    config: Config,
    role: Annotated[Role, typer.Option("--role", help=say("What it may do.", "权限角色。"))],
    scope: Annotated[
        str,
        typer.Option(
            "--scope", help=say("Region digits or region/station.", "区划码前缀或区划码/站点。")
        ),
    ] = "",
    name: Annotated[str, typer.Option("--name", help=say("Whose it is.", "使用者。"))] = "",
) -> None:
    """Print the key alone on stdout."""
    arguments: Json = {"role": role.value, "scope": scope, "name": name, "who": _who()}
    with _told():
        done = have_done(read_lab_settings(config), "key.add", arguments)
    _notice("This key is shown only now. Keep it safe:", "密钥只显示这一次，请妥善保存：")
    typer.echo(done["key"])


@key_app.command("revoke", help=say("Make a key worthless.", "作废密钥。"))
def key_revoke(config: Config, id_: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Refuse a key from now on."""
    with _told():
        have_done(read_lab_settings(config), "key.revoke", {"id": id_, "who": _who()})
    _notice(f"Key {id_} is revoked.", f"密钥 {id_} 已作废。")


@key_app.command("list", help=say("The keys, without their secrets.", "列出密钥（不含密文）。"))
def key_list(config: Config, as_json: AsJson = False) -> None:
    """Show every key."""

    def read(session: Session) -> list[Json]:
        return [key.model_dump(mode="json", exclude={"sha256"}) for key in keys(session)]

    rows = _read(config, read)
    _print_table(rows, ("id", "role", "scope", "name", "created_at", "revoked_at"), as_json=as_json)


@station_app.command("add", help=say("Know one more station.", "添加一个快检室。"))
def station_add(
    config: Config,
    id_: Annotated[str, typer.Argument(metavar="ID")],
    region: Annotated[str, typer.Option("--region", help=say("Six digits.", "六位区划码。"))],
    publish: Annotated[
        bool, typer.Option("--publish", help=say("Publish its notices.", "发布其公示。"))
    ] = False,
) -> None:
    """Make a station known without the settings file."""
    with _told():
        part = StationPart(id=id_, region=region, publish=publish)
        arguments: Json = {"station": part.model_dump(mode="json"), "who": _who()}
        have_done(read_lab_settings(config), "station.add", arguments)
    _notice(f"Station {id_} is known.", f"已添加快检室 {id_}。")


@station_app.command("list", help=say("The stations heard or known.", "列出快检室。"))
def station_list(config: Config, as_json: AsJson = False) -> None:
    """Show every station."""

    def read(session: Session) -> list[Json]:
        return [
            {
                "station": each.id,
                "region": each.region,
                "known": each.known,
                "publish": each.publish,
                "name": card.name if (card := card_of(each)) else None,
                "lab": card.lab if card else None,
            }
            for each in every_station(session)
        ]

    rows = _read(config, read)
    _print_table(rows, ("station", "region", "known", "publish", "name", "lab"), as_json=as_json)


def _read(config: Path, work: Callable[[Session], T]) -> T:
    with _told():
        settings: LabSettings = read_lab_settings(config)
        return read_beside(settings.store.url, work)


def _print_table(rows: Sequence[Json], columns: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    Console().print(table)


if __name__ == "__main__":
    main()
