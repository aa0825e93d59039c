"""Alembic's entry: the connection is handed in, inside a transaction that opskit holds."""

from alembic import context

from opskit.outside.database import METADATA

# With METADATA for its naming convention: keys are called the same wherever they are made.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
