"""Runs the migrations on the connection that the store hands over; alembic calls this file."""

from alembic import context

from sinks.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,  # the store's own transaction holds it all
)
context.run_migrations()
