"""Ways to write a statement that make it read, sort or send all rows for each call, whatever indexes there are.

Told by the statement's text alone (sqlglot's tree), alike on every engine: why it is slow, and what to write in its
place.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from housecall.wording import Say

FELT_SECONDS = 0.2
"""Of a call: a person notices it."""
FELT_SECONDS_OF_ALL_ROWS = 0.005
"""Of a call that puts all rows into a random order, or counts them, some 50,000: what it costs grows with the table."""
FELT_SECONDS_OF_JOINED_ROWS = 0.02
"""Of a call that joins all rows before it leaves most of them out."""
_DERIVED = Say(
    "It reads from a subquery in FROM that groups rows; where the condition outside cannot be moved into it, the server"
    " builds all groups for each call.",
    "它从 FROM 中带分组的子查询读取；如果外层条件不能下推到子查询，服务器每次调用都要构建全部分组。",
)
_PUSH = Say(
    "Put the outer condition into the subquery too (or use LATERAL where the server has it), so that it groups only the"
    " rows that are wanted",
    "把外层条件也写进子查询（支持 LATERAL 的服务器可用 LATERAL），使其只对需要的行分组",
)
_MATERIALIZED = Say(
    "Its WITH says MATERIALIZED: the server builds that part whole for each call, whatever the condition outside.",
    "它的 WITH 写了 MATERIALIZED：无论外层条件如何，服务器每次调用都要完整构建该部分。",
)
_NOT_MATERIALIZED = Say(
    "Take the word MATERIALIZED out of the WITH, so that the condition outside reaches the table",
    "去掉 WITH 中的 MATERIALIZED，使外层条件能作用到表上",
)
_RANDOM = Say(
    en="A random order gives every row a number and sorts them all, for each call.",
    zh="随机排序每次调用都要为每一行生成随机数并全部排序。",
)
_PICK = Say(
    en="Pick a random key between the lowest and the highest, and read the first row from there on (WHERE id >= … ORDER"
    " BY id LIMIT 1)",
    zh="先在最小和最大主键之间取一个随机值，再从该处取第一行（WHERE id >= … ORDER BY id LIMIT 1）",
)
_COUNT = Say(
    en="It counts every row of the table anew, for each call.",
    zh="它每次调用都要重新统计整张表的所有行。",
)
_KEEP_COUNT = Say(
    en="Keep the count in a row of its own, or in the application for some seconds, or show the estimate of the"
    " statistics",
    zh="把行数单独保存，或在应用中缓存几秒，或显示统计信息中的估计值",
)
_ACROSS = Say(
    en="Its OR asks columns of different tables: no index narrows either table, so all rows are joined before one is"
    " left out.",
    zh="它的 OR 条件涉及不同表的列：任何索引都无法缩小其中一张表，只能先连接所有行再过滤。",
)
_UNION = Say(
    en="Write it as two statements joined by UNION, each with one side of the OR, so that each takes an index of its"
    " own",
    zh="拆成用 UNION 合并的两条语句，各带 OR 的一边，这样每边都能用上自己的索引",
)
_MULTIPLIED = Say(
    en="Its DISTINCT takes out what a join multiplied: only one of the joined tables gives columns to the result.",
    zh="它用 DISTINCT 去掉连接产生的重复行：结果中的列只来自其中一张表。",
)
_EXISTS = Say(
    en="Ask by EXISTS (or IN) for the tables that give no columns, in place of the join and the DISTINCT: the first row"
    " that fits ends the search",
    zh="对不提供结果列的表改用 EXISTS（或 IN），代替连接加 DISTINCT：找到第一条匹配即可停止",
)
_ALL = Say(
    en="It has neither a condition nor a LIMIT: every row of the table goes to the client, for each call.",
    zh="它既没有条件也没有 LIMIT：每次调用都把整张表的所有行发给客户端。",
)
_PAGES = Say(
    en="Fetch what is needed: by a condition, page by page (WHERE key > the last one ORDER BY key LIMIT …), or only"
    " what changed since the last time",
    zh="只取所需的行：加条件，按键分页（WHERE 键 > 上一页最后的键 ORDER BY 键 LIMIT …），或只取上次以来变化的行",
)
_EVERY_ROW = Say(
    en="It changes every row of the table, for each call, also those that stay as they are; each is written anew.",
    zh="它每次调用都修改表的每一行，包括值没有变化的行；每一行都要重新写一遍。",
)
_ONLY_CHANGED = Say(
    en="Change only rows that get another value (by a condition), in batches of some thousand, or compute the value"
    " when it is read; to empty a table use TRUNCATE",
    zh="加条件只修改值确实会变的行，按几千行一批执行，或改为读取时计算；要清空表请用 TRUNCATE",
)
_COMPUTED_ORDER = Say(
    en="Its order is computed of columns: every row is computed and sorted before the first is returned.",
    zh="排序依据由列计算得出：返回第一行之前，必须计算并排序所有行。",
)
_ORDER_COLUMN = Say(
    en="Keep what it is ordered by in a column of its own (a generated column, or an index on the expression where the"
    " server has such), with an index that returns the rows in that order",
    zh="把排序依据保存为单独的列（生成列，或在支持的服务器上为表达式建索引），并建索引以按该顺序返回",
)


@dataclass(frozen=True, slots=True)
class Form:
    """A way of writing. `felt_seconds`: how long a call must take to be told for it."""

    is_so: Callable[[exp.Expr], bool]
    why: Say
    instead: Say
    felt_seconds: float = FELT_SECONDS


def forms_of(tree: exp.Expr | None) -> tuple[Form, ...]:
    """The forms of a statement; none of a text that could not be understood."""
    return () if tree is None else tuple(form for form in _FORMS if form.is_so(tree))


def changes_all(tree: exp.Expr | None) -> bool:
    """`UPDATE a_table SET …` and `DELETE FROM a_table`, without a condition or a join."""
    ends = ("where", "from_", "using", "limit")
    if not isinstance(tree, exp.Update | exp.Delete) or any(tree.args.get(name) for name in ends):
        return False
    return _is_table(tree.this)


def _fetches_all(tree: exp.Expr) -> bool:
    """`SELECT … FROM a_table`, as it stands."""
    ends = ("where", "limit", "fetch", "group", "having", "joins", "distinct")
    if not isinstance(tree, exp.Select) or any(tree.args.get(name) for name in ends):
        return False
    return _reads_a_table(tree) and not any(each.find(exp.AggFunc) for each in tree.expressions)


def _reads_a_table(tree: exp.Select) -> bool:
    source = tree.args.get("from_")
    return isinstance(source, exp.From) and _is_table(source.this)


def _is_table(source: object) -> bool:
    """A table by itself: not a function's rows, nor one that holds joins (MySQL's `UPDATE a JOIN b`)."""
    return isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and not source.args.get("joins")


def _sources(node: exp.Select) -> set[str]:
    """The names by which the statement calls what it reads."""
    from_ = node.args.get("from_")
    places = [from_.this if from_ is not None else None, *(join.this for join in node.args.get("joins") or ())]
    return {each.alias_or_name for each in places if each is not None}


def _asks_across(tree: exp.Expr) -> bool:
    """`WHERE a.x = 1 OR b.y = 2`, each side of one table alone."""
    for select in tree.find_all(exp.Select):
        where, sources = select.args.get("where"), _sources(select)
        parts = list(where.this.flatten()) if where is not None and isinstance(where.this, exp.And) else []
        for part in parts or ([where.this] if where is not None else []):
            condition = part.unnest()
            if isinstance(condition, exp.Or) and len(sources) > 1:
                sides = [{column.table for column in side.find_all(exp.Column)} for side in condition.flatten()]
                asked = {next(iter(side)) for side in sides if len(side) == 1}
                if all(len(side) == 1 for side in sides) and len(asked & sources) > 1:
                    return True
    return False


def _multiplies(tree: exp.Expr) -> bool:
    """`SELECT DISTINCT a.x FROM a JOIN b …`: every column of one table, and nothing computed of many rows."""
    distinct = tree.args.get("distinct")
    if not isinstance(tree, exp.Select) or distinct is None or distinct.args.get("on") or len(_sources(tree)) < 2:
        return False
    columns = [column for each in tree.expressions for column in each.find_all(exp.Column)]
    has_aggregate = any(each.find(exp.AggFunc, exp.Window) for each in tree.expressions)
    tables = {column.table for column in columns}
    return bool(columns) and not has_aggregate and len(tables) == 1 and tables <= _sources(tree)


def _groups_in_from(tree: exp.Expr) -> bool:
    return any(
        isinstance(each.this, exp.Select) and each.this.args.get("group") is not None
        and isinstance(each.parent, exp.From | exp.Join)
        for each in tree.find_all(exp.Subquery)
    )  # fmt: skip


def _is_random(tree: exp.Expr) -> bool:
    return any(isinstance(each.this, exp.Rand) for each in tree.find_all(exp.Ordered))


def _orders_by_computed(tree: exp.Expr) -> bool:
    """`ORDER BY a * b LIMIT 10`: what comes first is computed of columns, for every row."""
    order = tree.args.get("order") if isinstance(tree, exp.Select) and tree.args.get("limit") is not None else None
    keys = order.expressions if order is not None else []
    first = keys[0].this.unnest() if keys else None
    return (
        first is not None
        and not isinstance(first, exp.Column)
        and first.find(exp.Column) is not None
        and first.find(exp.AggFunc, exp.Window, exp.Query, exp.Rand) is None
    )


def _counts_all(tree: exp.Expr) -> bool:
    """`SELECT count(*) FROM a_table`, and nothing more."""
    if not isinstance(tree, exp.Select) or any(tree.args.get(name) for name in ("where", "group", "joins", "having")):
        return False
    counted = [each.unalias() for each in tree.expressions]
    return (
        _reads_a_table(tree)
        and bool(counted)
        and all(isinstance(each, exp.Count) and not isinstance(each.this, exp.Column) for each in counted)
    )


def _is_materialized(tree: exp.Expr) -> bool:
    return any(each.args.get("materialized") for each in tree.find_all(exp.CTE))


_FORMS = (
    Form(_groups_in_from, _DERIVED, _PUSH),
    Form(_is_materialized, _MATERIALIZED, _NOT_MATERIALIZED),
    Form(_is_random, _RANDOM, _PICK, FELT_SECONDS_OF_ALL_ROWS),
    Form(_counts_all, _COUNT, _KEEP_COUNT, FELT_SECONDS_OF_ALL_ROWS),
    Form(_orders_by_computed, _COMPUTED_ORDER, _ORDER_COLUMN),
    Form(_asks_across, _ACROSS, _UNION, FELT_SECONDS_OF_JOINED_ROWS),
    Form(_multiplies, _MULTIPLIED, _EXISTS, FELT_SECONDS_OF_JOINED_ROWS),
    Form(changes_all, _EVERY_ROW, _ONLY_CHANGED),
    Form(_fetches_all, _ALL, _PAGES),
)
