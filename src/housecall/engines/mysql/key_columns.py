"""The question that follows from a number key near its end: which columns must become wider together with it?

A foreign key binds two columns to one type, so neither can be widened while it stands, and what refers to a column that
refers to the key is bound as well. The walk along the foreign keys is done by the server; on MariaDB its view of them
opens every table, which is why it is asked only when a key is near its end.
"""

from collections.abc import Mapping
from dataclasses import replace

from housecall.engines.engine import Reading, Rows, Unavailable
from housecall.engines.mysql.quoting import quote_literal
from housecall.engines.mysql.rows.tables import AutoIncrement

NEAR_END_SHARE = 0.6
"""A little before any check speaks of the key."""
MOST_KEYS = 20
_SEED = (
    "SELECT CAST({schema} AS CHAR(64)) AS key_schema, CAST({table} AS CHAR(64)) AS key_table,"
    " CAST({column} AS CHAR(64)) AS key_column, CAST({schema} AS CHAR(64)) AS schema_name,"
    " CAST({table} AS CHAR(64)) AS table_name, CAST({column} AS CHAR(64)) AS column_name"
)
_ALL = """WITH RECURSIVE bound AS (
    SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, CONSTRAINT_NAME, ORDINAL_POSITION,
        REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE
    WHERE REFERENCED_TABLE_NAME IS NOT NULL
    LIMIT 100000
), wide AS (
    {seeds}
    UNION
    SELECT w.key_schema, w.key_table, w.key_column, CAST(b.TABLE_SCHEMA AS CHAR(64)), CAST(b.TABLE_NAME AS CHAR(64)),
        CAST(b.COLUMN_NAME AS CHAR(64))
    FROM wide AS w
    JOIN bound AS b ON b.REFERENCED_TABLE_SCHEMA = w.schema_name AND b.REFERENCED_TABLE_NAME = w.table_name
        AND b.REFERENCED_COLUMN_NAME = w.column_name
), whole AS (
    SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME,
        MAX(REFERENCED_TABLE_SCHEMA) AS referenced_schema, MAX(REFERENCED_TABLE_NAME) AS referenced_table,
        JSON_EXTRACT(CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COLUMN_NAME) ORDER BY ORDINAL_POSITION), ']'), '$')
            AS columns,
        JSON_EXTRACT(CONCAT('[', GROUP_CONCAT(JSON_QUOTE(REFERENCED_COLUMN_NAME) ORDER BY ORDINAL_POSITION), ']'), '$')
            AS referenced_columns
    FROM bound
    GROUP BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME
)
SELECT w.key_schema, w.key_table, w.key_column, w.schema_name, w.table_name, w.column_name,
    c.COLUMN_TYPE AS column_type, c.IS_NULLABLE AS is_nullable, c.COLUMN_DEFAULT AS column_default,
    c.COLUMN_COMMENT AS comment, c.EXTRA AS extra, b.CONSTRAINT_NAME AS constraint_name, f.columns,
    f.referenced_schema, f.referenced_table, f.referenced_columns, r.UPDATE_RULE AS update_rule,
    r.DELETE_RULE AS delete_rule
FROM wide AS w
JOIN information_schema.COLUMNS AS c ON c.TABLE_SCHEMA = w.schema_name AND c.TABLE_NAME = w.table_name
    AND c.COLUMN_NAME = w.column_name
LEFT JOIN bound AS b ON b.TABLE_SCHEMA = w.schema_name AND b.TABLE_NAME = w.table_name
    AND b.COLUMN_NAME = w.column_name
LEFT JOIN whole AS f ON f.TABLE_SCHEMA = b.TABLE_SCHEMA AND f.TABLE_NAME = b.TABLE_NAME
    AND f.CONSTRAINT_NAME = b.CONSTRAINT_NAME
LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS AS r ON r.CONSTRAINT_SCHEMA = b.TABLE_SCHEMA
    AND r.TABLE_NAME = b.TABLE_NAME AND r.CONSTRAINT_NAME = b.CONSTRAINT_NAME
ORDER BY w.key_schema, w.key_table, w.key_column, w.schema_name, w.table_name, w.column_name, constraint_name
LIMIT 1000"""


def key_column_reading(asked: Reading, readings: Mapping[str, Rows | Unavailable]) -> Reading | None:
    """The reading `key_columns` for the keys near their end; None when there are none."""
    found = readings.get(AutoIncrement.reading, ())
    keys = [] if isinstance(found, Unavailable) else [each for each in found if isinstance(each, AutoIncrement)]
    near = [each for each in keys if each.next_value - 1 >= NEAR_END_SHARE * each.max_value][:MOST_KEYS]
    if not near:
        return None
    return replace(asked, sql=_ALL.format(seeds="\n    UNION ALL ".join(_seed(each) for each in near)))


def _seed(key: AutoIncrement) -> str:
    return _SEED.format(
        schema=quote_literal(key.schema_name), table=quote_literal(key.table_name),
        column=quote_literal(key.column_name),
    )  # fmt: skip
