"""What the changes share: asking the catalogue, finding relations, and how long reading takes here."""

import re
import time
from dataclasses import dataclass

from housecall.engines.engine import Probe
from housecall.engines.kinds import Arguments as Arguments
from housecall.engines.kinds import one as one
from housecall.engines.kinds import rows as rows
from housecall.engines.postgresql.quoting import qualified
from housecall.errors import HousecallError, NotFound, RequestError
from housecall.wording import Message, Say

SAMPLE_BYTES = 16 * 1024 * 1024
"""What is read to measure the rate: a fraction of a second on any disk."""

CONCURRENT_LOCK_SECONDS = 10 * 60.0
"""CONCURRENTLY waits for older transactions, and blocks neither readers nor writers while it does."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or index as the catalogue has it."""

    oid: int
    schema: str
    name: str
    kind: str
    size_bytes: int
    total_bytes: int
    scans: int
    writes: int

    @property
    def qualified(self) -> str:
        return qualified(self.schema, self.name)


_RELATION = """
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    pg_catalog.pg_relation_size(c.oid)::bigint AS size_bytes,
    CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_total_relation_size(c.oid)
        ELSE pg_catalog.pg_relation_size(c.oid) END::bigint AS total_bytes,
    coalesce(s.seq_scan + coalesce(s.idx_scan, 0), 0)::bigint AS scans,
    coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0)::bigint AS writes
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_all_tables AS s ON s.relid = c.oid
WHERE c.relname = %s AND (%s::text IS NULL OR n.nspname = %s) AND c.relkind = ANY(%s)
    AND n.nspname NOT LIKE 'pg\\_toast%%' AND n.nspname NOT LIKE 'pg\\_temp%%'
ORDER BY pg_catalog.pg_table_is_visible(c.oid) DESC, n.nspname
"""
_PARTS = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


def name_parts(name: str) -> tuple[str | None, str]:
    """Schema (or None) and name of `orders`, `public.orders`, `"Order Lines"`, as they stand in the catalogue."""
    parts = [quoted.replace('""', '"') if quoted else plain for quoted, plain in _PARTS.findall(name.strip())]
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise RequestError(f"{name[:80]!r} is not a name; write it as table or schema.table")
    return (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])


async def find_relation(probe: Probe, name: str, kinds: str, what: str) -> Relation:
    """The one relation of this name. Raises NotFound, and RequestError when several schemas have one."""
    schema, bare = name_parts(name)
    for attempt in dict.fromkeys((bare, bare.lower())):
        found = await rows(probe, _RELATION, (attempt, schema, schema, list(kinds)))
        if len(found) > 1 and schema is None:
            schemas = ", ".join(qualified(row["schema"], row["name"]) for row in found[:10])
            raise RequestError(f"Several schemas have a {what} {bare[:80]!r}: {schemas}; name the schema")
        if found:
            return Relation(**found[0])
    raise NotFound(f"There is no {what} {name[:130]!r} in database '{probe.facts.database}'")


async def find_table(probe: Probe, name: str, kinds: str = "rm") -> Relation:
    table = await find_relation(probe, name, kinds, "table")
    if table.schema in ("pg_catalog", "information_schema"):
        raise RequestError(f"{table.qualified} belongs to the server itself and is not changed")
    return table


_READ = Say(
    "about {seconds:duration}: {bytes:bytes} to read at {rate:bytes} per second, measured just now on"
    " {sample:bytes} of {table}; ",
    "约 {seconds:duration}：需读取 {bytes:bytes}，刚在 {table} 的 {sample:bytes} 上测得每秒 {rate:bytes}；",
)
_UNMEASURED = Say(
    "not estimated: {bytes:bytes} to read, but this role may not read {table} to measure a rate; ",
    "未估计：需读取 {bytes:bytes}，但当前角色无权读取 {table}，无法测速；",
)


async def reading_time(probe: Probe, table: Relation, size_bytes: int, more: Say) -> Message:
    """How long reading `size_bytes` takes, by a sample of the table that is read now; `more` says what comes on top."""
    share = min(100.0, 100.0 * SAMPLE_BYTES / max(table.size_bytes, 1))
    sample = max(8192, int(table.size_bytes * share / 100))
    started = time.monotonic()
    try:
        await probe.query_trusted(f"SELECT count(*) FROM {table.qualified} TABLESAMPLE SYSTEM ({share:.4f})")
    except HousecallError:
        return _followed_by(_UNMEASURED, more)(bytes=size_bytes, table=table.qualified)
    rate = sample / max(time.monotonic() - started, 1e-4)
    return _followed_by(_READ, more)(
        seconds=max(size_bytes / rate, 0.001), bytes=size_bytes, rate=rate, sample=sample, table=table.qualified
    )


def _followed_by(first: Say, more: Say) -> Say:
    return Say(first.en + more.en, first.zh + more.zh)


async def is_busy(probe: Probe, oid: int) -> bool:
    """Whether a session holds or waits for a lock on the relation at this moment."""
    found = await one(
        probe,
        "SELECT count(*)::int AS sessions FROM pg_catalog.pg_locks"
        " WHERE locktype = 'relation' AND relation = %s AND pid <> pg_catalog.pg_backend_pid()"
        " AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
        (oid,),
    )
    return bool(found and found["sessions"])
