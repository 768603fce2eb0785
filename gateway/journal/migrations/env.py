"""Alembic's entry: migrates the connection that the journal hands over."""

from alembic import context

from gateway.journal.tables import Table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
