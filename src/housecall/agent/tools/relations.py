"""Finding the table or index that a person names, with or without schema, quoted or not."""

import re
from dataclasses import dataclass
from typing import Any

from housecall.agent.tools.catalogue import ask
from housecall.engines.engine import EngineName, Probe
from housecall.engines.mysql.quoting import quote_identifier as mysql_identifier
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.errors import NotFound, RequestError

_PART = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|([^."`\s]+)')
KINDS = {
    "r": "table", "p": "partitioned table", "m": "materialized view", "v": "view", "f": "foreign table",
    "i": "index", "I": "partitioned index", "S": "sequence",
}  # fmt: skip


def written_name(engine: EngineName, schema: str | None, name: str) -> str:
    """A table or index as findings write it: quoted where SQL would need it. MySQL's `PRIMARY` and `<derived2>` are no
    names that SQL could quote."""
    if engine == "mysql" and (name == "PRIMARY" or name.startswith("<")):
        return name
    parts = [schema, name] if schema else [name]
    return ".".join(map(mysql_identifier if engine == "mysql" else quote_identifier, parts))


@dataclass(frozen=True, slots=True)
class Relation:
    """`table_name` is set for an index: the table it belongs to."""

    oid: int
    schema_name: str
    name: str
    kind: str
    table_name: str | None

    def written(self, engine: EngineName) -> str:
        return written_name(engine, self.schema_name, self.name)

    def key(self, engine: EngineName) -> tuple[Any, ...]:
        """What the catalogue questions about one table take: its oid, or schema and name where there are no oids."""
        return (self.schema_name, self.name) if engine == "mysql" else (self.oid,)


def split_name(text: str) -> tuple[str | None, str]:
    """`shop."Order Lines"` as its schema (or None) and name. Raises RequestError for a text that names nothing."""
    parts = [quoted.replace('""', '"') or ticked or plain for quoted, ticked, plain in _PART.findall(text.strip())]
    if not parts or len(parts) > 3:
        raise RequestError(f"{text[:80]!r} is no name of a table; write schema.table")
    return (parts[-2] if len(parts) > 1 else None), parts[-1]


async def find_relation(probe: Probe, engine: EngineName, text: str, instance_id: str) -> Relation:
    """The relation a person means: an exact name before another case, the search path before other schemas.

    Raises:
        NotFound: with the names that come close.
        RequestError: several schemas have it and none is on the search path; the message lists them.
    """
    schema, name = split_name(text)
    rows = await ask(probe, engine, "relations", (name, name, schema, schema, schema))
    if not rows and schema:  # `orders.customer_id` may be a column; then the table is meant
        rows = await ask(probe, engine, "relations", (schema, schema, None, None, None))
    if not rows:
        near = await ask(probe, engine, "similar_relations", (name,))
        hint = f"; similar names: {', '.join(row['name'] for row in near)}" if near else ""
        raise NotFound(f"Instance '{instance_id}' has no table or index {text[:80]!r} in this database{hint}")
    best = [row for row in rows if (row["exact"], row["visible"]) == (rows[0]["exact"], rows[0]["visible"])]
    if len(best) > 1:
        found = ", ".join(".".join(filter(None, (row["schema_name"], row["table_name"], row["name"]))) for row in best)
        raise RequestError(f"{text[:80]!r} could be any of: {found}; name the schema, or the table")
    row = best[0]
    return Relation(row["oid"], row["schema_name"], row["name"], KINDS[row["kind"]], row["table_name"])
