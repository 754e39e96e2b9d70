"""The tables that a statement names."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from housecall.engines.engine import EngineName


def tables_named(tree: exp.Expr) -> tuple[str, ...]:
    """`schema.name` or `name`, sorted; names of WITH are none."""
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    names = {
        f"{table.db}.{table.name}" if table.db else table.name
        for table in tree.find_all(exp.Table)
        if table.name and (table.db or table.name not in ctes) and isinstance(table.this, exp.Identifier)
    }
    return tuple(sorted(names))


def tables_in(sql: str, engine: EngineName) -> frozenset[str]:
    """As `tables_named`, of a statement or digest, without schemas and in lower case; none of what cannot be parsed."""
    try:
        tree = sqlglot.parse_one(sql.replace("...", "?"), read="postgres" if engine == "postgresql" else engine)
    except SqlglotError:
        return frozenset()
    return frozenset(name.rpartition(".")[2].lower() for name in tables_named(tree))
