"""What would run away: rows that a statement makes out of nothing, texts blown up, recursion without an end.

Only what stands in the text as a number is counted, so this stops accidents and plain attacks; rows of real tables,
bounds that come out of a query, and everything else is bounded by the probe's time and row limits on the server.
"""

from datetime import datetime, timedelta

from sqlglot import exp

from housecall.engines.guard.verdict import Refusal

MAX_GENERATED_ROWS = 1_000_000
MAX_GENERATED_CHARACTERS = 16 * 1024 * 1024
MAX_UNJOINED_RELATIONS = 2

# What PostgreSQL assumes for a set-returning function whose arguments it does not know (pg_proc.prorows of most).
_UNKNOWN_ROWS = 1_000
_NOT_A_BOMB = 10**18
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}


def refuse_runaways(tree: exp.Expr) -> None:
    """Raises Refusal for rows or texts beyond the limits above, recursion without an end, and bare cartesian "
    "products."""
    rows = _rows_of(tree, {}, frozenset())
    if rows > MAX_GENERATED_ROWS:
        raise Refusal(
            "too_many_rows",
            f"The statement makes about {_shown(rows)} rows out of nothing; the limit is "
            f"{MAX_GENERATED_ROWS:,}. Use smaller "
            "bounds or fewer generate_series.",
        )
    _refuse_long_texts(tree, rows)
    for cte in tree.find_all(exp.CTE):
        _refuse_endless(cte)
    for select in tree.find_all(exp.Select):
        _refuse_cartesian(select)


def _shown(rows: int) -> str:
    return f"{rows:,}" if rows < _NOT_A_BOMB else "10^18 or more"


def _rows_of(node: exp.Expr, ctes: dict[str, int], open_ctes: frozenset[str]) -> int:
    """Rows that the query makes out of nothing; a real table counts as one."""
    with_clause = node.args.get("with_") or node.args.get("with")
    if with_clause is not None:
        ctes = dict(ctes)
        for cte in with_clause.expressions:
            ctes[cte.alias] = _rows_of(cte.this, ctes, open_ctes | {cte.alias})
    if isinstance(node, exp.SetOperation):
        return _rows_of(node.left, ctes, open_ctes) + _rows_of(node.right, ctes, open_ctes)
    product = 1
    for inner in _nearest(node):
        if isinstance(inner, exp.Query):
            factor = _rows_of(inner, ctes, open_ctes)
        elif isinstance(inner, exp.GenerateSeries):
            factor = _series_rows(inner)
        else:
            factor = 1 if inner.name in open_ctes else ctes.get(inner.name, 1)
        product = min(product * max(1, factor), _NOT_A_BOMB)
    return product


def _nearest(node: exp.Expr) -> list[exp.Expr]:
    """The queries, series and relations directly below a query, without those inside them."""
    found: list[exp.Expr] = []
    pending = [child for key, child in _children(node) if key not in ("with_", "with")]
    while pending:
        child = pending.pop()
        if isinstance(child, exp.Table) and isinstance(child.this, exp.Identifier):
            found.append(child)
            pending.extend(below for _, below in _children(child))
        elif isinstance(child, exp.GenerateSeries | exp.Query) and not isinstance(child, exp.Subquery):
            found.append(child)
        else:
            pending.extend(below for _, below in _children(child))
    return found


def _children(node: exp.Expr) -> list[tuple[str, exp.Expr]]:
    return [
        (key, child)
        for key, value in node.args.items()
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, exp.Expr)
    ]


def _series_rows(series: exp.GenerateSeries) -> int:
    start, end, step = (series.args.get(key) for key in ("start", "end", "step"))
    first, last = _number(start), _number(end)
    if first is not None and last is not None:
        width = _number(step) if step is not None else 1.0
        return min(int(abs(last - first) / abs(width)) + 1, _NOT_A_BOMB) if width else _UNKNOWN_ROWS
    begins, ends, every = _moment(start), _moment(end), _interval_seconds(step)
    if begins is not None and ends is not None and every:
        return int(abs((ends - begins) / timedelta(seconds=every))) + 1
    return _UNKNOWN_ROWS


def _number(node: exp.Expr | None) -> float | None:
    """The value of an expression of literals; None when anything else is in it."""
    if isinstance(node, exp.Literal):
        return _float(node.this)
    if isinstance(node, exp.Paren | exp.Cast | exp.Neg | exp.Subquery):
        value = _number(node.this)
        return -value if isinstance(node, exp.Neg) and value is not None else value
    if isinstance(node, exp.Select) and len(node.expressions) == 1 and not node.args.get("from_"):
        return _number(node.expressions[0].unalias())
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Pow):
        left, right = _number(node.this), _number(node.expression)
        return None if left is None or right is None else _compute(node, left, right)
    return None


def _compute(node: exp.Expr, left: float, right: float) -> float | None:
    try:
        match node:
            case exp.Add():
                return left + right
            case exp.Sub():
                return left - right
            case exp.Mul():
                return left * right
            case exp.Div():
                return left / right
            case _:
                return float(left**right)
    except ZeroDivisionError:
        return None
    except OverflowError:
        return float(_NOT_A_BOMB)


def _float(text: str) -> float | None:
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        return None
    return max(-float(_NOT_A_BOMB), min(value, float(_NOT_A_BOMB))) if value == value else None


def _moment(node: exp.Expr | None) -> datetime | None:
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    if not isinstance(node, exp.Literal):
        return None
    try:
        return datetime.fromisoformat(node.this.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _interval_seconds(node: exp.Expr | None) -> float | None:
    words: list[str] = []
    if isinstance(node, exp.Interval):
        words = [
            node.this.name if node.this is not None else "",
            node.unit.name.lower() if node.unit is not None else "",
        ]
    else:
        while isinstance(node, exp.Cast | exp.Paren):
            node = node.this
        if isinstance(node, exp.Literal):
            words = node.this.lower().split()
    if len(words) != 2:
        return None
    amount, unit = _float(words[0]), _UNITS.get(words[1].rstrip("s"))
    return abs(amount) * unit if amount and unit else None


def _refuse_long_texts(tree: exp.Expr, rows: int) -> None:
    for node in tree.find_all(exp.Repeat, exp.Pad):
        size = float(rows)
        place: exp.Expr | None = node
        while place is not None:
            if isinstance(place, exp.Repeat):
                size *= max(1.0, _number(place.args.get("times")) or 1.0)
            elif isinstance(place, exp.Pad):
                size *= max(1.0, _number(place.expression) or 1.0)
            place = place.parent
        if size > MAX_GENERATED_CHARACTERS:
            raise Refusal(
                "too_much_memory",
                f"The statement builds a text of about {_shown(int(size))} characters; the limit is "
                f"{MAX_GENERATED_CHARACTERS:,}. Use a smaller count.",
            )
    for call in tree.find_all(exp.Format):
        _refuse_wide_format(call)


def _refuse_wide_format(call: exp.Format) -> None:
    pattern = call.this.name if isinstance(call.this, exp.Literal) else ""
    digits = "".join(letter if letter.isdigit() else " " for letter in pattern).split()
    if "*" in pattern or any(len(number) > 4 for number in digits):
        raise Refusal(
            "too_much_memory", "format() with a wide or a computed field width is refused: it fills the memory."
        )


def _refuse_endless(cte: exp.CTE) -> None:
    union = cte.this
    if not isinstance(union, exp.SetOperation) or not _refers_to(union.right, cte.alias):
        return
    step = union.right
    selects = list(step.find_all(exp.Select))
    bounded = union.args.get("limit") is not None or any(
        select.args.get("where") is not None or any(not _is_bare(join) for join in select.args.get("joins") or ())
        for select in selects
    )
    if not bounded:
        raise Refusal(
            "endless_recursion",
            f"The recursive query {cte.alias} is refused: nothing in its recursive part ends it. Add a WHERE "
            f"that stops it "
            "or a LIMIT to the query inside WITH.",
        )
    for comparison in step.find_all(exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NEQ):
        for side in (comparison.left, comparison.right):
            bound = _number(side)
            if bound is not None and abs(bound) > MAX_GENERATED_ROWS:
                raise Refusal(
                    "too_many_rows",
                    f"The recursive query {cte.alias} may run {_shown(int(abs(bound)))} times; the limit is "
                    f"{MAX_GENERATED_ROWS:,}.",
                )


def _refers_to(node: exp.Expr, name: str) -> bool:
    return any(table.name == name and not table.db for table in node.find_all(exp.Table))


def _is_bare(join: exp.Join) -> bool:
    return not (join.args.get("on") or join.args.get("using") or join.method == "NATURAL")


def _refuse_cartesian(select: exp.Select) -> None:
    joins = select.args.get("joins") or []
    relations = [
        join.this for join in joins if isinstance(join.this, exp.Table) and isinstance(join.this.this, exp.Identifier)
    ]
    if select.args.get("where") is not None or not all(_is_bare(join) for join in joins):
        return
    if len(relations) >= MAX_UNJOINED_RELATIONS and len(joins) == len(relations):
        raise Refusal(
            "too_many_rows",
            f"{len(relations) + 1} relations without any condition are refused: the result has as many rows as "
            f"their sizes "
            "multiplied. Join them ON their keys.",
        )
