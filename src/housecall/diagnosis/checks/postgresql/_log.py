"""What the end of the server's log says, by kind, and why it could not be read.

A log tells of the past: `recent` counts the last quarter of an hour, and what is older explains nothing that goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from housecall.attachments.events import EventKind, kind_of
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Evidence, NotEvaluated
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.server_log import LogMessage, decoded
from housecall.wording import Say

RECENT_SECONDS = 900.0
"""The reading's own span for `recent`: what happened within a quarter of an hour is still going on for a person."""

_NO_FILE = Say(
    "the server's log does not go to a file that the server can read (stderr is a pipe and logging_collector is off)",
    "服务器日志没有写到服务器可读的文件（stderr 为管道，且 logging_collector 未开启）",
)
_COLLECT = Say(
    "let the server keep its log itself: `ALTER SYSTEM SET logging_collector = on;` and a restart in a quiet hour",
    "让服务器自行保存日志：执行 `ALTER SYSTEM SET logging_collector = on;`，并在业务低峰期重启",
)
_REFUSED = Say(
    "role '{user}' may not read the server's log",
    "角色 '{user}' 无权读取服务器日志",
)
_FUNCTIONS = (
    "pg_catalog.pg_current_logfile(), pg_catalog.pg_stat_file(text, boolean),"
    " pg_catalog.pg_read_binary_file(text, bigint, bigint)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """A message of the log, read: what it is about, who got it, how often and when last."""

    kind: EventKind
    severity: str
    sqlstate: str | None
    message: str
    statement: str | None
    detail: str | None
    user: str | None
    database: str | None
    occurrences: int
    recent: int
    last_seconds_ago: float | None

    @property
    def is_recent(self) -> bool:
        return self.recent > 0


def told_by_log(now: Snapshot, *kinds: EventKind) -> tuple[Told, ...]:
    """The log's messages of these kinds, in the reading's order; of every kind when none is named.

    Empty when the log could not be read: `log_not_read` says so. Messages of other databases are left out where the
    log names the database.
    """
    rows = now.get(LogMessage)
    if isinstance(rows, Unavailable):
        return ()
    found = (_told(row) for row in rows if row.severity is not None)
    here = (each for each in found if each.database in (None, "", now.facts.database))
    return tuple(each for each in here if not kinds or each.kind in kinds)


def _told(row: LogMessage) -> Told:
    message = decoded(row.message) or ""
    return Told(
        kind_of(message, row.sqlstate), row.severity or "", row.sqlstate, message, decoded(row.statement),
        decoded(row.detail), decoded(row.user_name), decoded(row.database), row.occurrences, row.recent,
        row.last_seconds_ago,
    )  # fmt: skip


def log_not_read(now: Snapshot, check_id: str) -> Iterator[NotEvaluated]:
    """Why the log said nothing to this check; nothing when it was read."""
    rows = now.get(LogMessage)
    if isinstance(rows, Unavailable):
        if rows.kind == "privilege":
            yield NotEvaluated(check_id, _REFUSED(user=now.facts.user), log_grant(now))
            return
        from housecall.diagnosis.unavailable import not_evaluated

        yield not_evaluated(check_id, rows, now)
    elif any(row.severity is None and row.message is None for row in rows):
        yield NotEvaluated(check_id, _NO_FILE(), _COLLECT())


def log_grant(now: Snapshot) -> str:
    """The statements that let the role that Housecall logs in with read the end of the log."""
    user = quote_identifier(now.facts.user)
    return f"GRANT pg_read_server_files TO {user}; GRANT EXECUTE ON FUNCTION {_FUNCTIONS} TO {user};"


def log_evidence(told: Sequence[Told]) -> tuple[Evidence, ...]:
    """How often, how lately, and the message itself."""
    last = min((each.last_seconds_ago for each in told if each.last_seconds_ago is not None), default=None)
    values = measured(
        LogMessage,
        messages=(sum(each.occurrences for each in told), "count"),
        messages_in_the_last_15_minutes=(sum(each.recent for each in told), "count"),
        last_seconds_ago=(None if last is None else round(last, 1), "seconds"),
        message=(told[0].message[:300] if told else None, "text"),
        statement=(told[0].statement and told[0].statement[:300] if told else None, "text"),
    )
    return tuple(each for each in values if each.value is not None)
