"""Index candidates for the hot statements of a snapshot, with what the server's own plans and counters say of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from housecall.advisor.index import Benefit, Candidate, ColumnFacts, IndexFacts, TableFacts, candidates
from housecall.advisor.index.facts import UNKNOWN
from housecall.advisor.index.redundancy import PATTERNS
from housecall.advisor.plan import Plan
from housecall.advisor.shape import of_relation
from housecall.diagnosis.checks.postgresql._measured import BLOCK_BYTES
from housecall.diagnosis.checks.postgresql._statements import (
    HotStatement,
    explained_text,
    hot_statements,
    is_hot,
    plan_of,
    scans_of,
)
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.indexes import HotIndex
from housecall.engines.postgresql.rows.tables import HotColumn, HotTable, PartitionedTable, RowPolicy

MIN_SHARE = 0.02
"""Of the time of all statements: less is not worth another index."""
MIN_MEAN_SECONDS = 0.001
"""A statement that takes under a millisecond does not read a table from end to end."""
WHOLE_SHARE = 0.5
"""Of a table's blocks: no search by an index touches so many."""
MAX_RETURNED_SHARE = 0.2
"""A statement that returns a fifth of the table is served best by reading it all."""


@dataclass(slots=True)
class Proposal:
    """A candidate and the statements that want it."""

    candidate: Candidate
    table: TableFacts
    statements: list[HotStatement] = field(default_factory=list)
    seen_in_plan: bool = False
    has_plan: bool = False
    is_guess: bool = False
    policy: str | None = None
    """The row policy whose condition wants it, where the statement's own text has none."""

    @property
    def share(self) -> float:
        return min(sum(each.share for each in self.statements), 1.0)

    @property
    def keys(self) -> list[str]:
        return [part.text for part in self.candidate.key]

    @property
    def has_expression(self) -> bool:
        return any(part.expression for part in self.candidate.key)

    @property
    def others(self) -> list[IndexFacts]:
        """Indexes that begin with the wanted column and cannot serve: of another kind, in another order of characters,
        or of some rows only."""
        first = self.candidate.columns[0]
        return [index for index in self.table.indexes if first in index.columns[:1]]

    @property
    def misordered(self) -> IndexFacts | None:
        """An index that has the wanted columns, but not in front."""
        wanted = {part.text for part in self.candidate.key if not part.expression}
        equal = {each.column for each in self.candidate.serves} & wanted
        for index in self.table.indexes:
            is_plain = index.valid and index.predicate is None and len(index.columns) > 1
            if is_plain and equal and equal <= set(index.columns[1:]) and index.columns[0] not in equal:
                return index
        return None


def table_facts(now: Snapshot) -> list[TableFacts]:
    """The hot tables as the advisor wants them; empty when they could not be read."""
    tables, columns, indexes = now.get(HotTable), now.get(HotColumn), now.get(HotIndex)
    if isinstance(tables, Unavailable) or isinstance(columns, Unavailable) or isinstance(indexes, Unavailable):
        return []
    return [
        TableFacts(
            row.schema_name,
            row.table_name,
            row.live_rows,
            {
                each.column_name: ColumnFacts(each.type_name, each.distinct_values, each.null_share or 0.0)
                for each in columns
                if (each.schema_name, each.table_name) == (row.schema_name, row.table_name)
            },
            tuple(
                _index_facts(each)
                for each in indexes
                if (each.schema_name, each.table_name) == (row.schema_name, row.table_name)
            ),
        )
        for row in tables
    ]


def leaves_of(now: Snapshot, schema: str, table: str) -> tuple[str, ...]:
    """The partitions of a partitioned table by their bare names; none for any other table."""
    rows = now.get(PartitionedTable)
    known = () if isinstance(rows, Unavailable) else rows
    return next((tuple(row.names) for row in known if (row.schema_name, row.table_name) == (schema, table)), ())


def hot_table(now: Snapshot, schema: str, table: str) -> HotTable:
    """The figures of a table; of a partitioned one those of its partitions together."""
    rows = now.rows(HotTable)
    own = next((row for row in rows if (row.schema_name, row.table_name) == (schema, table)), None)
    if own is not None:
        return own
    names = leaves_of(now, schema, table)
    leaves = [row for row in rows if row.schema_name == schema and row.table_name in names]
    whole = next(row for row in now.rows(PartitionedTable) if (row.schema_name, row.table_name) == (schema, table))
    return replace(
        leaves[0], table_name=table, live_rows=whole.live_rows, size_bytes=whole.size_bytes,
        sequential_scans=sum(row.sequential_scans for row in leaves),
        sequential_rows=sum(row.sequential_rows for row in leaves),
    )  # fmt: skip


def _partitioned_facts(now: Snapshot, leaves: list[TableFacts]) -> list[TableFacts]:
    """Partitioned tables, as their most read partition describes them."""
    rows = now.get(PartitionedTable)
    found = []
    for row in () if isinstance(rows, Unavailable) else rows:
        leaf = next((each for each in leaves if each.schema == row.schema_name and each.name in row.names), None)
        if leaf is not None and leaf.columns:
            found.append(replace(leaf, name=row.table_name, rows=row.live_rows))
    return found


def _index_facts(row: HotIndex) -> IndexFacts:
    keys = tuple(key if _is_bare(key, row) else _bracketed(key) for key in row.keys)
    return IndexFacts(
        name=row.index_name, columns=keys, unique=row.is_unique, method=row.access_method, predicate=row.predicate,
        valid=row.is_valid, operator_classes=tuple(PATTERNS if each else "" for each in row.sorts_by_bytes),
    )  # fmt: skip


def _is_bare(key: str, row: HotIndex) -> bool:
    return key.isidentifier() or key == UNKNOWN or not row.has_expressions


def _bracketed(key: str) -> str:
    """An expression in one pair of brackets, as the advisor writes it; the server brackets operators, not calls, and
    names the type of each quoted text."""
    key = key.replace("'::text", "'")
    return key if key.startswith("(") and key.endswith(")") else f"({key})"


def proposals(now: Snapshot, earlier: Snapshot | None) -> list[Proposal]:
    """Candidates of all hot statements that the plans do not contradict, each with its statements, most wanted
    first."""
    leaves = [table for table in table_facts(now) if table.columns]
    facts = [*leaves, *_partitioned_facts(now, leaves)]
    found: dict[tuple[str, str, tuple[str, ...]], Proposal] = {}
    for statement in hot_statements(now, earlier):
        if is_hot(statement, MIN_SHARE, MIN_MEAN_SECONDS):
            for candidate, table, policy in _wanted(statement, facts, now):
                key = (candidate.schema, candidate.table, candidate.columns)
                proposal = found.setdefault(key, Proposal(candidate, table, policy=policy))
                verdict = _plan_verdict(statement, candidate, now)
                is_page = candidate.gives_order and _is_cut_short(statement, now)
                kept = None if policy or is_page else _rows_by_plan(statement, candidate, now)
                if verdict is not False and not _keeps_most(kept, table):
                    proposal.is_guess = _is_guess(statement, candidate, kept)
                    if kept is not None and candidate.is_guess:
                        proposal.candidate = replace(candidate, benefit=Benefit(candidate.benefit.rows_without, kept))
                    proposal.statements.append(statement)
                    proposal.has_plan = proposal.has_plan or verdict is not None
                    proposal.seen_in_plan = proposal.seen_in_plan or verdict is True
    return sorted((each for each in found.values() if each.statements), key=lambda each: -each.share)


def _wanted(
    statement: HotStatement, facts: list[TableFacts], now: Snapshot
) -> Iterator[tuple[Candidate, TableFacts, str | None]]:
    taken: set[tuple[str, str]] = set()
    texts = [(text, None) for text in (statement.example or statement.query, *_behind_views(statement, facts, now))]
    for text, policy in [*texts, *_behind_policies(statement, now)]:
        for candidate in candidates(text, "postgresql", facts):
            place = (candidate.schema, candidate.table)
            table = next(each for each in facts if (each.schema, each.name) == place)
            if place not in taken and not _returns_most(statement, table):
                taken.add(place)
                yield candidate, table, policy


def _behind_policies(statement: HotStatement, now: Snapshot) -> Iterator[tuple[str, str]]:
    """What row security adds to the conditions on a table that is read whole. The plan was made for whoever looks, whom
    the policy need not concern, so it may lack that condition."""
    rows = now.get(RowPolicy)
    for row in () if isinstance(rows, Unavailable) else rows:
        if row.table_name in statement.shape.tables and _is_read_whole(statement, row, now):
            table = quote_identifier(row.table_name)
            condition = _CAST_OF_TEXT.sub(r"\1", row.condition)
            yield f"SELECT * FROM {table} WHERE {condition}", row.policy_name


def _is_read_whole(statement: HotStatement, policy: RowPolicy, now: Snapshot) -> bool:
    """By the plan; without one by the blocks that a run touches."""
    plan = plan_of(statement, now)
    if plan is not None:
        return bool(scans_of(plan, policy.table_name, "full_scan"))
    sizes = [
        row.size_bytes
        for row in now.rows(HotTable)
        if (row.schema_name, row.table_name) == (policy.schema_name, policy.table_name)
    ]
    return any((statement.blocks_per_call or 0.0) * BLOCK_BYTES >= WHOLE_SHARE * size > 0 for size in sizes)


_CAST_OF_TEXT = re.compile(r"\((\w+|\"[^\"]+\")\)::(?:text|bpchar|character varying)\b")
"""PostgreSQL compares varchar as text; the cast costs nothing and an index serves."""


def _behind_views(statement: HotStatement, facts: list[TableFacts], now: Snapshot) -> Iterator[str]:
    """Where a statement names a view, the plan tells which tables it reads whole, and the conditions on them. The
    statement may name such a table as well."""
    known = {table.name for table in facts}
    plan = plan_of(statement, now) if set(statement.shape.tables) - known else None
    partitions = {name for names in _all_leaves(now) for name in names}
    seen = known - partitions
    scans = [node for node in plan.root.walk() if node.kind == "full_scan" and node.relation in seen] if plan else []
    for node in scans:
        if node.relation and node.filter:
            source = f"{quote_identifier(node.relation)} AS {quote_identifier(node.alias or node.relation)}"
            condition = _CAST_OF_TEXT.sub(r"\1", node.filter)
            yield f"SELECT * FROM {source} WHERE {condition}"
    if plan and any(node.filter is None for node in scans):
        yield from _as_one_join(plan)


def _as_one_join(plan: Plan) -> Iterator[str]:
    """What a plan joins, with all its conditions, as one statement: a table that is read whole for a join has no
    condition of its own."""
    nodes = list(plan.root.walk())
    tables = {node.alias or node.relation: node.relation for node in nodes if node.relation}
    joins = [node.join_condition for node in nodes if node.join_condition]
    scans = [
        of_relation(text, node.alias or node.relation)
        for node in nodes
        for text in (node.filter, node.index_condition)
        if text and node.relation
    ]
    conditions = [_CAST_OF_TEXT.sub(r"\1", text) for text in (*joins, *scans)]
    if len(tables) > 1 and conditions:
        sources = ", ".join(f"{quote_identifier(name)} AS {quote_identifier(alias)}" for alias, name in tables.items())
        yield f"SELECT * FROM {sources} WHERE {' AND '.join(conditions)}"


def _all_leaves(now: Snapshot) -> list[list[str]]:
    rows = now.get(PartitionedTable)
    return [] if isinstance(rows, Unavailable) else [row.names for row in rows]


def _returns_most(statement: HotStatement, table: TableFacts) -> bool:
    """A statement that returns a large part of its table is right to read all of it."""
    return (
        statement.rows_per_call is not None
        and statement.kind == "SELECT"
        and statement.rows_per_call >= MAX_RETURNED_SHARE * max(table.rows, 1.0)
    )


def _plan_verdict(statement: HotStatement, candidate: Candidate, now: Snapshot) -> bool | None:
    """True: the plan filters the table by the candidate's column without an index for it. False: it has one. None: no
    plan."""
    plan = plan_of(statement, now)
    if plan is None:
        return None
    wanted = {each.column for each in candidate.serves} or {part.text for part in candidate.key}
    names = (candidate.table, *leaves_of(now, candidate.schema, candidate.table))
    kinds = ("full_scan", "index_scan", "index_only_scan", "bitmap_scan")
    nodes = [node for name in names for node in scans_of(plan, name, *kinds)]
    if not nodes:
        return None
    for node in nodes:
        # a join by hash reads its table whole without a filter on it
        if node.kind == "full_scan":
            return True
        if node.filter is not None and any(column in node.filter for column in wanted):
            return True
    if candidate.gives_order and any(node.kind == "sort" for node in plan.root.walk()):
        return True
    leading = {index.name: index.columns[:1] for index in indexes_of(candidate, now)}
    used = [node.index for scan in nodes for node in scan.walk() if node.index]
    # an index whose condition is on a column behind the first is read from end to end
    return any(leading.get(name or "", ("",))[0] not in wanted for name in used)


PARALLEL_DIVISOR = 2.4
"""A parallel scan's estimate is that of one process: of two workers and a leader who also collects (the default)."""


def _rows_by_plan(statement: HotStatement, candidate: Candidate, now: Snapshot) -> float | None:
    """The rows that the planner expects the statement's conditions to keep of the table, where it knew the values and
    reads the table from end to end. None: it did not, or the table is restricted by a join, which keeps other rows for
    each row of the other table."""
    text = explained_text(statement, now)
    plan = plan_of(statement, now)
    if plan is None or text is None or "$" in text or any(each.kind == "join" for each in candidate.serves):
        return None
    scans = [node for node in scans_of(plan, candidate.table, "full_scan") if node.filter is not None]
    rows = [
        (node.estimated_rows or 0.0) * (PARALLEL_DIVISOR if node.operation.startswith("Parallel") else 1.0)
        for node in scans
    ]
    return max(rows, default=None)


def _is_cut_short(statement: HotStatement, now: Snapshot) -> bool:
    """Whether a LIMIT ends the reading: of what the conditions keep, only the first rows are wanted."""
    plan = plan_of(statement, now)
    return plan is not None and any(node.kind == "limit" for node in plan.root.walk())


def _keeps_most(kept: float | None, table: TableFacts) -> bool:
    """What keeps a large part of its table is right to read all of it."""
    return kept is not None and kept >= MAX_RETURNED_SHARE * max(table.rows, 1.0)


def _is_guess(statement: HotStatement, candidate: Candidate, kept: float | None) -> bool:
    """Whether nobody knows that the index would leave few rows: neither statistics nor the planner, and the statement
    condenses what it finds, so that its own rows do not tell."""
    return candidate.is_guess and kept is None and (statement.rows_per_call is None or statement.shape.aggregates)


def indexes_of(candidate: Candidate, now: Snapshot) -> list[IndexFacts]:
    names = (candidate.table, *leaves_of(now, candidate.schema, candidate.table))
    return [
        index
        for table in table_facts(now)
        if table.schema == candidate.schema and table.name in names
        for index in table.indexes
    ]


def built_already(candidate: Candidate, now: Snapshot) -> dict[str, str]:
    """The index of the very key that some partitions have, by the partition: where only others lack it."""
    leaves = leaves_of(now, candidate.schema, candidate.table)
    found: dict[str, str] = {}
    for table in table_facts(now) if leaves else ():
        if table.schema != candidate.schema or table.name not in leaves:
            continue
        for index in table.indexes:
            same = (index.columns, index.method) == (candidate.columns, candidate.method)
            if same and index.valid and not index.unique and index.predicate is None:
                found.setdefault(table.name, index.name)
    return found
