"""Index candidates for the hot statements of a snapshot, with what plans and counters say of them.

The statement's tree names the columns, the server's plan says whether its table is read whole, and the counters of the
digest how many rows that costs. Where one is missing the others carry the proposal, and it says how far it is
supported.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import takewhile

from sqlglot import exp

from housecall.advisor.index import Benefit, Candidate, IndexFacts, candidates
from housecall.advisor.index.candidates import KeyColumn
from housecall.advisor.statement import Predicate, Scope, parse_statement, scopes
from housecall.diagnosis.checks.mysql._measured import counter
from housecall.diagnosis.checks.mysql._statements import HotStatement, accesses_of, hot_statements, is_hot, plan_of
from housecall.diagnosis.checks.mysql._tables import Table, few_values, is_short_text, known_tables
from housecall.diagnosis.snapshot import ReadingUnavailable, Snapshot
from housecall.engines.mysql.rows.indexes import LargeTableIndex

MIN_SHARE = 0.02
"""Of the time of all statements: less is not worth another index."""
MIN_MEAN_SECONDS = 0.0005
"""A statement that takes less does not read a table from end to end."""
MIN_EXAMINED = 1_000
"""Rows looked at for a call: a table of a few pages is read faster whole than through an index."""
MIN_EXAMINED_FOR_ONE = 20
"""A statement that returns a twentieth of what it looks at is served about as well by reading it all."""
MIN_ROWS = 1_000
WHOLE = ("ALL", "index")
_AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max)


@dataclass(slots=True)
class Proposal:
    """A candidate and the statements that want it."""

    candidate: Candidate
    table: Table
    statements: list[HotStatement] = field(default_factory=list)
    seen_in_plan: bool = False
    is_counted: bool = False
    is_join: bool = False

    @property
    def share(self) -> float:
        return min(sum(each.share for each in self.statements), 1.0)

    @property
    def keys(self) -> list[str]:
        """The key's columns as the catalogue spells them, or the text of an expression."""
        return [part.text if part.expression else self.table.spelt(part.text) for part in self.candidate.key]

    @property
    def has_expression(self) -> bool:
        return any(part.expression for part in self.candidate.key)

    @property
    def hottest(self) -> HotStatement:
        return max(self.statements, key=lambda each: each.share)

    @property
    def narrows(self) -> bool:
        """Whether the key is likely to leave few rows: counted where rows are returned as they are found, else judged
        by the columns."""
        columns = [self.table.columns.get(part.text.lower()) for part in self.candidate.key if not part.expression]
        unsure = not columns or all(column is None or few_values(column) or is_short_text(column) for column in columns)
        return not unsure or any(not aggregates(each.sql) and each.returned is not None for each in self.statements)

    @property
    def hidden(self) -> str | None:
        """An index that is there and would serve, but that the optimizer may not use: it begins with the wanted
        columns, in whatever order, the most wanted one among them."""
        wanted = [key.lower() for key in self.keys]
        for index in self.table.hidden:
            columns = [column.lower() for column in index.columns if column]
            serving = list(takewhile(lambda column: column in wanted, columns))
            if wanted and wanted[0] in serving and index.index_type == "BTREE":
                return index.index_name
        return None

    @property
    def too_short(self) -> LargeTableIndex | None:
        """An index that begins with the wanted column and holds too few of its characters."""
        first = self.keys[0].lower() if self.keys else ""
        return next((each for each in self.table.too_short if each.columns[0].lower() == first), None)

    @property
    def misordered(self) -> IndexFacts | None:
        """An index that has the wanted columns, but not in front: those compared for equality, where there are any."""
        plain = [each for each in self.candidate.serves if each.expression is None]
        equal = {each.column.lower() for each in plain if each.kind != "range"} or {
            each.column.lower() for each in plain
        }
        for index in self.table.facts.indexes:
            behind = set(index.columns[1:])
            if index.method == "btree" and equal and equal <= behind and index.columns[0] not in equal:
                return index
        return None


def proposals(now: Snapshot, earlier: Snapshot | None) -> list[Proposal]:
    """Candidates of all hot statements that the plans do not contradict, the most wanted first."""
    tables = known_tables(now)
    found: dict[tuple[str, str, tuple[str, ...]], Proposal] = {}
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, MIN_SHARE, MIN_MEAN_SECONDS) or not reads_too_much(statement):
            continue
        for candidate, table, is_join in _wanted(statement, now, tables):
            verdict = _plan_verdict(statement, candidate, table, now)
            if verdict is False:
                continue
            key = (candidate.schema, candidate.table, candidate.columns)
            proposal = found.setdefault(key, Proposal(candidate, table, is_join=is_join))
            proposal.statements.append(statement)
            proposal.seen_in_plan = proposal.seen_in_plan or verdict is True
            proposal.is_counted = proposal.is_counted or _counts_speak(statement, table, now, earlier)
    return sorted(found.values(), key=lambda each: -each.share)


def reads_too_much(statement: HotStatement) -> bool:
    """Whether the counters say that many rows were looked at in vain; without counters nothing is ruled out."""
    if statement.examined is None:
        return statement.kind in ("SELECT", "UPDATE", "DELETE", "WITH")
    if statement.calls and statement.full_joins >= statement.calls / 2:
        return True
    return statement.examined >= MIN_EXAMINED and (statement.examined_for_one or 0.0) >= MIN_EXAMINED_FOR_ONE


@lru_cache(maxsize=256)
def aggregates(sql: str) -> bool:
    """Whether the rows returned say nothing of rows found: a summary of them, or the first of them in an order."""
    tree = parse_statement(sql, "mysql")
    cuts_sorted = (
        isinstance(tree, exp.Select) and tree.args.get("limit") is not None and tree.args.get("order") is not None
    )
    return cuts_sorted or summarises(sql)


@lru_cache(maxsize=256)
def summarises(sql: str) -> bool:
    """Whether the statement returns a summary of what it finds: counts, sums, groups."""
    tree = parse_statement(sql, "mysql")
    if not isinstance(tree, exp.Query):
        return False
    if not isinstance(tree, exp.Select):
        return True
    return tree.args.get("group") is not None or any(each.find(*_AGGREGATES) for each in tree.expressions)


@lru_cache(maxsize=256)
def in_lower_case(sql: str) -> str:
    """The statement with the names of its columns in lower case, as tables are described here."""
    tree = parse_statement(sql, "mysql")
    if tree is None:
        return sql
    copied = tree.copy()
    for column in copied.find_all(exp.Column):
        if isinstance(column.this, exp.Identifier):
            column.this.set("this", str(column.this.this).lower())
    return copied.sql(dialect="mysql")


def _wanted(
    statement: HotStatement, now: Snapshot, tables: dict[tuple[str, str], Table]
) -> Iterator[tuple[Candidate, Table, bool]]:
    """At most one candidate a table, those for joins through a buffer first."""
    sql = in_lower_case(statement.sql)
    known = _tables_in_reach(statement, sql, tables)
    taken: set[tuple[str, str]] = set()
    joins = list(_join_candidates(statement, sql, now, known))
    found = candidates(sql, "mysql", [table.facts for table in known])
    plain = [(each, False) for each in found if not joins or plan_of(statement, now) is not None]
    for candidate, is_join in [*((each, True) for each in joins), *plain]:
        place = (candidate.schema, candidate.table)
        if place not in taken:
            taken.add(place)
            yield _as_counted(candidate, statement, tables[place]), tables[place], is_join
    for candidate in _alternatives_without_index(sql, known):
        place = (candidate.schema, candidate.table)
        if place not in taken:
            yield _as_counted(candidate, statement, tables[place]), tables[place], False


def _as_counted(candidate: Candidate, statement: HotStatement, table: Table) -> Candidate:
    """With the rows that were counted in place of estimates, where the statement reads one table."""
    if statement.examined is None or len(statement.shape.tables) != 1 or aggregates(statement.sql):
        return candidate
    counted = Benefit(min(statement.examined, table.rows or statement.examined), statement.returned or 0.0)
    return replace(candidate, benefit=counted)


def _tables_in_reach(statement: HotStatement, sql: str, tables: dict[tuple[str, str], Table]) -> list[Table]:
    """Tables of the statement's own database, and of those that it names."""
    tree = parse_statement(sql, "mysql")
    named = {table.db for table in tree.find_all(exp.Table) if table.db} if tree is not None else set()
    homes = {statement.schema, *named} if statement.schema else set(named)
    own = [table for table in tables.values() if table.schema in homes or not homes]
    return sorted(own, key=lambda each: each.schema != statement.schema)


def _join_candidates(statement: HotStatement, sql: str, now: Snapshot, known: list[Table]) -> Iterator[Candidate]:
    """Columns of tables that are joined without an index: those that the plan reads through a join buffer, and without
    a plan those whose statements count full joins."""
    plan = plan_of(statement, now)
    counts = bool(statement.calls and statement.full_joins >= statement.calls / 2)
    if plan is None and not counts and statement.examined is not None:
        return
    buffered = None
    if plan is not None:
        buffered = {node.alias.lower() for node in plan.root.walk() if node.buffered and node.alias}
        buffered |= {
            node.alias.lower()
            for node in plan.root.walk()
            if node.role == "inner" and node.access in WHOLE and node.alias
        }
    found = sorted(_unindexed_joins(sql, known, buffered), key=lambda each: -each.benefit.rows_without)
    yield from found if plan is not None else found[:1]


def _unindexed_joins(sql: str, known: list[Table], aliases: set[str] | None) -> Iterator[Candidate]:
    tree = parse_statement(sql, "mysql")
    for scope in scopes(tree, "mysql") if tree is not None else ():
        places = {relation.alias: relation for relation in scope.relations}
        for predicate in scope.predicates:
            relation = places.get(predicate.alias)
            is_wanted = aliases is None or predicate.alias.lower() in aliases
            if relation is None or predicate.kind != "join" or predicate.expression is not None or not is_wanted:
                continue
            table = next((t for t in known if t.name == relation.name and relation.schema in ("", t.schema)), None)
            if table is None or table.rows < MIN_ROWS or predicate.column not in table.columns:
                continue
            if not table.leads(predicate.column):
                key = (KeyColumn(predicate.column),)
                yield Candidate(
                    table.schema, table.name, key, Benefit(table.rows, 1.0), (predicate,), gives_order=False
                )


def _alternatives_without_index(sql: str, known: list[Table]) -> Iterator[Candidate]:
    """Columns of OR branches that no index begins with: one such branch makes the server read the table whole, however
    well the others are served. Nothing where a condition beside the OR finds its rows by an index already."""
    tree = parse_statement(sql, "mysql")
    for scope in scopes(tree, "mysql") if tree is not None else ():
        served = {each.alias for each in scope.predicates if _is_served(each, _known(each, scope, known))}
        for branches in scope.alternatives:
            aliases = {each.alias for branch in branches for each in branch}
            if not all(branches) or len(aliases) != 1 or aliases & served:
                continue
            table = _known(branches[0][0], scope, known)
            if table is not None and table.rows >= MIN_ROWS:
                yield from _one_each(branches, table)


def _one_each(branches: Sequence[Sequence[Predicate]], table: Table) -> Iterator[Candidate]:
    """An index for each branch that has none; none at all where a branch cannot have one."""
    lacking = [branch for branch in branches if not any(_is_served(each, table) for each in branch)]
    wanted = [next((each for each in branch if _is_plain(each, table)), None) for branch in lacking]
    if all(wanted):
        for predicate in filter(None, wanted):
            key = (KeyColumn(predicate.column),)
            yield Candidate(table.schema, table.name, key, Benefit(table.rows, 1.0), (predicate,), gives_order=False)


def _known(predicate: Predicate, scope: Scope, known: list[Table]) -> Table | None:
    relation = next((each for each in scope.relations if each.alias == predicate.alias), None)
    if relation is None:
        return None
    return next((t for t in known if t.name == relation.name and relation.schema in ("", t.schema)), None)


def _is_served(predicate: Predicate, table: Table | None) -> bool:
    return table is not None and predicate.expression is None and table.leads(predicate.column)


def _is_plain(predicate: Predicate, table: Table) -> bool:
    is_text = re.search("text|blob|json", getattr(table.columns.get(predicate.column), "column_type", "text"))
    return predicate.kind in ("equality", "prefix") and predicate.expression is None and not is_text


def _plan_verdict(statement: HotStatement, candidate: Candidate, table: Table, now: Snapshot) -> bool | None:
    """True: the plan reads the table without an index for the candidate's columns. False: it has one. None: no plan."""
    plan = plan_of(statement, now)
    if plan is None:
        return None
    equal = {each.column.lower() for each in candidate.serves if each.kind != "range" and each.expression is None}
    wanted = equal or {part.text.lower() for part in candidate.key}
    nodes = accesses_of(plan, candidate.table)
    if not nodes:
        return None
    if any(node.access in WHOLE for node in nodes):
        return True
    if candidate.gives_order and any(node.kind == "sort" for node in plan.root.walk()):
        return True
    leading = {index.index_name: index.columns[0].lower() for index in table.indexes if index.columns}
    for node in nodes:
        many = (node.estimated_rows_read or 0.0) >= MIN_EXAMINED
        if many and leading.get(node.index or "", "") not in wanted:
            return True
    return False


def _counts_speak(statement: HotStatement, table: Table, now: Snapshot, earlier: Snapshot | None) -> bool:
    """Whether counters say that the table is read from end to end: those of the digest, or without digests the rows
    that the whole server reads in sequence while we look."""
    if statement.calls and statement.full_joins >= statement.calls / 2:
        return True
    if statement.examined is not None:
        return statement.examined >= table.rows / 2
    try:
        read = counter(now, "Handler_read_rnd_next")
        before = counter(earlier, "Handler_read_rnd_next") if earlier else None
    except ReadingUnavailable:
        return False
    return read is not None and before is not None and read - before >= max(table.rows, MIN_EXAMINED)
