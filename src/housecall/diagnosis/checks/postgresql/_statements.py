"""The statements that cost most, from pg_stat_statements where it is there, else from the sessions seen running.

One `HotStatement` is one normalised statement of the application; statements that read the catalogue (our own, and
those of monitoring
agents) are left out by the reading.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache

from housecall.advisor.plan import Plan, PlanNode, parse_postgresql_plan
from housecall.advisor.shape import StatementShape, statement_shape
from housecall.diagnosis.checks.postgresql._measured import counterpart, is_over, table_name
from housecall.diagnosis.snapshot import Snapshot, StatementPlan
from housecall.engines.engine import Row, RowT, Unavailable
from housecall.engines.fingerprint import fingerprint, normalise
from housecall.engines.postgresql.counted_text import as_statement
from housecall.engines.postgresql.rows.indexes import BareForeignKey
from housecall.engines.postgresql.rows.statements import RunningStatement, StatementStatistics, TopStatement
from housecall.engines.postgresql.rows.statistics import StaleStatistics
from housecall.engines.postgresql.rows.tables import HotColumn, HotTable, PartitionedTable
from housecall.errors import RequestError

HIDDEN = "<insufficient privilege>"


@dataclass(frozen=True, slots=True)
class HotStatement:
    """A statement and what it costs. Without pg_stat_statements the counts are None and `share` is that of the
    moments at
    which it was seen running; `seconds` is then the longest it was seen to run."""

    query: str
    identity: str
    reading: type[Row]
    share: float
    seconds: float
    calls: int | None = None
    mean_seconds: float | None = None
    mean_in_window: float | None = None
    max_seconds: float | None = None
    rows_per_call: float | None = None
    blocks_per_call: float | None = None
    blocks: int = 0
    temp_bytes: int = 0
    jit_seconds: float = 0.0
    calls_in_window: int | None = None
    is_over: bool = False
    moments: int = 0
    example: str | None = None

    @property
    def text(self) -> str:
        """For people: one line, names and constants shortened by normalising, at most 160 characters."""
        line = normalise(self.query, "postgresql")
        return line if len(line) <= 160 else line[:157] + "..."

    @property
    def mean_lately(self) -> float | None:
        """The mean of the window where it is the higher one: a long good past hides what a statement takes today."""
        if self.mean_seconds is None:
            return None
        return max(self.mean_seconds, self.mean_in_window or 0.0)

    @property
    def kind(self) -> str:
        return self.query.lstrip("( \n\t").split(None, 1)[0].upper() if self.query.strip() else ""

    @property
    def shape(self) -> StatementShape:
        """From a run with its values where one was seen, since normalised text hides patterns and offsets."""
        return _shape(self.example or self.query)


def hidden_statements(now: Snapshot) -> bool:
    """Whether pg_stat_statements is there but hides the text of some statements from this role: it shows everybody
    their own only."""
    return _hidden_seconds(now) is not None


def _hidden_seconds(now: Snapshot) -> float | None:
    """The time of statements whose text is hidden; None when none is."""
    rows = now.get(TopStatement)
    hidden = () if isinstance(rows, Unavailable) else [row.total_seconds for row in rows if row.query == HIDDEN]
    return sum(hidden) if hidden else None


def _is_mostly_hidden(now: Snapshot) -> bool:
    """Whether what is hidden weighs more than what is shown: then the sessions seen running tell more."""
    rows = now.get(TopStatement)
    hidden = _hidden_seconds(now)
    if isinstance(rows, Unavailable) or hidden is None:
        return False
    return hidden >= sum(row.total_seconds for row in rows if row.query != HIDDEN)


def hot_statements(now: Snapshot, earlier: Snapshot | None) -> list[HotStatement]:
    """The costliest first. Raises nothing: empty when neither source could be read."""
    rows = now.get(TopStatement)
    if isinstance(rows, Unavailable) or _is_mostly_hidden(now):
        return running_statements(now)
    examples = _examples(now)
    age = counted_seconds(now)
    window = now.seconds_since(earlier) if earlier else 0.0
    found = [_counted(row, earlier, age, window, examples) for row in rows if row.query != HIDDEN and row.calls > 0]
    return sorted(found, key=lambda each: -each.seconds)


def counted_seconds(now: Snapshot) -> float:
    """How long pg_stat_statements has counted; 0 when it does not say."""
    rows = now.get(StatementStatistics)
    return 0.0 if isinstance(rows, Unavailable) or not rows else rows[0].reset_seconds_ago or 0.0


def _counted(
    row: TopStatement, earlier: Snapshot | None, age: float, window: float, examples: dict[str, str]
) -> HotStatement:
    before = counterpart(row, earlier, lambda each: each.statement_id)
    calls_in_window = row.calls - before.calls if before else None
    blocks = row.blocks_hit + row.blocks_read
    identity = fingerprint(row.query, "postgresql")
    return HotStatement(
        query=as_statement(row.query),
        identity=identity,
        reading=TopStatement,
        share=row.total_seconds / row.all_seconds if row.all_seconds > 0 else 0.0,
        seconds=row.total_seconds,
        calls=row.calls,
        mean_seconds=row.total_seconds / row.calls,
        mean_in_window=(row.total_seconds - before.total_seconds) / calls_in_window
        if before and calls_in_window
        else None,
        max_seconds=row.max_seconds,
        rows_per_call=row.rows / row.calls,
        blocks_per_call=blocks / row.calls,
        blocks=blocks,
        temp_bytes=row.temp_bytes,
        jit_seconds=row.jit_seconds,
        calls_in_window=calls_in_window,
        is_over=before is not None and is_over(row.calls, calls_in_window or 0, age, window),
        example=examples.get(identity),
    )


def running_statements(now: Snapshot) -> list[HotStatement]:
    """What was seen running, by how often it was seen over all samples."""
    seen: dict[str, list[RunningStatement]] = {}
    total = 0
    for sample in now.samples:
        for row in sample.rows(RunningStatement):
            working = row.sessions - row.waiting_for_locks
            if working > 0 and not _reads_catalogue(row.query):
                total += working
                seen.setdefault(fingerprint(row.query, "postgresql"), []).append(row)
    found = [
        HotStatement(
            query=as_statement(rows[-1].query),
            identity=identity,
            reading=RunningStatement,
            share=sum(row.sessions - row.waiting_for_locks for row in rows) / total,
            seconds=max(row.longest_seconds for row in rows),
            moments=len(rows),
        )
        for identity, rows in seen.items()
    ]
    return sorted(found, key=lambda each: -each.share)


_CATALOGUE = re.compile(
    r"\b(pg_catalog\.|pg_stat_|pg_statio_|pg_class\b|pg_locks\b|pg_settings\b|information_schema\.)", re.I
)


def _reads_catalogue(query: str) -> bool:
    return _CATALOGUE.search(query) is not None


def _examples(now: Snapshot) -> dict[str, str]:
    """Texts with values, by the fingerprint they share with the normalised text."""
    rows = [row for sample in now.samples for row in sample.rows(RunningStatement)]
    return {fingerprint(row.query, "postgresql"): row.query for row in rows}


def _rows_or_none(now: Snapshot, row_type: type[RowT]) -> tuple[RowT, ...]:
    rows = now.get(row_type)
    return () if isinstance(rows, Unavailable) else rows


def known_tables(now: Snapshot) -> dict[str, str]:
    """Qualified names by bare names, of every table that some reading names; the most read table wins a clash."""
    found: dict[str, str] = {}
    for hot in _rows_or_none(now, HotTable):
        found.setdefault(hot.table_name, table_name(hot.schema_name, hot.table_name))
    for whole in _rows_or_none(now, PartitionedTable):
        found.setdefault(whole.table_name, table_name(whole.schema_name, whole.table_name))
    for stale in _rows_or_none(now, StaleStatistics):
        found.setdefault(stale.table_name, table_name(stale.schema_name, stale.table_name))
    for key in _rows_or_none(now, BareForeignKey):
        found.setdefault(key.table_name, table_name(key.schema_name, key.table_name))
        found.setdefault(key.parent_table, table_name(key.parent_schema, key.parent_table))
    return found


_NAME = r'(?:[\w$]+|"(?:[^"]|"")+")'
_NAMED = re.compile(rf"\b(?:from|join|update|into)\s+(?:only\s+)?(?:{_NAME}\s*\.\s*)?({_NAME})", re.IGNORECASE)


def tables_of(statement: HotStatement, now: Snapshot) -> list[str]:
    """The statement's tables, qualified where a reading knows them."""
    return _qualified(statement.shape, statement.query, now)


def tables_in(text: str | None, now: Snapshot) -> list[str]:
    """The tables that a running statement names, as `tables_of`."""
    return _qualified(_shape(text), text, now) if text else []


def _qualified(shape: StatementShape, text: str, now: Snapshot) -> list[str]:
    """A text that was cut cannot be parsed: then the words behind FROM, JOIN, UPDATE and INTO tell, where a reading
    knows them."""
    known = known_tables(now)
    if shape.understood:
        return [known.get(name, name) for name in shape.tables]
    names = [each.group(1) for each in _NAMED.finditer(text)]
    bare = [each[1:-1].replace('""', '"') if each.startswith('"') else each.lower() for each in names]
    return list(dict.fromkeys(known[name] for name in bare if name in known))


def column_types(now: Snapshot) -> dict[str, dict[str, str]]:
    rows = now.get(HotColumn)
    types: dict[str, dict[str, str]] = {}
    for row in () if isinstance(rows, Unavailable) else rows:
        types.setdefault(row.table_name, {})[row.column_name] = row.type_name
    return types


@lru_cache(maxsize=256)
def _shape(text: str) -> StatementShape:
    """Ten checks ask for the shape of the same few statements."""
    return statement_shape(text, "postgresql")


@lru_cache(maxsize=64)
def _parsed(plan_text: str) -> Plan | None:
    try:
        return parse_postgresql_plan(json.loads(plan_text))
    except RequestError:
        return None


def plan_of(statement: HotStatement, now: Snapshot) -> Plan | None:
    """The plan that the server would choose now, or None when the snapshot holds none."""
    found = _explained(statement, now)
    return None if found is None else _parsed(json.dumps(found.plan))


def explained_text(statement: HotStatement, now: Snapshot) -> str | None:
    """The text whose plan `plan_of` gives: with values, or with the parameters of a plan for any value."""
    found = _explained(statement, now)
    return found.statement if found else None


def _explained(statement: HotStatement, now: Snapshot) -> StatementPlan | None:
    """The statement's plan, or that of the same statement with other values, of which a snapshot explains only one."""
    found = [each for each in now.plans if each.plan]
    own = (each for each in found if each.statement == statement.query)
    alike = (each for each in found if fingerprint(each.statement, "postgresql") == statement.identity)
    return next(own, None) or next(alike, None)


def scans_of(plan: Plan, table: str, *kinds: str) -> list[PlanNode]:
    """The plan's scans of a table by its bare name."""
    return [node for node in plan.root.walk() if node.relation == table and node.kind in kinds]


FEW_CALLS, LONG_SECONDS = 3, 1.0
"""Fewer runs are those of a person or of a job, unless they took so long together that somebody waited for them."""


def is_rare(statement: HotStatement) -> bool:
    """Whether it ran so seldom that its share only tells how little else there was to do."""
    return statement.calls is not None and statement.calls < FEW_CALLS and statement.seconds < LONG_SECONDS


def is_hot(statement: HotStatement, min_share: float, min_mean_seconds: float) -> bool:
    """Whether a statement takes a noticeable share, and each run long enough that its way of reading matters."""
    if statement.share < min_share or is_rare(statement):
        return False
    return statement.mean_lately is None or statement.mean_lately >= min_mean_seconds
