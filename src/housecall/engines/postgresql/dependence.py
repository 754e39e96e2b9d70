"""Questions that follow from the plans: do two columns that a statement compares together depend on each other?

The planner multiplies their selectivities, which is right only when they do not. What is true is seen in a sample of
the table's blocks, so the statement is made here, for at most a few pairs of columns of the tables in the plans.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from housecall.engines.engine import Reading, Rows, RowT, Unavailable
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.engines.postgresql.rows.statistics import ExtendedStatistics
from housecall.engines.postgresql.rows.tables import HotColumn, HotTable

MOST_PAIRS = 3
"""Each reads some 80 blocks of a table, a few milliseconds when they are cached."""
SAMPLE_BLOCKS = 80
"""Rows of one block often resemble each other: only rows of different blocks are compared, so blocks must be many."""
MIN_ROWS = 10_000.0
"""In a smaller table even a wrong estimate is a small number of rows."""
BLOCK_BYTES = 8192

_EQUAL = re.compile(r"\(\(?(?:(?:\"[^\"]+\"|\w+)\.)?(\"[^\"]+\"|\w+)\)?(?:::[\w ]+)? = (?!\"?\w+\"?\.)")
_PAIR = """SELECT
    {schema}::text AS schema_name,
    {name}::text AS table_name,
    {first}::text AS column_name,
    {second}::text AS other_column,
    (SELECT count(*) FROM s)::int8 AS sampled_rows,
    ((SELECT count(*) FROM s)::float8 ^ 2 - b.squares)::float8 AS pairs,
    (SELECT sum(g.all_rows ^ 2 - g.same_block) FROM (
        SELECT sum(n)::float8 AS all_rows, sum(n ^ 2)::float8 AS same_block
        FROM (SELECT x, block, count(*)::float8 AS n FROM s WHERE x IS NOT NULL GROUP BY x, block) AS i GROUP BY x
    ) AS g)::float8 AS agree_first,
    (SELECT sum(g.all_rows ^ 2 - g.same_block) FROM (
        SELECT sum(n)::float8 AS all_rows, sum(n ^ 2)::float8 AS same_block
        FROM (SELECT y, block, count(*)::float8 AS n FROM s WHERE y IS NOT NULL GROUP BY y, block) AS i GROUP BY y
    ) AS g)::float8 AS agree_second,
    (SELECT sum(g.all_rows ^ 2 - g.same_block) FROM (
        SELECT sum(n)::float8 AS all_rows, sum(n ^ 2)::float8 AS same_block
        FROM (
            SELECT x, y, block, count(*)::float8 AS n FROM s WHERE x IS NOT NULL AND y IS NOT NULL GROUP BY x, y, block
        ) AS i GROUP BY x, y
    ) AS g)::float8 AS agree_both
FROM (SELECT COALESCE(sum(n ^ 2), 0)::float8 AS squares FROM (SELECT count(*)::float8 AS n FROM s GROUP BY block) AS j)
    AS b"""
_SAMPLE = """WITH s AS MATERIALIZED (
    SELECT pg_catalog.left({first}::text, 200) AS x, pg_catalog.left({second}::text, 200) AS y,
        (ctid::text::point)[0]::int8 AS block
    FROM {table} TABLESAMPLE SYSTEM ({percent:.4f}) REPEATABLE (1)
    LIMIT 20000
)
"""

Place = tuple[str, str]


def dependence_reading(
    asked: Reading, readings: Mapping[str, Rows | Unavailable], plans: Sequence[Any]
) -> Reading | None:
    """The reading `column_dependence` with the pairs of columns of these plans; None when no pair is worth it."""
    tables = {row.table_name: row for row in _rows(readings, HotTable)}
    columns: dict[Place, dict[str, HotColumn]] = {}
    for row in _rows(readings, HotColumn):
        columns.setdefault((row.schema_name, row.table_name), {})[row.column_name] = row
    known = {
        (row.schema_name, row.table_name, frozenset(pair))
        for row in _rows(readings, ExtendedStatistics)
        for pair in combinations(row.columns, 2)
    }
    pairs: dict[tuple[str, str, str, str], None] = {}
    for node in (node for plan in plans for node in _nodes(plan)):
        table = tables.get(str(node.get("Relation Name", "")))
        if table is None or table.live_rows < MIN_ROWS:
            continue
        place = (table.schema_name, table.table_name)
        compared = [name for name in _compared(node) if _is_worth(columns.get(place, {}).get(name))]
        for first, second in combinations(compared[:4], 2):
            if (*place, frozenset((first, second))) not in known:
                pairs[(*place, first, second)] = None
    chosen = list(pairs)[:MOST_PAIRS]
    if not chosen:
        return None
    statements = [_statement(*pair, tables[pair[1]]) for pair in chosen]
    text = "\nUNION ALL\n".join(f"SELECT * FROM (\n{statement}\n) AS p{n}" for n, statement in enumerate(statements))
    return replace(asked, sql=text)


def _rows(readings: Mapping[str, Rows | Unavailable], row_type: type[RowT]) -> tuple[RowT, ...]:
    found = readings.get(row_type.reading, ())
    return () if isinstance(found, Unavailable) else found  # type: ignore[return-value]


def _nodes(plan: Any) -> Iterator[Mapping[str, Any]]:
    """Every node of EXPLAIN's JSON."""
    pending = [each.get("Plan") for each in plan] if isinstance(plan, list) else []
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(node.get("Plans", []))


def _compared(node: Mapping[str, Any]) -> list[str]:
    """Columns that the node compares by equality with something that is not another table's column."""
    text = " AND ".join(str(node[part]) for part in ("Index Cond", "Recheck Cond", "Filter") if node.get(part))
    text = text if text.startswith("(") else f"({text})"
    return sorted({name.strip('"') for name in _EQUAL.findall(text)})


def _is_worth(column: HotColumn | None) -> bool:
    """A readable column that is not a key by itself: a key's estimate is right alone."""
    if column is None or not column.is_readable:
        return False
    return column.distinct_values is None or (column.distinct_values > -0.5 and column.distinct_values != 1)


def _statement(schema: str, name: str, first: str, second: str, table: HotTable) -> str:
    blocks = max(table.size_bytes / BLOCK_BYTES, 1.0)
    sample = _SAMPLE.format(
        first=quote_identifier(first), second=quote_identifier(second), table=qualified(schema, name),
        percent=min(100.0, 100.0 * SAMPLE_BLOCKS / blocks),
    )  # fmt: skip
    return sample + _PAIR.format(
        schema=quote_literal(schema), name=quote_literal(name), first=quote_literal(first),
        second=quote_literal(second),
    )  # fmt: skip
