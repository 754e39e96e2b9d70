"""What the changes share: asking the catalogue, finding tables, and how long reading takes here."""

import re
import time
from dataclasses import dataclass

from housecall.engines.engine import Probe
from housecall.engines.kinds import Arguments as Arguments
from housecall.engines.kinds import one as one
from housecall.engines.kinds import rows as rows
from housecall.engines.mysql.quoting import qualified
from housecall.errors import HousecallError, NotFound, RequestError
from housecall.wording import Message, Say

SAMPLE_ROWS = 50_000
"""What is read to measure the rate: a fraction of a second on any disk."""

LOCK_SECONDS = 3.0
"""A change that waits for a metadata lock makes every later statement on the table wait behind it: it gives up soon."""

SYSTEM_SCHEMAS = frozenset({"mysql", "information_schema", "performance_schema", "sys"})


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the catalogue has it; rows are the engine's estimate."""

    schema: str
    name: str
    engine: str | None
    rows: int
    data_bytes: int
    index_bytes: int
    free_bytes: int
    create_options: str
    created: str | None

    @property
    def qualified(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def size_bytes(self) -> int:
        return self.data_bytes + self.index_bytes


_TABLE = """
SELECT t.TABLE_SCHEMA AS `schema`, t.TABLE_NAME AS name, t.ENGINE AS engine, COALESCE(t.TABLE_ROWS, 0) AS `rows`,
    COALESCE(t.DATA_LENGTH, 0) AS data_bytes, COALESCE(t.INDEX_LENGTH, 0) AS index_bytes,
    COALESCE(t.DATA_FREE, 0) AS free_bytes, COALESCE(t.CREATE_OPTIONS, '') AS create_options,
    CAST(t.CREATE_TIME AS CHAR) AS created
FROM information_schema.TABLES AS t
WHERE t.TABLE_NAME = %s AND t.TABLE_SCHEMA = COALESCE(%s, DATABASE(), t.TABLE_SCHEMA) AND t.TABLE_TYPE = 'BASE TABLE'
ORDER BY t.TABLE_SCHEMA
LIMIT 20
"""
_PART = re.compile(r'`((?:[^`]|``)+)`|"((?:[^"]|"")+)"|([^.`"]+)')


def name_parts(name: str, most: int = 2) -> list[str]:
    """The parts of `orders`, `shop.orders`, `` `Order Lines` ``, as they are stored. Raises RequestError."""
    parts = [
        (ticked.replace("``", "`") or quoted.replace('""', '"') or plain).strip()
        for ticked, quoted, plain in _PART.findall(name.strip())
    ]
    if not 1 <= len(parts) <= most or not all(parts):
        raise RequestError(f"{name[:80]!r} is not a name; write it as table or schema.table")
    return parts


async def find_table(probe: Probe, name: str) -> Table:
    """The one table of this name. Raises NotFound, and RequestError when several schemas have one."""
    parts = name_parts(name)
    schema, bare = (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])
    found = await rows(probe, _TABLE, (bare, schema))
    found = [row for row in found if schema or row["schema"].lower() not in SYSTEM_SCHEMAS]
    if len(found) > 1:
        names = ", ".join(qualified(row["schema"], row["name"]) for row in found[:10])
        raise RequestError(f"Several databases have a table {bare[:80]!r}: {names}; name the database")
    if not found:
        raise NotFound(f"There is no table {name[:130]!r} that this account can see")
    table = Table(**found[0])
    if table.schema.lower() in SYSTEM_SCHEMAS:
        raise RequestError(f"{table.qualified} belongs to the server itself and is not changed")
    return table


_READ = Say(
    "about {seconds:duration}: {rows:count} rows to read, {rate:count} per second as measured just now on {table}; ",
    "约 {seconds:duration}：需读取 {rows:count} 行，刚在 {table} 上测得每秒 {rate:count} 行；",
)
_UNMEASURED = Say(
    "not estimated: {rows:count} rows to read, but this account may not read {table} to measure a rate; ",
    "未估计：需读取 {rows:count} 行，但当前账号无权读取 {table}，无法测速；",
)


async def reading_time(probe: Probe, table: Table, more: Say) -> Message:
    """How long reading the table and writing about as much takes, by a sample that is read now."""
    started = time.monotonic()
    try:
        sample = f"SELECT COUNT(*) AS n FROM (SELECT 1 FROM {table.qualified} LIMIT {SAMPLE_ROWS}) AS s"
        counted = int((await rows(probe, sample))[0]["n"])
    except HousecallError:
        return _followed_by(_UNMEASURED, more)(rows=table.rows, table=table.qualified)
    rate = max(counted, 1) / max(time.monotonic() - started, 1e-4)
    seconds = max(2 * table.rows / rate, 0.001)
    return _followed_by(_READ, more)(seconds=seconds, rows=table.rows, rate=int(rate), table=table.qualified)


def _followed_by(first: Say, more: Say) -> Say:
    return Say(first.en + more.en, first.zh + more.zh)


_BUSY = """
SELECT COUNT(*) AS sessions
FROM information_schema.INNODB_TRX AS t
WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND (t.trx_tables_in_use > 0 OR t.trx_tables_locked > 0)
"""


async def is_busy(probe: Probe) -> bool:
    """Whether transactions are at work now. Which tables they use is not told to everyone, so any counts."""
    try:
        found = await one(probe, _BUSY)
    except HousecallError:
        return True
    return bool(found and found["sessions"])
