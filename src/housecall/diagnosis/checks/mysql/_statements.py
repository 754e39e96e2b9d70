"""The statements that cost most: from the digests of performance_schema, else from the sessions seen running.

One `HotStatement` is one digest of the application; statements that read the catalogue (our own, and those of agents)
are left out. Digests hide values; a sample that the server kept, or a session that was seen running, shows them.
What a digest counts is since the server started. A statement that used to find its rows by an index and reads whole
tables in the window is told by the window alone: its average of weeks hides what it costs today. One that does so and
does not even end is told by the sessions that run it, since a digest counts a call when it ends.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from housecall.advisor.plan import Plan, PlanNode
from housecall.advisor.plan_mysql import parse_mysql_plan
from housecall.advisor.shape import StatementShape, statement_shape
from housecall.diagnosis.check import Limits, Threshold
from housecall.diagnosis.checks._regression import THRESHOLDS, Change, Cost, changes
from housecall.diagnosis.checks.mysql._inner_statements import as_from_outside, scanned_tables, sightings
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.checks.mysql._statement_text import tables_of as text_tables
from housecall.diagnosis.checks.mysql._tables import Table, known_tables, rows_or_none
from housecall.diagnosis.finding import NotEvaluated
from housecall.diagnosis.snapshot import Snapshot, StatementPlan
from housecall.diagnosis.unavailable import not_evaluated
from housecall.engines.engine import Row, Unavailable
from housecall.engines.fingerprint import fingerprint, normalise
from housecall.engines.mysql.explainable import plain_digest, schema_and_statement, with_values
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.engines.mysql.rows.sessions import Session
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.errors import RequestError

PROOF_OF_QUIET = 5.0
"""Calls that a window should have seen at the average rate, before none of them proves that the statement is over."""
QUIET_SECONDS = 60.0
"""What ran within the last minute is not over, however quiet the window was."""
WORSE = (
    *THRESHOLDS,
    Threshold("min_read_now", 1_000, "rows a call: a table of a few pages is read whole in a moment"),
    Threshold("min_seconds_running", 2.0, "of a call that has not ended: the server counts whole seconds"),
    Threshold("min_times_running", 10, "the mean of before, by a call that has not ended: no value is that unlike"),
    Threshold("min_calls_scanning", 2, "in the window: a new way of reading is no chance, and slow calls end seldom"),
    Threshold(
        "min_more_scans", 0.5, "a call: scans, joins by no index or runs without one; every other call has a new one"
    ),
)
"""What makes a statement one that got worse, for the check and for how statements are told."""
_WORSE = Limits(WORSE)
MIN_EXAMINED_BY_READER = 1_000
"""Rows a call: a statement that looks at fewer does not read a large table from end to end."""
_FILLED = re.compile(r"^\s*(?:INSERT|REPLACE)\b.*?(?=\bSELECT\b|$)", re.IGNORECASE | re.DOTALL)
_CATALOGUE = ("information_schema", "performance_schema", "mysql", "sys")


DigestKey = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class HotStatement:
    """A statement and what it costs. Without digests the counts are None, `share` is that of the looks at which it was
    seen running, and `seconds` the longest it was seen to run. `example` is a text with values, where there is one;
    `cut_example` is one whose end is missing. `of_window`: the figures are those of the window alone. `sessions` is how
    many were seen to run it. `is_inner`: inside a trigger, a routine or an event, and counted for the caller."""

    query: str
    identity: str
    schema: str | None
    reading: type[Row]
    share: float
    seconds: float
    calls: int | None = None
    mean_seconds: float | None = None
    examined: float | None = None
    returned: float | None = None
    no_index_calls: int = 0
    full_joins: int = 0
    scans: int = 0
    errors: int = 0
    sort_merge_passes: int = 0
    sort_rows: int = 0
    tmp_tables: int = 0
    tmp_disk_tables: int = 0
    calls_in_window: int | None = None
    is_over: bool = False
    moments: int = 0
    sessions: int = 0
    example: str | None = None
    cut_example: str | None = None
    of_window: bool = False
    is_inner: bool = False

    @property
    def text(self) -> str:
        """For people: one line, at most 160 characters."""
        line = normalise(plain_digest(self.query), "mysql")
        return line if len(line) <= 160 else line[:157] + "..."

    @property
    def kind(self) -> str:
        words = self.query.lstrip("( \n\t").split(None, 1)
        return words[0].upper() if words else ""

    @property
    def sql(self) -> str:
        """What parsers read: with values where they are known, else with placeholders."""
        return self.example or plain_digest(self.query)

    @property
    def shape(self) -> StatementShape:
        return _shape(self.sql)

    @property
    def examined_for_one(self) -> float | None:
        """Rows looked at for each that was returned or changed; None: not counted."""
        return None if self.examined is None else self.examined / max(1.0, self.returned or 0.0)


def hot_statements(now: Snapshot, earlier: Snapshot | None = None) -> list[HotStatement]:
    """The costliest first. Empty when neither source shows any."""
    rows = now.get(TopStatement)
    if isinstance(rows, Unavailable):
        return running_statements(now)
    examples = _examples(now)
    scanning = {key: each.row for key, each in worse_statements(now, earlier).items() if each.scans_more}
    overdue = overdue_statements(now)
    found = [
        overdue.get(digest_key(row)) or _counted(row, scanning.get(digest_key(row)), now, earlier, examples)
        for row in rows
        if row.calls > 0 and row.query
    ]
    found += _inner_statements(now, earlier, rows)
    return sorted(found, key=lambda each: -each.share)


def _inner_statements(now: Snapshot, earlier: Snapshot | None, rows: Sequence[TopStatement]) -> list[HotStatement]:
    """Statements inside triggers and routines that read a large table whole, which no counted statement reads. On a
    server whose table of digests is full they may just as well be statements that it has no room to count."""
    tables = known_tables(now)
    read = {name for row in rows for name in _read_by(row)}
    scanned = scanned_tables(now, earlier, tables) - read
    seen: dict[str, list[tuple[int, Session]]] = {}
    for look, session in sightings(now, scanned) if scanned else ():
        seen.setdefault(fingerprint(session.statement or "", "mysql"), []).append((look, session))
    total = sum(len(each) for each in seen.values())
    return [
        HotStatement(
            query=last.statement or "", identity=identity, schema=last.database_name, reading=Session,
            share=len(each) / total, seconds=max(row.seconds or 0.0 for _, row in each),
            moments=len({look for look, _ in each}), sessions=len({row.id for _, row in each}),
            example=as_from_outside(last.statement or "", list(tables.values())),
            is_inner=not _loses_digests(now),
        )
        for identity, each in seen.items()
        if (last := each[-1][1])
    ]  # fmt: skip


def _loses_digests(now: Snapshot) -> bool:
    """Whether performance_schema_digests_size was too small for all that ran here."""
    lost = (row.value for row in rows_or_none(now, StatusCounter) if row.name == "Performance_schema_digest_lost")
    return any(value > 0 for value in lost)


def _read_by(row: TopStatement) -> tuple[str, ...]:
    """The tables that a counted statement looks for rows in, where it looks at many; what it fills is not read."""
    if row.rows_examined < MIN_EXAMINED_BY_READER * row.calls or not row.query:
        return ()
    query = _FILLED.sub("", plain_digest(row.query))
    return text_tables(query, row.schema_name)


def why_not_counted(now: Snapshot, check: str) -> NotEvaluated | None:
    """What is missing to know the counts of statements; None when they are known."""
    rows = now.get(TopStatement)
    return not_evaluated(check, rows, now) if isinstance(rows, Unavailable) else None


def _counted(
    all_time: TopStatement, window: TopStatement | None, now: Snapshot, earlier: Snapshot | None,
    examples: dict[str, str],
) -> HotStatement:  # fmt: skip
    """The statement by its counters of all time, or by those of the window where it is to be told by them."""
    row = window or all_time
    identity = fingerprint(plain_digest(row.query), "mysql")
    whole = row.sample is not None and not row.sample.endswith("...")
    in_window = _calls_in_window(all_time, earlier)
    return HotStatement(
        query=row.query, identity=identity, schema=row.schema_name, reading=TopStatement,
        share=row.total_seconds / row.all_seconds if row.all_seconds > 0 else 0.0,
        seconds=row.total_seconds, calls=row.calls, mean_seconds=row.total_seconds / row.calls,
        examined=row.rows_examined / row.calls, returned=(row.rows_sent + row.rows_affected) / row.calls,
        no_index_calls=row.no_index_used, full_joins=row.full_joins, scans=row.scans, errors=row.errors,
        sort_merge_passes=row.sort_merge_passes, sort_rows=row.sort_rows, tmp_tables=row.tmp_tables,
        tmp_disk_tables=row.tmp_disk_tables, calls_in_window=in_window,
        is_over=_is_over(all_time, in_window, now.seconds_since(earlier) if earlier else 0.0),
        example=row.sample if whole else examples.get(identity), cut_example=None if whole else row.sample,
        of_window=window is not None,
    )  # fmt: skip


def _calls_in_window(row: TopStatement, earlier: Snapshot | None) -> int | None:
    before = earlier.get(TopStatement) if earlier else ()
    if isinstance(before, Unavailable):
        return None
    found = next((each for each in before if digest_key(each) == digest_key(row)), None)
    return None if found is None else max(0, row.calls - found.calls)


def _is_over(row: TopStatement, in_window: int | None, window: float) -> bool:
    """Whether it is of the past: none in the window, though the average promised several."""
    age = row.first_seen_seconds or 0.0
    if in_window is None or in_window > 0 or age <= 0 or window <= 0:
        return False
    if (row.last_seen_seconds or 0.0) < QUIET_SECONDS:
        return False
    return row.calls / age * window >= PROOF_OF_QUIET


@dataclass(frozen=True, slots=True)
class Worse:
    """A statement that got worse: its counters of the window alone, what a call costs in it against before, whether its
    calls look at far more rows, and whether they read whole tables, or join by no index, where those of before did not.
    MariaDB does not count the rows that it joins through a buffer, so that the second may stand alone."""

    row: TopStatement
    change: Change
    reads_more: bool
    scans_more: bool


def worse_statements(now: Snapshot, earlier: Snapshot | None, limits: Limits = _WORSE) -> dict[DigestKey, Worse]:
    """Statements whose calls take far longer than they did for no more rows returned, and look for them otherwise."""
    rows, before = now.get(TopStatement), earlier.get(TopStatement) if earlier else ()
    if isinstance(rows, Unavailable) or isinstance(before, Unavailable) or not rows or not before:
        return {}
    then = {digest_key(row): row for row in before}
    window = {digest_key(row): _since(row, then[digest_key(row)]) for row in rows if digest_key(row) in then}
    spent = rows[0].all_seconds - before[0].all_seconds
    changed = changes({digest_key(row): _cost(row) for row in rows}, {k: _cost(row) for k, row in then.items()}, spent)
    judged = {key: _judged(window[key], then[key], change, limits) for key, change in changed.items()}
    return {key: each for key, each in judged.items() if each is not None}


def _judged(row: TopStatement, before: TopStatement, change: Change, limits: Limits) -> Worse | None:
    scans_more = _scans(row) - _scans(before) >= limits["min_more_scans"]
    reads_more = change.reads_more(limits) and change.read >= limits["min_read_now"]
    least_calls = limits["min_calls_scanning" if scans_more else "min_calls_now"]
    if not (scans_more or reads_more) or not change.is_slower(limits, least_calls):
        return None
    return Worse(row, change, reads_more, scans_more)


def overdue_statements(now: Snapshot, limits: Limits = _WORSE) -> dict[DigestKey, HotStatement]:
    """Statements seen running for far longer than they took by an index, of which the plan of now reads a table whole:
    as the sessions show them, since their digests count a call when it ends."""
    rows = now.get(TopStatement)
    long = {each.identity: each for each in running_statements(now) if each.seconds >= limits["min_seconds_running"]}
    found: dict[DigestKey, HotStatement] = {}
    for row in rows if long and not isinstance(rows, Unavailable) else ():
        running = long.get(fingerprint(plain_digest(row.query), "mysql"))
        if running and running.schema == row.schema_name and _is_overdue(running, row, now, limits):
            found[digest_key(row)] = running
    return found


def _is_overdue(running: HotStatement, row: TopStatement, now: Snapshot, limits: Limits) -> bool:
    plan = plan_of(running, now)
    if plan is None or row.calls < limits["min_calls_before"] or _scans(row) >= limits["min_more_scans"]:
        return False
    is_long = running.seconds >= limits["min_times_running"] * row.total_seconds / row.calls
    return is_long and any(
        node.access in ("ALL", "index") and (node.estimated_rows_read or 0.0) >= limits["min_read_now"]
        for node in plan.root.walk()
    )


def digest_key(row: TopStatement) -> DigestKey:
    """A digest is counted for each database by itself."""
    return row.digest, row.schema_name


def _cost(row: TopStatement) -> Cost:
    return Cost(row.calls, row.total_seconds, row.rows_examined, row.rows_sent + row.rows_affected)


def _scans(row: TopStatement) -> float:
    """Of a call: table scans, joins by no index of the join, or runs without one, whichever there are most of."""
    return max(row.scans, row.full_joins, row.full_range_joins, row.no_index_used) / max(row.calls, 1)


_SUMS = (
    "calls", "total_seconds", "lock_seconds", "errors", "warnings", "rows_affected", "rows_sent", "rows_examined",
    "tmp_disk_tables", "tmp_tables", "full_joins", "full_range_joins", "scans", "sort_merge_passes", "sort_rows",
    "no_index_used", "no_good_index_used", "all_seconds",
)  # fmt: skip


def _since(row: TopStatement, before: TopStatement) -> TopStatement:
    """The counters of the time between the two."""
    return replace(row, **{name: getattr(row, name) - getattr(before, name) for name in _SUMS})


def running_statements(now: Snapshot) -> list[HotStatement]:
    """What was seen running, by how often it was seen over all looks (those of before the window are among them); who
    waits for a lock does not work."""
    seen: dict[str, list[Session]] = {}
    moments: Counter[str] = Counter()
    for sample in now.samples:
        working = [row for row in sample.rows(Session) if _works(row)]
        for row in working:
            seen.setdefault(fingerprint(row.statement or "", "mysql"), []).append(row)
        moments.update({fingerprint(row.statement or "", "mysql") for row in working})
    total = sum(len(rows) for rows in seen.values())
    found = [
        HotStatement(
            query=rows[-1].statement or "", identity=identity, schema=rows[-1].database_name, reading=Session,
            share=len(rows) / total, seconds=max(row.seconds or 0.0 for row in rows), moments=moments[identity],
            sessions=len({row.id for row in rows}), example=rows[-1].statement,
        )
        for identity, rows in seen.items()
    ]  # fmt: skip
    return sorted(found, key=lambda each: -each.share)


def _works(row: Session) -> bool:
    waits = row.lock_wait_seconds is not None or (row.state or "").lower().startswith("waiting for")
    if row.command not in ("Query", "Execute") or not row.statement or waits:
        return False
    return (row.database_name or "") not in _CATALOGUE and not _reads_catalogue(row.statement)


def _reads_catalogue(statement: str) -> bool:
    lowered = statement.lower()
    return "information_schema." in lowered or "performance_schema." in lowered or "show " in lowered[:8]


def _examples(now: Snapshot) -> dict[str, str]:
    """Texts with values, by the fingerprint that they share with the digest."""
    rows = [row for sample in now.samples for row in sample.rows(Session) if row.statement and _works(row)]
    return {fingerprint(row.statement or "", "mysql"): row.statement or "" for row in rows}


@lru_cache(maxsize=256)
def _shape(text: str) -> StatementShape:
    """Ten checks ask for the shape of the same few statements."""
    return statement_shape(text, "mysql")


# --- tables of a statement ---


def table_of(now: Snapshot, statement: HotStatement, name: str) -> Table | None:
    """The table that the statement calls by this bare name: in its own schema, else the only one of the name."""
    return _table_named(known_tables(now), statement.schema, name)


def _table_named(tables: dict[tuple[str, str], Table], schema: str | None, name: str) -> Table | None:
    if schema and (schema, name) in tables:
        return tables[schema, name]
    same = [table for (home, called), table in tables.items() if called == name and (not schema or home != schema)]
    return same[0] if len(same) == 1 and not schema else None


def tables_of(statement: HotStatement, now: Snapshot) -> list[str]:
    """The statement's tables, qualified where its schema is known."""
    names = _tables_with_schema(statement.sql)
    home = statement.schema or now.facts.database
    return [table_name(schema or home, name) if schema or home else name for schema, name in names]


@lru_cache(maxsize=256)
def _tables_with_schema(sql: str) -> tuple[tuple[str, str], ...]:
    from housecall.advisor.plan_mysql import tables_by_alias

    return tuple(dict.fromkeys(tables_by_alias(sql).values()))


# --- plans ---


def plan_of(statement: HotStatement, now: Snapshot) -> Plan | None:
    """The plan that the server would choose now, or None when the snapshot holds none; one made with values that the
    statement was seen with before one with values of ours, which may be rare where the real ones are not."""
    for each in sorted(now.plans, key=_hides_values):
        if each.plan is not None:
            text = schema_and_statement(each.statement)[1]
            if fingerprint(plain_digest(text), "mysql") == statement.identity:
                plan = _parsed(json.dumps(each.plan), with_values(text))
                return None if plan is None or _reads_nothing(plan, statement) else plan
    return None


def _hides_values(plan: StatementPlan) -> bool:
    text = schema_and_statement(plan.statement)[1]
    return "?" in text or "..." in text


def _reads_nothing(plan: Plan, statement: HotStatement) -> bool:
    """A plan for values that no row has ("Impossible WHERE") tells nothing of a statement that looks at rows."""
    return bool(statement.examined) and not any(node.relation for node in plan.root.walk())


@lru_cache(maxsize=64)
def _parsed(plan_text: str, statement: str) -> Plan | None:
    try:
        return parse_mysql_plan(json.loads(plan_text), statement)
    except RequestError:
        return None


def accesses_of(plan: Plan, table: str) -> list[PlanNode]:
    """The plan's nodes that read a table by its bare name."""
    return [node for node in plan.root.walk() if node.relation == table and node.access is not None]


def refused_plans(now: Snapshot) -> list[Any]:
    """Plans that the account may not see."""
    return [each for each in now.plans if each.failure and "denied" in each.failure.lower()]


def is_hot(statement: HotStatement, min_share: float, min_mean_seconds: float) -> bool:
    """Whether a statement takes a noticeable share, and each run long enough that its way of reading matters."""
    if statement.share < min_share:
        return False
    return statement.mean_seconds is None or statement.mean_seconds >= min_mean_seconds


def shares(statements: Iterable[HotStatement]) -> float:
    return min(1.0, sum(each.share for each in statements))
