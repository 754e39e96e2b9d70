"""What a server's log tells beside statements, by kind: counted, with a few examples each.

A kind is recognised by its SQLSTATE where the log has one, else by the words of the server's own messages in English.
Sources: PostgreSQL manual, "PostgreSQL Error Codes"; MySQL manual, "Server Error Message Reference".
"""

# ruff: noqa: E501, ISC004 - a pattern is read whole

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

EventKind = Literal[
    "crash", "corruption", "disk_full", "out_of_memory", "too_many_connections", "deadlock", "lock_wait", "lock_timeout",
    "statement_timeout", "serialization", "autovacuum_cancelled", "temporary_file", "checkpoints_frequent",
    "archive_failed", "replication", "login_failed", "connection_lost", "idle_timeout", "duplicate_key", "foreign_key",
    "constraint", "undefined_object", "syntax", "permission", "cancelled", "other",
]  # fmt: skip
SERIOUS: frozenset[EventKind] = frozenset(
    {"crash", "corruption", "disk_full", "out_of_memory", "too_many_connections", "deadlock"}
)
MAX_GROUPS = 1_000
MAX_EXAMPLES = 3
MAX_TEXT = 1_000

_BY_SQLSTATE: dict[str, EventKind] = {
    "40P01": "deadlock", "40001": "serialization", "55P03": "lock_timeout", "57014": "cancelled", "53100": "disk_full",
    "53200": "out_of_memory", "53300": "too_many_connections", "57P02": "crash", "57P05": "idle_timeout",
    "25P03": "idle_timeout", "XX001": "corruption", "XX002": "corruption", "28P01": "login_failed",
    "28000": "login_failed", "3D000": "login_failed", "23505": "duplicate_key", "23503": "foreign_key",
    "23502": "constraint", "23514": "constraint", "23P01": "constraint", "42P01": "undefined_object",
    "42703": "undefined_object", "42883": "undefined_object", "42601": "syntax", "42501": "permission",
    "08006": "connection_lost", "08003": "connection_lost", "08P01": "connection_lost",
}  # fmt: skip

_BY_WORDS: tuple[tuple[EventKind, str], ...] = (
    ("deadlock", r"deadlock (?:detected|found)|LATEST DETECTED DEADLOCK"),
    ("statement_timeout", r"due to statement timeout|maximum statement execution time exceeded"),
    ("lock_timeout", r"due to lock timeout|Lock wait timeout exceeded|could not obtain lock"),
    ("lock_wait", r"still waiting for \w+ on |acquired \w+ on .* after [\d.]+ ms"),
    ("autovacuum_cancelled", r"canceling autovacuum task"),
    ("temporary_file", r"^temporary file: path"),
    ("checkpoints_frequent", r"checkpoints are occurring too frequently"),
    ("disk_full", r"No space left on device|disk (?:is )?full|OS errno 28\b|Errcode: 28\b|The table '[^']*' is full"),
    ("out_of_memory", r"^out of memory|\bOut of memory\b|Cannot allocate memory|\bOOM\b"),
    ("too_many_connections", r"too many (?:clients|connections)|connection slots are reserved"),
    (
        "crash",
        r"terminated by signal|terminating connection because of crash|was not properly shut ?down|not shutdown normally"
        r"|mysqld got (?:signal|exception)|Assertion failure|server process .* exited with exit code"
        r"|Starting crash recovery|ready for crash recovery",
    ),
    ("corruption", r"invalid page|checksum mismatch|page verification failed|corrupt|\bIs marked as crashed\b"),
    ("archive_failed", r"archive command failed|archiving write-ahead log file .* failed"),
    ("serialization", r"could not serialize access"),
    (
        "replication",
        r"requested WAL segment .* has already been removed|replication (?:slot|terminated)"
        r"|(?:Slave|Replica) (?:SQL|I/O)|could not (?:receive data from|connect to) (?:the )?(?:WAL stream|primary)",
    ),
    (
        "login_failed",
        r"authentication failed|Access denied for user|no pg_hba\.conf entry|role \"[^\"]*\" does not exist",
    ),
    ("idle_timeout", r"due to idle-(?:in-transaction|session) timeout|idle in transaction timeout"),
    (
        "connection_lost",
        r"could not (?:receive|send) data (?:from|to) client|unexpected EOF on client|Aborted connection|connection to client lost"
        r"|Got (?:an error|timeout) (?:reading|writing) communication packets",
    ),
    ("duplicate_key", r"duplicate key value violates|Duplicate entry "),
    ("foreign_key", r"violates foreign key constraint|foreign key constraint fails"),
    ("constraint", r"violates (?:not-null|check|exclusion) constraint"),
    ("undefined_object", r"^(?:relation|column|function|table|schema) .* does not exist|doesn't exist"),
    ("syntax", r"syntax error"),
    ("permission", r"permission denied|must be (?:owner|superuser)"),
    ("cancelled", r"canceling statement due to user request|Query execution was interrupted"),
)
_WORDS = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _BY_WORDS), re.I)
_VARIABLE = re.compile(r"\"[^\"]*\"|'[^']*'|\d+(?:\.\d+)?")


@dataclass(slots=True)
class EventGroup:
    """Messages that differ in names and numbers only. Times are as the log writes them.

    `amount` is a sum that belongs to the kind: bytes of temporary files, seconds of lock waits; else 0.
    """

    kind: EventKind
    severity: str
    sqlstate: str | None
    message: str
    count: int = 0
    first_at: str | None = None
    last_at: str | None = None
    amount: float = 0.0
    examples: list[str] = field(default_factory=list)


class EventCounts:
    """Collects what happened. When there are too many different messages, rare new ones count as `other`."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str, str], EventGroup] = {}
        self.total = 0

    def add(
        self,
        severity: str,
        message: str,
        *,
        sqlstate: str | None = None,
        at: str | None = None,
        example: str = "",
        amount: float = 0.0,
        kind: EventKind | None = None,
    ) -> EventGroup:
        kind = kind or kind_of(message, sqlstate)
        plain = _VARIABLE.sub("?", message[:MAX_TEXT].split("\n", 1)[0])[:300]
        key = (severity, kind, plain)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                key, plain = (severity, kind, ""), "(other messages)"
            group = self._groups.setdefault(key, EventGroup(kind, severity, sqlstate, plain, first_at=at))
        group.count += 1
        group.amount += amount
        group.last_at = at or group.last_at
        if len(group.examples) < MAX_EXAMPLES:
            group.examples.append((example or message)[:MAX_TEXT])
        self.total += 1
        return group

    def groups(self) -> Sequence[EventGroup]:
        """The serious ones first, then by number."""
        return sorted(self._groups.values(), key=lambda each: (each.kind not in SERIOUS, -each.count, each.message))


def kind_of(message: str, sqlstate: str | None = None) -> EventKind:
    """What a message is about."""
    found = _WORDS.search(message[:MAX_TEXT])
    by_words: EventKind = found.lastgroup if found else "other"  # type: ignore[assignment]
    by_state = _BY_SQLSTATE.get(sqlstate or "")
    if by_state in (None, "cancelled"):  # 57014 is any cancel; the words tell which
        return by_words if by_words != "other" or by_state is None else by_state
    return by_state
