"""What the catalogue questions look into where the account may, and what stands there where it may not.

A question names such a place in braces. Without the right to see it the question is still answered, with NULL for what
is not known.
"""

from collections.abc import Mapping

from housecall.engines.engine import Probe
from housecall.errors import StatementFailed

_SEEN: Mapping[str, str] = {
    "transactions": "information_schema.INNODB_TRX",
    "last": (
        "(SELECT h.PROCESSLIST_ID AS session_id, LEFT(e.SQL_TEXT, 400) AS statement"
        " FROM performance_schema.events_statements_current AS e"
        " JOIN performance_schema.threads AS h ON h.THREAD_ID = e.THREAD_ID"
        " WHERE h.PROCESSLIST_ID IS NOT NULL AND e.SQL_TEXT IS NOT NULL)"
    ),
    "sizes": (
        "(SELECT z.database_name AS schema_name, SUBSTRING_INDEX(z.table_name, '#', 1) AS table_name, z.index_name,"
        " SUM(z.stat_value) AS pages FROM mysql.innodb_index_stats AS z WHERE z.stat_name = 'size' GROUP BY 1, 2, 3)"
    ),
    "uses": (
        "(SELECT o.OBJECT_SCHEMA AS schema_name, o.OBJECT_NAME AS table_name, o.INDEX_NAME AS index_name,"
        " o.COUNT_READ AS rows_read FROM performance_schema.table_io_waits_summary_by_index_usage AS o"
        " WHERE o.INDEX_NAME IS NOT NULL)"
    ),
}
_EMPTY: Mapping[str, str] = {
    "transactions": "(SELECT 0 AS trx_mysql_thread_id, NOW() AS trx_started FROM DUAL WHERE FALSE)",
    "last": "(SELECT 0 AS session_id, '' AS statement FROM DUAL WHERE FALSE)",
    "sizes": "(SELECT '' AS schema_name, '' AS table_name, '' AS index_name, 0 AS pages FROM DUAL WHERE FALSE)",
    "uses": "(SELECT '' AS schema_name, '' AS table_name, '' AS index_name, 0 AS rows_read FROM DUAL WHERE FALSE)",
}
_NEEDS_PERFORMANCE_SCHEMA = {"last", "uses"}


async def places_of(probe: Probe, question: str) -> dict[str, str]:
    """The text for every place that the question names, by what this account may see."""
    found = {name: await _text(probe, name) for name in _SEEN if f"{{{name}}}" in question}
    return {**found, "hides": "FALSE" if probe.facts.has_monitor_role else "TRUE"}


async def _text(probe: Probe, name: str) -> str:
    if name in _NEEDS_PERFORMANCE_SCHEMA and "performance_schema" not in probe.facts.extensions:
        return _EMPTY[name]
    if name == "transactions":
        return _SEEN[name] if probe.facts.has_monitor_role else _EMPTY[name]
    try:
        await probe.query_trusted(f"SELECT 1 FROM {_SEEN[name]} AS x LIMIT 1")
    except StatementFailed:
        return _EMPTY[name]
    return _SEEN[name]
