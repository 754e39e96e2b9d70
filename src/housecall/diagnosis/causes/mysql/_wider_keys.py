"""The statements that make a number key wider, together with the columns that foreign keys bind to its type.

While a foreign key stands, neither of its columns can change its type (error 3780 of MySQL, 1833 of MariaDB), so the
foreign keys are dropped, every column is widened with all else that its definition says, and the foreign keys are made
again under their names and with their actions. Without foreign keys it is the one statement.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.quoting import qualified, quote_identifier, quote_literal
from housecall.engines.mysql.rows.tables import KeyColumn

_PLAIN_DEFAULT = re.compile(r"'?(-?\d+)'?")


@dataclass(frozen=True, slots=True)
class Widening:
    """`bound` are the columns beside the key; `read` is false where the foreign keys could not be seen, and
    `is_whole` where what was seen is not all that a change would need."""

    statements: tuple[str, ...]
    rollback: tuple[str, ...]
    bound: tuple[str, ...]
    foreign_keys: int
    read: bool
    is_whole: bool


def widening(now: Snapshot, schema: str, table: str, column: str, before: str, wider: str) -> Widening:
    """How the key becomes `wider` (a type) and how it becomes what it is (`before`) again."""
    found = now.get(KeyColumn)
    read = not isinstance(found, Unavailable)
    rows = () if isinstance(found, Unavailable) else found
    rows = tuple(row for row in rows if (row.key_schema, row.key_table, row.key_column) == (schema, table, column))
    key = next((row for row in rows if _place(row) == (schema, table, column)), None)
    bound = {_place(row): row for row in rows if _place(row) != (schema, table, column)}
    foreign = {(row.schema_name, row.table_name, row.constraint_name): row for row in rows if row.constraint_name}
    comment = _comment(key.comment if key else None)
    rest = f"NOT NULL AUTO_INCREMENT{comment}"

    def change(key_type: str, *, back: bool) -> tuple[str, ...]:
        return (
            *(_drop(row) for row in foreign.values()),
            *(_modify(row, row.column_type.upper() if back else wider) for row in bound.values()),
            f"ALTER TABLE {qualified(schema, table)} MODIFY COLUMN {quote_identifier(column)} {key_type} {rest};",
            *(_add(row) for row in foreign.values()),
        )

    return Widening(
        statements=change(wider, back=False),
        rollback=change(before.upper(), back=True),
        bound=tuple(f"{qualified(row.schema_name, row.table_name)}.{quote_identifier(row.column_name)}"
                    for row in bound.values()),
        foreign_keys=len(foreign),
        read=read,
        is_whole=all(_reaches(row, {*bound, (schema, table, column)}) for row in foreign.values())
        and not any(_is_generated(row) for row in bound.values()),
    )  # fmt: skip


def _place(row: KeyColumn) -> tuple[str, str, str]:
    return row.schema_name, row.table_name, row.column_name


def _is_generated(row: KeyColumn) -> bool:
    """A default that is an expression reads much the same on MySQL, and is none."""
    return "GENERATED" in (row.extra or "").upper().replace("DEFAULT_GENERATED", "")


def _reaches(row: KeyColumn, widened: set[tuple[str, str, str]]) -> bool:
    """Whether the other side of the foreign key becomes wider, too; else it would bind two types."""
    at = row.columns.index(row.column_name) if row.column_name in row.columns else 0
    if row.referenced_schema is None or row.referenced_table is None or not row.referenced_columns:
        return False
    return (row.referenced_schema, row.referenced_table, row.referenced_columns[at]) in widened


def _drop(row: KeyColumn) -> str:
    table = qualified(row.schema_name, row.table_name)
    return f"ALTER TABLE {table} DROP FOREIGN KEY {quote_identifier(str(row.constraint_name))};"


def _add(row: KeyColumn) -> str:
    table, target = qualified(row.schema_name, row.table_name), qualified(
        str(row.referenced_schema), str(row.referenced_table)
    )  # fmt: skip
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {quote_identifier(str(row.constraint_name))} FOREIGN KEY"
        f" ({_listed(row.columns)}) REFERENCES {target} ({_listed(row.referenced_columns)})"
        f"{''.join(_actions(row))};"
    )


def _actions(row: KeyColumn) -> Iterator[str]:
    """Both servers do the same for NO ACTION, which is the default, and RESTRICT; each is kept as it was said."""
    if row.delete_rule and row.delete_rule != "NO ACTION":
        yield f" ON DELETE {row.delete_rule}"
    if row.update_rule and row.update_rule != "NO ACTION":
        yield f" ON UPDATE {row.update_rule}"


def _modify(row: KeyColumn, kind: str) -> str:
    table = qualified(row.schema_name, row.table_name)
    rest = f"{'NULL' if row.is_nullable else 'NOT NULL'}{_default(row)}{_comment(row.comment)}"
    counts = " AUTO_INCREMENT" if "auto_increment" in (row.extra or "").lower() else ""
    return f"ALTER TABLE {table} MODIFY COLUMN {quote_identifier(row.column_name)} {kind} {rest}{counts};"


def _default(row: KeyColumn) -> str:
    """MariaDB tells NULL as text and numbers as they are, MySQL numbers as text."""
    if row.column_default is None or row.column_default.upper() == "NULL":
        return ""
    plain = _PLAIN_DEFAULT.fullmatch(row.column_default)
    return f" DEFAULT {plain[1]}" if plain else f" DEFAULT ({row.column_default})"


def _comment(text: str | None) -> str:
    return f" COMMENT {quote_literal(text)}" if text and "\\" not in text else ""


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(quote_identifier(column) for column in columns)
