"""Who blocks whom, worked out from the session list: trees of waiting sessions with the one at the root.

A tree has the session that waits for nobody at its root; everybody else in it is a victim. Prepared transactions have
no session: PostgreSQL gives them process id 0.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from housecall.diagnosis.checks._text import one_line as one_line
from housecall.diagnosis.finding import NotEvaluated
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.rows.sessions import Session
from housecall.wording import Say

PREPARED_PID = 0
UNTRACKED = "disabled"
"""The state of a session for which track_activities is off: neither its statement nor its times are kept."""
HOT_ROW_MIN_WAITERS = 3.0
"""Waiters for one row, on average over the samples, from which the row itself is the problem (our proposal)."""
HOT_ROW_MAX_HOLDER_SECONDS = 5.0
"""A holder that keeps the row longer than this is to blame itself, not the row (our proposal)."""
TABLE_LOCKS = ("relation", "tuple", "page", "extend", "transactionid")
"""Kinds of locks that are about a table or its rows: who waits for a transaction waits for a row that it changed."""

BlockKind = Literal[
    "idle_in_transaction", "running", "ddl_queue", "advisory", "prepared", "autovacuum", "hot_row", "hidden"
]


@dataclass(frozen=True, slots=True)
class Tree:
    """A root blocker and everybody behind it, longest wait first. `root` is None for a prepared transaction."""

    root_pid: int
    root: Session | None
    waiters: tuple[Session, ...]
    kind: BlockKind

    @property
    def direct(self) -> tuple[Session, ...]:
        return tuple(waiter for waiter in self.waiters if self.root_pid in waiter.blocked_by)

    @property
    def longest_seconds(self) -> float:
        return max((waiter.wait_seconds or 0.0 for waiter in self.waiters), default=0.0)

    @property
    def relation(self) -> str | None:
        """The table that the longest direct waiter wants, when it can be told."""
        return next((waiter.lock_relation for waiter in self.direct if waiter.lock_relation), None)

    def elsewhere(self, database: str) -> str | None:
        """The other database in which they wait for a table or its rows: from `database` its name cannot be seen."""
        waiter = next((each for each in self.direct if each.lock_type in TABLE_LOCKS), None)
        return waiter.database if waiter and not self.relation and waiter.database != database else None

    @property
    def ddl(self) -> Session | None:
        """The waiter for an exclusive table lock that others queue behind, or None."""
        return ddl_head(self.direct, self.waiters)

    @property
    def behind_ddl(self) -> int:
        """How many sessions wait behind that one."""
        head = self.ddl
        return len(_behind(head.pid, self.waiters)) if head else 0


@dataclass(frozen=True, slots=True)
class HotRow:
    """A row that many sessions want at once while its holders come and go; or an advisory lock, whose key is then the
    `row` and whose `relation` is empty."""

    relation: str
    row: str
    waiters: float
    most_waiters: int
    holders: int
    longest_seconds: float
    statement: str | None
    pids: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Crowd:
    """In one look: a session that holds a row, and those who wait for it."""

    holder: Session
    waiters: tuple[Session, ...]

    @property
    def relation(self) -> str | None:
        return next((waiter.lock_relation for waiter in self.waiters if waiter.lock_relation), None)

    @property
    def advisory_key(self) -> str | None:
        return next((waiter.lock_row for waiter in self.waiters if waiter.lock_type == "advisory"), None)


def blocking_trees(now: Snapshot) -> tuple[Tree, ...]:
    """The trees of the latest look, worst first."""
    hot = frozenset(pid for row in hot_rows(now) for pid in row.pids)
    return trees_of(now.rows(Session), hot)


def trees_of(sessions: Sequence[Session], hot_pids: frozenset[int] = frozenset()) -> tuple[Tree, ...]:
    by_pid = {session.pid: session for session in sessions}
    waiting = [session for session in sessions if session.blocked_by]
    victims: dict[int, list[Session]] = {}
    for waiter in waiting:
        for root_pid in _roots(waiter, by_pid):
            victims.setdefault(root_pid, []).append(waiter)
    trees = [
        _tree(root_pid, by_pid.get(root_pid), waiters, hot_pids)
        for root_pid, waiters in victims.items()
        if root_pid == PREPARED_PID or root_pid in by_pid
    ]
    return tuple(sorted(trees, key=lambda tree: (-len(tree.waiters), -tree.longest_seconds, tree.root_pid)))


def ddl_head(direct: Iterable[Session], waiters: Sequence[Session]) -> Session | None:
    return next(
        (
            waiter
            for waiter in direct
            if waiter.lock_type == "relation"
            and waiter.lock_mode == "AccessExclusiveLock"
            and _behind(waiter.pid, waiters)
        ),
        None,
    )


def hot_rows(now: Snapshot) -> tuple[HotRow, ...]:
    """Rows, and advisory locks, that at least three sessions wait for on average over the samples while their holders
    change."""
    looks = [sample.rows(Session) for sample in now.samples] or [now.rows(Session)]
    crowds = [crowd for sessions in looks for crowd in _crowds(sessions)]
    relations = Counter(crowd.relation for crowd in crowds if crowd.relation)
    likely = relations.most_common(1)[0][0] if relations else None
    wanted: dict[tuple[str, str | None], list[_Crowd]] = {}
    for crowd in crowds:
        relation = "" if crowd.advisory_key else crowd.relation or likely
        if relation is not None:
            wanted.setdefault((relation, crowd.advisory_key), []).append(crowd)
    found = [_hot_row(relation, together, len(looks)) for (relation, _), together in wanted.items()]
    return tuple(sorted((row for row in found if row), key=lambda row: -row.waiters))


def session_details(session: Session) -> Mapping[str, Any]:
    """What causes need to know of a session, in plain values."""
    return {
        "pid": session.pid,
        "user": session.user_name,
        "application": session.application,
        "client": session.client,
        "database": session.database,
        "state": session.state,
        "backend_type": session.backend_type,
        "statement": one_line(session.statement),
        "transaction_seconds": session.transaction_seconds,
        "statement_seconds": session.statement_seconds,
        "state_seconds": session.state_seconds,
        "session_seconds": session.session_seconds,
        "xmin_age": session.xmin_age,
        "wait_event": session.wait_event,
        "visible": session.visible,
    }


def session_identity(session: Session) -> str:
    """What stays of a session when its process id changes: who it is and what it last ran."""
    return f"{session.user_name}|{session.application}|{one_line(session.statement)}"


_HIDDEN = Say(
    "role '{user}' may not see the state, statement and waits of {hidden:count} of {sessions:count} sessions",
    "角色 '{user}' 看不到 {sessions:count} 个会话中 {hidden:count} 个的状态、语句和等待",
)


def hidden_sessions(now: Snapshot, check_id: str) -> Iterator[NotEvaluated]:
    """Says that the role could not see what some sessions do; nothing when it saw all."""
    sessions = now.rows(Session)
    hidden = sum(not each.visible for each in sessions)
    if hidden:
        yield NotEvaluated(
            check_id,
            _HIDDEN(user=now.facts.user, hidden=hidden, sessions=len(sessions)),
            grant("pg_monitor", now),
        )


def _tree(root_pid: int, root: Session | None, waiters: list[Session], hot_pids: frozenset[int]) -> Tree:
    ordered = tuple(sorted(waiters, key=lambda waiter: (-(waiter.wait_seconds or 0.0), waiter.pid)))
    direct = [waiter for waiter in ordered if root_pid in waiter.blocked_by]
    return Tree(root_pid, root, ordered, _kind(root, direct, ordered, hot_pids))


def _kind(
    root: Session | None, direct: Sequence[Session], waiters: Sequence[Session], hot_pids: frozenset[int]
) -> BlockKind:
    if root is None:
        return "prepared"
    if hot_pids and all(waiter.pid in hot_pids for waiter in waiters):
        return "hot_row"
    if root.backend_type == "autovacuum worker":
        return "autovacuum"
    state = state_of(root)
    if state == "idle" or any(waiter.lock_type == "advisory" for waiter in direct):
        return "advisory"
    if ddl_head(direct, waiters):
        return "ddl_queue"
    if state is None:
        return "hidden"
    return "idle_in_transaction" if state.startswith("idle in transaction") else "running"


def state_of(blocker: Session) -> str | None:
    """The state of a session that others wait for. Where track_activities is off the server keeps none: one that waits
    for its client does nothing in its transaction."""
    if blocker.state != UNTRACKED:
        return blocker.state
    return "idle in transaction" if blocker.wait_event == "ClientRead" else "active"


def _roots(waiter: Session, by_pid: Mapping[int, Session]) -> set[int]:
    """The process ids at the end of every chain from this waiter. A cycle (a deadlock being found) has no end."""
    roots: set[int] = set()
    visited: set[int] = set()
    pending = list(waiter.blocked_by)
    while pending:
        pid = pending.pop()
        if pid in visited:
            continue
        visited.add(pid)
        blocker = by_pid.get(pid)
        if blocker and blocker.blocked_by:
            pending.extend(blocker.blocked_by)
        else:
            roots.add(pid)
    return roots


def _behind(pid: int, waiters: Sequence[Session]) -> set[int]:
    behind: set[int] = set()
    grown = True
    while grown:
        more = {each.pid for each in waiters if each.pid not in behind and {pid, *behind} & set(each.blocked_by)}
        grown = bool(more - {pid})
        behind |= more - {pid}
    return behind


def _crowds(sessions: Sequence[Session]) -> list["_Crowd"]:
    """Those who wait for rows or for an advisory lock, by the holder at the end of their chain, in one look.

    Only the first in line shows which row it wants: the others wait for the holder's transaction and name no table.
    """
    by_pid = {session.pid: session for session in sessions}
    behind: dict[int, list[Session]] = {}
    for session in sessions:
        if session.blocked_by and session.lock_type in ("tuple", "transactionid", "advisory"):
            for pid in _roots(session, by_pid) & by_pid.keys():
                behind.setdefault(pid, []).append(session)
    return [_Crowd(by_pid[pid], tuple(waiters)) for pid, waiters in behind.items()]


def _changes_hands(holders: Sequence[Session], appearances: Counter[int], looks: int) -> bool:
    """Whether the row went from one session to the next while we looked, so that no single one is to blame.

    A procedure that commits in a loop shows one old transaction all the time: three holders prove it wrong.
    """
    if len(appearances) < 2 or max(appearances.values()) == looks:
        return False
    young = all((holder.transaction_seconds or 0.0) < HOT_ROW_MAX_HOLDER_SECONDS for holder in holders)
    return young or len(appearances) >= 3


def _hot_row(relation: str, crowds: Sequence[_Crowd], looks: int) -> HotRow | None:
    average = sum(len(crowd.waiters) for crowd in crowds) / looks
    appearances = Counter(crowd.holder.pid for crowd in crowds)
    holders = [crowd.holder for crowd in crowds]
    if average < HOT_ROW_MIN_WAITERS or not _changes_hands(holders, appearances, looks):
        return None
    waiters = [waiter for crowd in crowds for waiter in crowd.waiters]
    return HotRow(
        relation=relation,
        row=next((waiter.lock_row for waiter in waiters if waiter.lock_row), "?"),
        waiters=average,
        most_waiters=max(len(crowd.waiters) for crowd in crowds),
        holders=len(appearances),
        longest_seconds=max((waiter.wait_seconds or 0.0) for waiter in waiters),
        statement=one_line(waiters[-1].statement),
        pids=frozenset(waiter.pid for waiter in waiters),
    )
