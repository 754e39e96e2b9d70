"""What a file was found to hold: the one result of every parser."""

from dataclasses import dataclass, field
from typing import Literal

from housecall.advisor.plan import Plan
from housecall.attachments.events import EventCounts, EventGroup
from housecall.attachments.statements import StatementSum, StatementSums
from housecall.engines.engine import EngineName

ContentKind = Literal["postgresql_log", "mysql_slow_log", "mysql_error_log", "plan", "sql", "csv", "json", "text"]
LOGS: frozenset[ContentKind] = frozenset({"postgresql_log", "mysql_slow_log", "mysql_error_log"})
MAX_TOP = 50
MAX_DEADLOCKS = 10


@dataclass(frozen=True, slots=True)
class Deadlock:
    """One report of a deadlock, as the server wrote it, shortened."""

    at: str | None
    text: str


@dataclass(frozen=True, slots=True)
class LogFacts:
    """What a log tells. Times are as the log writes them; None: it has none.

    `steps` counts parse and bind durations, which belong to statements that are counted as executed.
    """

    entries: int
    first_at: str | None
    last_at: str | None
    calls: int
    total_seconds: float
    different_statements: int
    statements: tuple[StatementSum, ...]
    others: StatementSum
    events: tuple[EventGroup, ...]
    deadlocks: tuple[Deadlock, ...]
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """A file, read. `form` says how it is written, as in "PostgreSQL csvlog". `trouble` is why less could be read."""

    kind: ContentKind
    form: str
    size_bytes: int
    lines: int
    lines_cut: int = 0
    unread_lines: int = 0
    log: LogFacts | None = None
    plan: Plan | None = None
    excerpt: str = ""
    trouble: str | None = None


@dataclass(slots=True)
class LogSums:
    """What a parser of logs collects on its way."""

    engine: EngineName
    entries: int = 0
    first_at: str | None = None
    last_at: str | None = None
    steps: int = 0
    deadlocks: list[Deadlock] = field(default_factory=list)
    events: EventCounts = field(default_factory=EventCounts)
    statements: StatementSums = field(init=False)

    def __post_init__(self) -> None:
        self.statements = StatementSums(self.engine)

    def seen_at(self, at: str | None) -> None:
        self.entries += 1
        if at:
            self.first_at = self.first_at or at
            self.last_at = at

    def add_deadlock(self, at: str | None, text: str) -> None:
        if len(self.deadlocks) < MAX_DEADLOCKS:
            self.deadlocks.append(Deadlock(at, text[:4_000]))

    def facts(self) -> LogFacts:
        return LogFacts(
            entries=self.entries,
            first_at=self.first_at,
            last_at=self.last_at,
            calls=self.statements.calls,
            total_seconds=self.statements.total_seconds,
            different_statements=self.statements.different,
            statements=self.statements.top(MAX_TOP),
            others=self.statements.others,
            events=tuple(self.events.groups()),
            deadlocks=tuple(self.deadlocks),
            steps=self.steps,
        )
