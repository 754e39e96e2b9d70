"""The tables that a statement names, for the verdict."""

from sqlglot import exp


def tables_named(tree: exp.Expr) -> tuple[str, ...]:
    """`schema.name` or `name`, sorted; names of WITH are none."""
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    names = {
        f"{table.db}.{table.name}" if table.db else table.name
        for table in tree.find_all(exp.Table)
        if table.name and (table.db or table.name not in ctes) and isinstance(table.this, exp.Identifier)
    }
    return tuple(sorted(names))
