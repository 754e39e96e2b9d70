"""Statements that run inside a trigger, a procedure, a function or an event, as the list of sessions shows them.

The server counts them for their caller and not by themselves. They are told only where a large table is read from end
to end within the window and no counted statement reads it: a report that runs for the first time is not counted yet
either, but it does not read a table several times a second.
"""

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from housecall.advisor.statement import parse_statement, relations_of
from housecall.diagnosis.checks.mysql._statement_text import tables_of
from housecall.diagnosis.checks.mysql._tables import Table, rows_or_none
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import Session
from housecall.engines.mysql.rows.statements import HotTable

MIN_TABLE_ROWS = 10_000
"""A smaller table is read whole in a few milliseconds."""
_ROWS_OF_TRIGGERS = frozenset({"new", "old"})
_INTO_AT_END = re.compile(r"\s+INTO\s+@?[\w$]+(?:\s*,\s*@?[\w$]+)*\s*;?\s*$", re.IGNORECASE)
_WORKING = ("Query", "Execute", "Connect")
"""An event runs in a session that stays at Connect."""


def scanned_tables(now: Snapshot, earlier: Snapshot | None, tables: dict[tuple[str, str], Table]) -> frozenset[str]:
    """Large tables of which more rows were read without an index between the two looks than they hold, by the names
    that `tables_of` gives."""
    if earlier is None:
        return frozenset()
    before = {(row.schema_name, row.table_name): row.rows_read_without_index for row in rows_or_none(earlier, HotTable)}
    found = set()
    for row in rows_or_none(now, HotTable):
        place = (row.schema_name, row.table_name)
        table = tables.get(place)
        if table is None or place not in before or table.rows < MIN_TABLE_ROWS:
            continue
        if row.rows_read_without_index - before[place] >= table.rows:
            found.add(".".join(tables_of(f"FROM `{place[1]}`", place[0])))
    return frozenset(found)


def sightings(now: Snapshot, scanned: frozenset[str]) -> Iterator[tuple[int, Session]]:
    """Sessions at work on one of these tables, with the number of the look."""
    for number, look in enumerate(now.samples):
        for row in look.rows(Session):
            is_thread_of_replication = row.user_name == "system user"
            if row.command not in _WORKING or is_thread_of_replication or row.lock_wait_seconds is not None:
                continue
            if row.statement and scanned & set(tables_of(row.statement, row.database_name)):
                yield number, row


def as_from_outside(sql: str, tables: Sequence[Table]) -> str:
    """The statement as a client would send it: a placeholder for each variable of the routine and each value of the
    trigger's row, and no INTO. Variables are told from columns by the columns of its tables."""
    tree = parse_statement(_INTO_AT_END.sub("", sql), "mysql")
    if tree is None:
        return sql
    copied = tree.copy()
    for select in copied.find_all(exp.Select):
        select.set("into", None)
    named = {each.name.lower() for node in copied.find_all(exp.Select, exp.Update, exp.Delete)
             for each in relations_of(node)}  # fmt: skip
    known = {column for table in tables if table.name.lower() in named for column in table.columns}
    for call in list(copied.find_all(exp.Anonymous)):
        if str(call.this).lower() == "name_const" and len(call.expressions) == 2:
            call.replace(exp.Placeholder())
    for column in list(copied.find_all(exp.Column)):
        is_variable = bool(known) and not column.table and column.name.lower() not in known
        if is_variable or column.table.lower() in _ROWS_OF_TRIGGERS:
            column.replace(exp.Placeholder())
    return copied.sql(dialect="mysql")
