"""The share of transactions that end in a rollback.

Why it matters: rolled back work was done for nothing; a high share points at errors or failed serializations.
How to fix: look for the errors in the application's log and the server's (log_min_error_statement).
Cannot see: which error: the server counts rollbacks only. Tools that end reads with ROLLBACK count as well, so it is
a notice.
Source: the practice of check_pgactivity (10 %); PostgreSQL manual, "Transaction Isolation" (serialization failures).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.wording import Say

CHECK = Check(
    id="postgresql.rollback_ratio",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say("Rolled back transactions", "回滚比例"),
    thresholds=[
        Threshold("notice_share", 0.1, "common practice"),
        Threshold("min_transactions", 1000, "a share of few transactions means nothing"),
        Threshold(
            "min_rollbacks", 50, "so many mean something among fewer transactions, when they are a fifth of them"
        ),
        Threshold("high_share", 0.2, "of few transactions: applications roll a few back by themselves"),
        Threshold("min_window_transactions", 100, "else the counters since the reset are judged"),
    ],
    needs_window=True,
)

_MESSAGE = Say(
    "{share:percent} of {transactions:count} transaction{transactions:|s} in database {database} were rolled back"
    " within {seconds:duration}.",
    "数据库 {database} 在 {seconds:duration} 内的 {transactions:count} 个事务中有 {share:percent} 被回滚。",
)
_READING = "transaction_counters"


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    settings = now.row(UpkeepSettings)
    before = {row.database: row for row in earlier.rows(TransactionCounters)} if earlier else {}
    for row in now.rows(TransactionCounters):
        commits, rollbacks, seconds, in_window = row.commits, row.rollbacks, row.statistics_seconds, False
        known = before.get(row.database)
        is_high = rollbacks >= limits["min_rollbacks"] and rollbacks >= limits["high_share"] * (commits + rollbacks)
        if commits + rollbacks < limits["min_transactions"] and not is_high:
            continue
        if known and earlier:
            recent = (row.commits - known.commits, row.rollbacks - known.rollbacks)
            if sum(recent) >= limits["min_window_transactions"]:
                commits, rollbacks, seconds, in_window = *recent, now.seconds_since(earlier), True
        share = rollbacks / max(1, commits + rollbacks)
        if share >= limits["notice_share"]:
            yield Finding(
                check=CHECK.id,
                item=CHECK.item,
                severity=Severity.NOTICE,
                object=row.database,
                object_kind="database",
                message=_MESSAGE(share=share, transactions=commits + rollbacks, database=row.database, seconds=seconds),
                evidence=(
                    Evidence("rollback_share", round(share, 3), "share", _READING),
                    Evidence("rollbacks", rollbacks, "transactions", _READING),
                    Evidence("commits", commits, "transactions", _READING),
                    Evidence("counted_over", round(seconds, 1), "seconds", _READING),
                    Evidence("serializable_locks", settings.serializable_locks, "locks", "upkeep_settings"),
                    Evidence("default_isolation", settings.default_isolation, "text", "upkeep_settings"),
                ),
                details={
                    "share": share,
                    "in_window": in_window,
                    "serializable_locks": settings.serializable_locks,
                    "isolation": _isolation(settings),
                },
            )


def _isolation(settings: UpkeepSettings) -> str:
    """The strictest default isolation level that the server, a role or a database is set to."""
    text = " ".join((settings.default_isolation, *settings.overrides))
    return next((level for level in ("serializable", "repeatable read") if level in text), "read committed")
