"""A plan told in words: what it costs, where, and what is wrong with it, in the languages of Housecall."""

from collections.abc import Iterator

from housecall.advisor.plan import Plan, PlanNode
from housecall.advisor.plan_review import (
    HotNode,
    file_sorts,
    filtering_scans,
    hot_node,
    loop_blow_ups,
    lossy_bitmaps,
    misestimates,
    repeated_scans,
    slow_triggers,
    spills,
    temporary_tables,
    unindexed_joins,
    wrapped_columns,
)
from housecall.wording import Language, Message, Say

MAX_NODES_SHOWN = 25
MAX_REMARKS_OF_A_KIND = 3

_RAN = Say(en="The statement ran for {time:duration}.", zh="语句执行耗时 {time:duration}。")
_NOT_RUN = Say(
    en="The statement was not run; the planner's estimated cost is {cost:number}.",
    zh="语句并未执行；优化器估算的代价为 {cost:number}。",
)
_HOT_BY_TIME = Say(
    en="{share:percent} of the time is spent in {node} itself.", zh="{share:percent} 的时间花在 {node} 这一步本身。"
)
_HOT_BY_COST = Say(
    en="{share:percent} of the estimated cost is in {node} itself.",
    zh="估算代价的 {share:percent} 集中在 {node} 这一步本身。",
)
_NOT_RUN_NOR_COST = Say(
    en="The statement was not run; this server's plan tells no cost.", zh="语句并未执行；该服务器的执行计划不给出代价。"
)
_HOT_BY_ROWS = Say(
    en="{share:percent} of the rows to look at are read by {node}: about {rows:count}.",
    zh="需要查看的行中有 {share:percent} 由 {node} 读取：约 {rows:count} 行。",
)
_REPEATED_SCAN = Say(
    en="{node} would read the whole table about {loops:count} times, {rows:count} rows in all: the subquery or join"
    " starts anew for each outer row.",
    zh="{node} 预计要把整张表读约 {loops:count} 遍，共 {rows:count} 行：子查询或连接对外层每一行都重新执行。",
)
_UNINDEXED_JOIN = Say(
    en="{node} is joined by {method}: no index serves {condition}, so each of its {rows:count} rows is read.",
    zh="{node} 以 {method} 方式连接：没有索引可用于 {condition}，它的 {rows:count} 行全部要读。",
)
_FILE_SORT = Say(
    en="About {rows:count} rows are sorted after they were read (filesort): no index gives their order{keys}.",
    zh="约 {rows:count} 行读出后还要排序（filesort）：没有索引能给出该顺序{keys}。",
)
_TEMPORARY = Say(en="The rows go through a temporary table ({node}).", zh="结果要先写入临时表（{node}）。")
_PARTITIONS = Say(en="{node} reads {partitions:count} partitions.", zh="{node} 要读 {partitions:count} 个分区。")
_NOTE = Say(en="The server notes: {note}", zh="服务器提示：{note}")
_FILTERS = Say(
    en="{node} reads {read:count} rows and keeps {kept:count}: {filter}.",
    zh="{node} 读取 {read:count} 行，只保留 {kept:count} 行：{filter}。",
)
_FILTERS_NOT_RUN = Say(
    en="{node} reads the whole table to find what matches: {filter}.",
    zh="{node} 要读完整张表才能找到匹配的行：{filter}。",
)
_TOO_LOW = Say(
    en="{node}: the planner expected {expected:count} rows, {seen:count} came ({factor:count} times as many).",
    zh="{node}：优化器预计 {expected:count} 行，实际 {seen:count} 行（多出 {factor:count} 倍）。",
)
_TOO_HIGH = Say(
    en="{node}: the planner expected {expected:count} rows, only {seen:count} came.",
    zh="{node}：优化器预计 {expected:count} 行，实际只有 {seen:count} 行。",
)
_SPILLS = Say(
    en="{node} does not fit into memory and writes {size:bytes} to disk.",
    zh="{node} 内存放不下，向磁盘写入了 {size:bytes}。",
)
_LOSSY = Say(
    en="{node}: the bitmap ran out of memory on {blocks:count} pages, so {rows:count} rows were examined in vain.",
    zh="{node}：位图在 {blocks:count} 个页面上因内存不足退化，白白复查了 {rows:count} 行。",
)
_LOOPS = Say(en="{node} runs {loops:count} times.", zh="{node} 被执行了 {loops:count} 次。")
_LOOPS_SCANNING = Say(
    en="{node} reads the whole table {loops:count} times, once for each outer row.",
    zh="{node} 把整张表读了 {loops:count} 遍，外层每行一遍。",
)
_WRAPPED = Say(
    en="{node} compares {expression}, so an index on {column} alone cannot help.",
    zh="{node} 比较的是 {expression}，因此单独建在 {column} 上的索引用不上。",
)
_TRIGGER = Say(
    en="Trigger {name} took {time:duration} of it; a foreign key's trigger searches the other table.",
    zh="其中触发器 {name} 用了 {time:duration}；外键的触发器会去查另一张表。",
)
_MORE = Say(en="… and {count:count} more steps.", zh="……以及另外 {count:count} 步。")
_STEPS = Say(en="Steps:", zh="执行步骤：")
_STEP_RUN = Say(
    en="{node}: {rows:count} rows (expected {expected:count}), {time:duration}",
    zh="{node}：{rows:count} 行（预计 {expected:count}），{time:duration}",
)
_STEP_NEVER = Say(en="{node}: never run", zh="{node}：未执行")
_STEP_BARE = Say(en="{node}", zh="{node}")
_STEP_NO_COST = Say(en="{node}: about {expected:count} rows", zh="{node}：约 {expected:count} 行")
_STEP = Say(
    en="{node}: about {expected:count} rows, cost {cost:number}",
    zh="{node}：约 {expected:count} 行，代价 {cost:number}",
)


def remarks(plan: Plan) -> tuple[Message, ...]:
    """What there is to say, the weightiest first: where the time goes, then what is wrong, at most three of a kind."""
    return (*_cost(plan), *weak_points(plan))


def weak_points(plan: Plan) -> tuple[Message, ...]:
    """The remarks without what the plan costs as a whole."""
    return tuple(_weak_points(plan))


def describe(plan: Plan, language: Language) -> str:
    """The remarks and the steps as text; at most 25 steps, and how many were left out."""
    lines = [message.render(language) for message in remarks(plan)]
    return "\n".join([*lines, "", _STEPS().render(language), *_steps(plan, language)])


def _cost(plan: Plan) -> Iterator[Message]:
    if plan.execution_seconds is not None:
        yield _RAN(time=plan.execution_seconds)
    elif not plan.analyzed:
        cost = plan_cost(plan)
        yield _NOT_RUN(cost=cost) if cost is not None else _NOT_RUN_NOR_COST()


def _weak_points(plan: Plan) -> Iterator[Message]:
    hot = hot_node(plan)
    if hot is not None:
        yield _hot(hot)
    for name, seconds in slow_triggers(plan):
        yield _TRIGGER(name=name, time=seconds)
    for scan in filtering_scans(plan)[:MAX_REMARKS_OF_A_KIND]:
        if scan.rows_read is None:
            yield _FILTERS_NOT_RUN(node=scan.node.name, filter=scan.node.filter)
        else:
            yield _FILTERS(node=scan.node.name, read=scan.rows_read, kept=scan.rows_kept, filter=scan.node.filter)
    for wrapped in wrapped_columns(plan)[:MAX_REMARKS_OF_A_KIND]:
        column = wrapped.column
        yield _WRAPPED(node=wrapped.node.name, expression=column.expression, column=column.column)
    for loop in loop_blow_ups(plan)[:MAX_REMARKS_OF_A_KIND]:
        yield (_LOOPS_SCANNING if loop.scans_inner else _LOOPS)(node=loop.inner.name, loops=loop.loops)
    for scan_again in repeated_scans(plan)[:MAX_REMARKS_OF_A_KIND]:
        yield _REPEATED_SCAN(
            node=scan_again.name, loops=scan_again.estimated_loops, rows=scan_again.estimated_rows_read
        )
    for joined in unindexed_joins(plan)[:MAX_REMARKS_OF_A_KIND]:
        condition = joined.join_condition or joined.filter or "the join"
        yield _UNINDEXED_JOIN(
            node=joined.name, method=joined.buffered, condition=condition, rows=joined.estimated_scanned
        )
    for sort in file_sorts(plan)[:MAX_REMARKS_OF_A_KIND]:
        keys = f" ({', '.join(sort.sort_keys)})" if sort.sort_keys else ""
        yield _FILE_SORT(rows=sort.estimated_rows, keys=keys)
    for temporary in temporary_tables(plan)[:1]:
        yield _TEMPORARY(node=temporary.name)
    for node in plan.root.walk():
        if node.partitions is not None and node.partitions > 1:
            yield _PARTITIONS(node=node.name, partitions=node.partitions)
    for note in plan.notes[:MAX_REMARKS_OF_A_KIND]:
        yield _NOTE(note=note)
    for spill in spills(plan)[:MAX_REMARKS_OF_A_KIND]:
        yield _SPILLS(node=spill.node.name, size=spill.spill_bytes)
    for lossy in lossy_bitmaps(plan)[:MAX_REMARKS_OF_A_KIND]:
        yield _LOSSY(node=lossy.node.name, blocks=lossy.lossy_blocks, rows=lossy.rows_rechecked)
    for off in misestimates(plan)[:MAX_REMARKS_OF_A_KIND]:
        say = _TOO_LOW if off.too_low else _TOO_HIGH
        yield say(node=off.node.name, expected=off.estimated_rows, seen=off.actual_rows, factor=off.factor)


def _hot(hot: HotNode) -> Message:
    if hot.by_rows:
        return _HOT_BY_ROWS(share=hot.share, node=hot.node.name, rows=hot.node.estimated_rows_read)
    return (_HOT_BY_TIME if hot.by_time else _HOT_BY_COST)(share=hot.share, node=hot.node.name)


def plan_cost(plan: Plan) -> float | None:
    """The estimated cost of the whole plan; None: the server tells none. MySQL's older form has no cost at its top."""
    if plan.root.total_cost is not None:
        return plan.root.total_cost
    below = [node.own_cost for node in plan.root.walk() if node.own_cost is not None]
    return sum(below) if below else None


def _steps(plan: Plan, language: Language) -> Iterator[str]:
    shown = list(_indented(plan.root, 0))
    for depth, node in shown[:MAX_NODES_SHOWN]:
        yield "  " * depth + "- " + _step(node, plan).render(language)
    if len(shown) > MAX_NODES_SHOWN:
        yield _MORE(count=len(shown) - MAX_NODES_SHOWN).render(language)


def _indented(node: PlanNode, depth: int) -> Iterator[tuple[int, PlanNode]]:
    yield depth, node
    for child in node.children:
        yield from _indented(child, depth + 1)


def _step(node: PlanNode, plan: Plan) -> Message:
    if not plan.analyzed and node.estimated_rows is None and node.total_cost is None:
        return _STEP_BARE(node=node.name)
    if not plan.analyzed and node.total_cost is None:
        return _STEP_NO_COST(node=node.name, expected=node.estimated_rows)
    if not plan.analyzed:
        return _STEP(node=node.name, expected=node.estimated_rows, cost=node.total_cost)
    if not node.was_run:
        return _STEP_NEVER(node=node.name)
    expected = None if node.estimated_rows is None else node.estimated_rows * (node.loops or 1.0)
    return _STEP_RUN(node=node.name, rows=node.total_rows, expected=expected, time=node.total_seconds)
