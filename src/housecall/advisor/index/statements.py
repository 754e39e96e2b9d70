"""Index candidates as statements for PostgreSQL, with a name that is free and that the server keeps whole."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass

from housecall.advisor.index.candidates import Candidate, KeyColumn
from housecall.engines.postgresql.quoting import MAX_IDENTIFIER_BYTES, clip_identifier, qualified, quote_identifier


@dataclass(frozen=True, slots=True)
class IndexStatement:
    """The statements, without semicolons. `create` cannot run inside a transaction block, nor can `drop`."""

    name: str
    create: str
    drop: str


def create_index(candidate: Candidate, taken_names: Collection[str] = ()) -> IndexStatement:
    """CREATE INDEX CONCURRENTLY for the candidate. `taken_names` are relations of the same schema, of any kind."""
    name = free_name(candidate, taken_names)
    key = ", ".join(_key_part(part) for part in candidate.key)
    table = qualified(candidate.schema, candidate.table)
    using = "" if candidate.method == "btree" else f"USING {candidate.method} "
    return IndexStatement(
        name,
        f"CREATE INDEX CONCURRENTLY {quote_identifier(name)} ON {table} {using}({key})",
        f"DROP INDEX CONCURRENTLY IF EXISTS {qualified(candidate.schema, name)}",
    )


def _key_part(part: KeyColumn) -> str:
    text = f"({part.text})" if part.expression else quote_identifier(part.text)
    return text + (f" {part.operator_class}" if part.operator_class else "") + (" DESC" if part.descending else "")


def free_name(candidate: Candidate, taken_names: Collection[str]) -> str:
    """`orders_customer_id_idx`, as the server would call it; cut with a digest when too long, numbered when taken."""
    words = [
        re.sub(r"\W+", "_", part.text).strip("_").lower() if part.expression else part.text for part in candidate.key
    ]
    whole = "_".join([candidate.table, *words])
    number = 0
    while True:
        suffix = f"_idx{number or ''}"
        name = whole + suffix
        if len(name.encode()) > MAX_IDENTIFIER_BYTES:
            digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
            name = f"{clip_identifier(whole, MAX_IDENTIFIER_BYTES - len(suffix) - 9)}_{digest}{suffix}"
        if name not in taken_names:
            return name
        number += 1
