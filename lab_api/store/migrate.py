"""The one history of the tables, for SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

MIGRATIONS = Path(__file__).parent / "migrations"
ONE_AT_A_TIME = 0x6B6A_6D69  # an advisory lock of PostgreSQL: replicas may start together


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the tables to a revision; nothing where they are there already."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        command.upgrade(configuration(connection), to)


def downgrade(engine: Engine, to: str) -> None:
    """Take the tables back to a revision; `base` is none."""
    with engine.begin() as connection:
        command.downgrade(configuration(connection), to)


def check(engine: Engine) -> None:
    """Raise alembic's CommandError where the models and the history differ."""
    with engine.begin() as connection:
        command.check(configuration(connection))
