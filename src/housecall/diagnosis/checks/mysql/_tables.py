"""What is known of the tables that statements read: columns with their types, indexes with their distinct keys.

Digests write some names in capitals (`ID`, `STATUS`), so columns are looked up in lower case and told as the catalogue
spells them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from housecall.advisor.index import ColumnFacts, IndexFacts, TableFacts
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import RowT, Unavailable
from housecall.engines.mysql.rows.indexes import LargeTableIndex
from housecall.engines.mysql.rows.tables import LargestTable, LargeTableColumn

FEW_VALUES = 50.0
"""Distinct values of a column of a type with few values, or named like one, where nothing counts them: fewer than other
columns are taken to have, so that it stands behind them in a key, and enough that a rare value may still want one."""
SHORT_TEXT_VALUES = 150.0
"""Of a short text, which is as often a category as it is a key: it stands behind a number in a key."""
MOST_OF_A_CATEGORY = 24
MIN_ROWS_FOR_PREFIX = 1_000
MOST_ROWS_A_PREFIX = 500
"""Rows that begin alike: to look through so many for one is hardly better than reading the table."""
_FEW_BY_TYPE = ("enum", "bit", "tinyint(1)", "bool", "char(1)", "char(2)")
_FEW_BY_NAME = frozenset(
    {
        "status", "state", "type", "kind", "flag", "active", "deleted", "enabled", "gender", "sex", "country",
        "currency", "level", "priority", "severity", "category", "role", "language", "locale", "region",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """One of the 40 largest tables. Names of columns in `columns` and `facts` are in lower case; `spelt` gives them as
    they are. `hidden` are indexes that exist and that the optimizer may not use, `too_short` those that hold too few
    characters to tell rows apart; they are not among `indexes`."""

    schema: str
    name: str
    rows: float
    columns: Mapping[str, LargeTableColumn]
    indexes: tuple[LargeTableIndex, ...]
    facts: TableFacts
    size_bytes: int | None
    hidden: tuple[LargeTableIndex, ...] = ()
    too_short: tuple[LargeTableIndex, ...] = ()

    @property
    def all_indexes(self) -> tuple[LargeTableIndex, ...]:
        return (*self.indexes, *self.hidden, *self.too_short)

    def spelt(self, column: str) -> str:
        known = self.columns.get(column.lower())
        return known.column_name if known else column

    def leads(self, column: str) -> bool:
        """Whether an index begins with the column."""
        return any(index.columns and index.columns[0].lower() == column.lower() for index in self.indexes)


def rows_or_none(now: Snapshot, row_type: type[RowT]) -> tuple[RowT, ...]:
    """The rows of a reading, or none when it could not be had; only where something else tells that it could not."""
    found = now.get(row_type)
    return () if isinstance(found, Unavailable) else found


def few_values(column: LargeTableColumn) -> bool:
    """Whether a column is likely to hold a handful of values: by its type, or by what it is called."""
    if column.column_type.lower().startswith(_FEW_BY_TYPE):
        return True
    name = column.column_name.lower()
    return name in _FEW_BY_NAME or name.startswith(("is_", "has_")) or name.endswith(("_status", "_type", "_flag"))


def is_short_text(column: LargeTableColumn) -> bool:
    """Whether a column is a text of up to 24 characters, which is as often a category as it is a key."""
    found = re.fullmatch(r"(?:var)?char\((\d+)\)", column.column_type.lower())
    return found is not None and int(found[1]) <= MOST_OF_A_CATEGORY


def known_tables(now: Snapshot) -> dict[tuple[str, str], Table]:
    """By schema and name. Empty when columns or indexes could not be read."""
    columns: dict[tuple[str, str], dict[str, LargeTableColumn]] = {}
    for column in rows_or_none(now, LargeTableColumn):
        columns.setdefault((column.schema_name, column.table_name), {})[column.column_name.lower()] = column
    indexes: dict[tuple[str, str], list[LargeTableIndex]] = {}
    for index in rows_or_none(now, LargeTableIndex):
        indexes.setdefault((index.schema_name, index.table_name), []).append(index)
    sizes = {
        (row.schema_name, row.table_name): row.data_bytes + row.index_bytes for row in rows_or_none(now, LargestTable)
    }
    return {
        place: _table(place, found, tuple(indexes.get(place, ())), sizes.get(place)) for place, found in columns.items()
    }


def _table(
    place: tuple[str, str],
    columns: Mapping[str, LargeTableColumn],
    indexes: tuple[LargeTableIndex, ...],
    size_bytes: int | None,
) -> Table:
    rows = float(max((column.table_rows or 0 for column in columns.values()), default=0))
    hidden = tuple(index for index in indexes if index.is_hidden)
    too_short = tuple(index for index in indexes if not index.is_hidden and _is_too_short(index, rows))
    indexes = tuple(index for index in indexes if not index.is_hidden and index not in too_short)
    distinct = {
        index.columns[0].lower(): float(index.cardinalities[0])
        for index in indexes
        if index.columns and index.cardinalities and index.cardinalities[0]
    }
    facts = TableFacts(
        place[0], place[1], rows,
        {
            name: ColumnFacts(column.data_type, distinct.get(name, _likely_values(column)))
            for name, column in columns.items()
        },
        tuple(
            IndexFacts(
                index.index_name, tuple(part.lower() for part in index.columns), unique=index.is_unique,
                method=index.index_type.lower(), descending=tuple(index.descending or ()),
            )
            for index in indexes
            if index.columns and all(index.columns)
        ),
    )  # fmt: skip
    return Table(place[0], place[1], rows, columns, indexes, facts, size_bytes, hidden, too_short)


def _likely_values(column: LargeTableColumn) -> float | None:
    if few_values(column):
        return FEW_VALUES
    return SHORT_TEXT_VALUES if is_short_text(column) else None


def _is_too_short(index: LargeTableIndex, rows: float) -> bool:
    """Whether an index holds only the beginning of its first column, and that is much the same in all rows."""
    if not index.prefix_lengths or not index.prefix_lengths[0] or not index.cardinalities:
        return False
    return rows >= MIN_ROWS_FOR_PREFIX and index.cardinalities[0] * MOST_ROWS_A_PREFIX < rows
