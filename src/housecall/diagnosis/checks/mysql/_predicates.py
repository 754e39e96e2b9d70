"""What the shape checks ask of a statement's tree and of its counters: bare comparisons with values, hidden or not, and
whether the server read the table whole although an index begins with the compared column."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sqlglot import exp

from housecall.advisor.shape import beginning
from housecall.advisor.statement import parse_statement, relations_of
from housecall.diagnosis.checks.mysql._statements import HotStatement, accesses_of, plan_of, table_of
from housecall.diagnosis.checks.mysql._tables import Table
from housecall.diagnosis.snapshot import Snapshot

MIN_EXAMINED = 1_000
MIN_EXAMINED_FOR_ONE = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """A bare column compared with a value: `hidden` when the text has a placeholder for it."""

    relation: str
    column: str
    kind: Literal["equal", "like"]
    hidden: bool
    is_number: bool
    pattern: str | None
    is_list: bool = False


@lru_cache(maxsize=256)
def comparisons(sql: str) -> tuple[Compared, ...]:
    """Every comparison of one bare column with one value, wherever it stands."""
    tree = parse_statement(sql, "mysql")
    if tree is None:
        return ()
    nodes = tree.find_all(exp.Select, exp.Update, exp.Delete)
    names = {relation.alias: relation.name for node in nodes for relation in relations_of(node)}
    return tuple(_comparisons(tree, names))


def _comparisons(tree: exp.Expr, names: dict[str, str]) -> Iterator[Compared]:
    for node in tree.find_all(exp.EQ, exp.NullSafeEQ, exp.Like, exp.In):
        values = node.args.get("expressions") or [node.args.get("expression")]
        column, value = node.this, values[0] if values else None
        if not isinstance(column, exp.Column) and isinstance(value, exp.Column):
            column, value = value, column
        if not isinstance(column, exp.Column) or value is None:
            continue
        literal = value.this if isinstance(value, exp.Neg) else beginning(value)
        if not isinstance(literal, exp.Literal | exp.Placeholder | exp.Parameter):
            continue
        known = names.get(column.table, column.table) if column.table else next(iter(names.values()), "")
        is_literal = isinstance(literal, exp.Literal)
        if not is_literal and node.find_ancestor(exp.Or) is not None:
            continue  # another branch may be why no index is used, so that the hidden value proves nothing
        yield Compared(
            known, column.name, "like" if isinstance(node, exp.Like) else "equal", not is_literal,
            is_literal and not literal.is_string,
            str(literal.this) if is_literal and literal.is_string else None, isinstance(node, exp.In),
        )  # fmt: skip


def indexed(statement: HotStatement, now: Snapshot, compared: Compared) -> Table | None:
    """The compared column's table, when an index begins with the column; None: unknown, or no such index."""
    table = table_of(now, statement, compared.relation)
    if table is None or compared.column.lower() not in table.columns or not table.leads(compared.column):
        return None
    return table


def reads_whole(statement: HotStatement, table: Table, now: Snapshot, *, values_known: bool) -> bool:
    """Whether the table is read from end to end for a few rows: by the counters, else by the plan.

    The plan of a statement whose values are not known was made with values of ours, and proves nothing here. With
    neither counters nor plan the values decide: a comparison that converts the column never uses the index.
    """
    if statement.examined is not None:
        in_vain = (statement.examined_for_one or 0.0) >= MIN_EXAMINED_FOR_ONE
        return in_vain and statement.examined >= max(MIN_EXAMINED, table.rows / 2)
    plan = plan_of(statement, now) if values_known else None
    if plan is None:
        return values_known
    return any(node.access in ("ALL", "index") for node in accesses_of(plan, table.name))
