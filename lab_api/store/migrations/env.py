"""Alembic's way to our tables: always over a connection that `migrate` opened."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

from lab_api.store import tables

__all__ = ["tables"]


def run(connection: Connection) -> None:
    """Run what was asked for, inside the transaction that is open."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
