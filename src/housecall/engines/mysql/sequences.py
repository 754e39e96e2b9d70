"""The question that follows from the names of MariaDB's sequences: how far has each come?

A sequence is a table of one row, and before MariaDB 11.5 no view shows that row for all, so the statement is made here
from the names. The account needs SELECT on each; the reading names the grants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from housecall.engines.engine import Reading, Rows, Unavailable
from housecall.engines.mysql.quoting import qualified, quote_identifier, quote_literal
from housecall.engines.mysql.rows.sequences import SequenceName

MOST_SINGLE_GRANTS = 10
"""With more sequences the grants are told for their databases, so that a person still reads them."""
_ONE = (
    "SELECT {schema} AS schema_name, {name} AS sequence_name, next_not_cached_value AS next_value,"
    " minimum_value AS min_value, maximum_value AS max_value, increment, cache_size, cycle_option AS cycles,"
    " {default} AS taken_by FROM {sequence}"
)
_ALL = """SELECT
    s.schema_name, s.sequence_name, s.next_value, s.min_value, s.max_value, s.increment, s.cache_size, s.cycles,
    c.TABLE_SCHEMA AS table_schema, c.TABLE_NAME AS table_name, c.COLUMN_NAME AS column_name,
    c.COLUMN_TYPE AS column_type, c.IS_NULLABLE AS is_nullable
FROM ({sequences}) AS s
LEFT JOIN (
    SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT
    FROM information_schema.COLUMNS
    WHERE COLUMN_DEFAULT LIKE 'nextval(%'
        AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    LIMIT 1000
) AS c ON c.COLUMN_DEFAULT = s.taken_by
ORDER BY s.schema_name, s.sequence_name, table_schema, table_name, column_name
LIMIT 1000"""


def sequence_reading(asked: Reading, readings: Mapping[str, Rows | Unavailable]) -> Reading | None:
    """The reading `sequence_values` for the sequences that were found; None when there are none."""
    found = readings.get(SequenceName.reading, ())
    names = [] if isinstance(found, Unavailable) else [each for each in found if isinstance(each, SequenceName)]
    if not names:
        return None
    sql = _ALL.format(sequences=" UNION ALL ".join(_one(each) for each in names))
    return replace(asked, sql=sql, privilege="; ".join(_rights(names)))


def _one(sequence: SequenceName) -> str:
    schema, name = sequence.schema_name, sequence.sequence_name
    default = f"nextval({_backticked(schema)}.{_backticked(name)})"
    return _ONE.format(
        schema=quote_literal(schema), name=quote_literal(name), default=quote_literal(default),
        sequence=qualified(schema, name),
    )  # fmt: skip


def _backticked(name: str) -> str:
    """As MariaDB writes it in a default."""
    return "`" + name.replace("`", "``") + "`"


def _rights(names: Sequence[SequenceName]) -> list[str]:
    if len(names) <= MOST_SINGLE_GRANTS:
        return [f"SELECT ON {qualified(each.schema_name, each.sequence_name)}" for each in names]
    return [f"SELECT ON {quote_identifier(schema)}.*" for schema in dict.fromkeys(each.schema_name for each in names)]
