"""What Alembic runs: it gets an open connection from `store.database` and touches our schema only."""

from typing import Any

from alembic import context

from housecall.store.tables import SCHEMA, Base


def _ours(name: str | None, kind: str, parents: Any) -> bool:  # noqa: ARG001 - Alembic's signature
    return name == SCHEMA if kind == "schema" else True


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=_ours,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
