"""Alembic's entry: the connection is handed in, inside a transaction that opskit holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
