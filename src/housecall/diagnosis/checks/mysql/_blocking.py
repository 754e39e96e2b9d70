"""Who blocks whom on MySQL and MariaDB, worked out from whatever the server shows of it.

Row locks, metadata locks, table locks, the global read lock and GET_LOCK are one graph here, since a queue often goes
through several of them. Each tree has a session that waits for nobody at its root; everybody else in it is a victim.
Where a server does not tell who holds a lock, the holder is inferred from what is open and how long, and the edge says
so (`seen` is False): what is concluded from it is told with less confidence. A prepared XA transaction has session 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.checks.mysql._statement_text import is_flush, is_strong, one_line, tables_of, wanted_mode
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import RowT, Unavailable
from housecall.engines.mysql.rows.innodb import InnodbStatus
from housecall.engines.mysql.rows.sessions import (
    DetachedTransaction,
    HeldMetadataLock,
    LastStatement,
    LockWait,
    MetadataLock,
    Session,
    UserLockWait,
)

PREPARED = 0
UNKNOWN = -1
"""The root of a queue whose holder cannot be told."""

WaitKind = Literal["row", "metadata", "table", "user", "global", "flush"]
BlockKind = Literal[
    "idle_in_transaction", "running", "ddl_queue", "table_lock", "global_read_lock", "user_lock", "prepared", "unknown"
]
_GLOBAL_STATES = ("Waiting for global read lock", "Waiting for commit lock", "Waiting for backup lock")
_GLOBAL_OBJECTS = ("GLOBAL", "COMMIT", "BACKUP LOCK")
_TABLE_LOCK_MODES = ("SHARED_NO_READ_WRITE", "SHARED_READ_ONLY")
_JUST_BEFORE_SECONDS = 3.0
_STRONG_MODES = ("EXCLUSIVE", "SHARED_NO_READ_WRITE", "SHARED_NO_WRITE")
_CONFLICTS: Mapping[str, frozenset[str]] = {
    "SHARED": frozenset({"EXCLUSIVE"}),
    "SHARED_HIGH_PRIO": frozenset({"EXCLUSIVE"}),
    "SHARED_READ": frozenset({"SHARED_NO_READ_WRITE", "EXCLUSIVE"}),
    "SHARED_WRITE": frozenset({"SHARED_READ_ONLY", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"}),
    "SHARED_UPGRADABLE": frozenset({"SHARED_UPGRADABLE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"}),
    "SHARED_READ_ONLY": frozenset({"SHARED_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"}),
    "SHARED_NO_WRITE": frozenset(
        {"SHARED_WRITE", "SHARED_UPGRADABLE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"}
    ),
}
"""What stands in the way of a request, of locks on tables: source, sql/mdl.cc, "m_granted_incompatible". What is not
here (an exclusive request) is stopped by every lock."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A session waits for another. `candidates` is how many it could be where it was inferred, 1 where it was seen."""

    waiter: int
    blocker: int
    kind: WaitKind
    seconds: float
    table: str | None = None
    seen: bool = True
    candidates: int = 1
    lock_mode: str | None = None
    index: str | None = None
    row: str | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A root blocker and everybody behind it. `root` is None for a prepared transaction and an unknown holder."""

    root_id: int
    root: Session | None
    direct: tuple[Edge, ...]
    seconds: Mapping[int, float]
    """How long each session in the tree has waited."""
    middle: Session | None
    """The waiter that others queue behind: a schema change, a LOCK TABLES, a FLUSH TABLES WITH READ LOCK."""
    behind_middle: int
    kind: BlockKind

    @property
    def waiters(self) -> tuple[int, ...]:
        return tuple(sorted(self.seconds))

    @property
    def longest_seconds(self) -> float:
        return max(self.seconds.values(), default=0.0)

    @property
    def edge(self) -> Edge:
        """The longest wait for the root itself."""
        return max(self.direct, key=lambda edge: (edge.seconds, edge.table is not None))

    @property
    def table(self) -> str | None:
        longest = sorted(self.direct, key=lambda edge: -edge.seconds)
        return next((edge.table for edge in longest if edge.table), None)

    @property
    def confidence(self) -> float:
        """That the root is the holder: what was seen is certain, what was inferred depends on how many it could be."""
        if any(edge.seen for edge in self.direct):
            return 0.95
        return 0.7 if min(edge.candidates for edge in self.direct) == 1 else 0.5


@dataclass(frozen=True)
class Locks:
    """Everything that one look shows of locks."""

    sessions: tuple[Session, ...]
    row_waits: tuple[LockWait, ...] | None
    """None: the server does not tell."""
    metadata: tuple[MetadataLock, ...] = ()
    held: tuple[HeldMetadataLock, ...] = ()
    users: tuple[UserLockWait, ...] = ()
    last: Mapping[int, str] | None = None
    status: InnodbStatus | None = None
    detached: tuple[DetachedTransaction, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[int, Session]:
        return {session.id: session for session in self.sessions}

    @cached_property
    def waiting(self) -> Mapping[int, WaitKind]:
        """Who waits, and for what kind of lock."""
        found: dict[int, WaitKind] = {wait.waiting_id: "row" for wait in self.row_waits or ()}
        return found | {session.id: kind for session in self.sessions if (kind := wait_kind(session))}

    def last_statement(self, session: Session) -> str | None:
        return session.statement or (self.last or {}).get(session.id)


def locks_of(now: Snapshot) -> Locks:
    """Of the latest look. Raises ReadingUnavailable when the sessions of others cannot be seen."""
    waits = now.get(LockWait)
    status = optional(now, InnodbStatus)
    return Locks(
        sessions=now.rows(Session),
        row_waits=None if isinstance(waits, Unavailable) else waits,
        metadata=optional(now, MetadataLock),
        held=optional(now, HeldMetadataLock),
        users=optional(now, UserLockWait),
        last={row.session_id: row.statement for row in optional(now, LastStatement)},
        status=status[0] if status else None,
        detached=optional(now, DetachedTransaction),
    )


def optional(now: Snapshot, row_type: type[RowT]) -> tuple[RowT, ...]:
    """The rows of a reading that only adds to what is known; none when it could not be had."""
    found = now.get(row_type)
    return () if isinstance(found, Unavailable) else found


def wait_kind(session: Session) -> WaitKind | None:
    """What kind of lock a session waits for, by its state; None when it waits for none."""
    state = session.state or ""
    if session.command == "Sleep":
        return None
    if state.endswith("metadata lock"):
        return "metadata"
    if state == "Waiting for table level lock":
        return "table"
    if state == "User lock":
        return "user"
    if state == "Waiting for table flush":
        return "flush"
    if state in _GLOBAL_STATES:
        return "global"
    return "row" if session.transaction_state == "LOCK WAIT" else None


def edges_of(locks: Locks) -> tuple[Edge, ...]:
    """Every "waits for" that is seen or inferred."""
    found = [*_row_edges(locks)]
    for session in locks.sessions:
        kind = locks.waiting.get(session.id)
        if kind == "metadata":
            found.extend(_metadata_edges(locks, session))
        elif kind == "table":
            found.extend(_table_edges(locks, session))
        elif kind == "user":
            found.extend(_user_edges(locks, session))
        elif kind == "global":
            found.extend(_global_edges(locks, session))
        elif kind == "flush":
            found.extend(_running_edges(locks, session, "flush"))
    return tuple(edge for edge in found if edge.waiter != edge.blocker)


def blocking_trees(now: Snapshot) -> tuple[Tree, ...]:
    """The trees of the latest look, worst first."""
    return trees_of(locks_of(now))


def trees_of(locks: Locks) -> tuple[Tree, ...]:
    edges = edges_of(locks)
    behind: dict[int, set[int]] = {}
    blockers: dict[int, set[int]] = {}
    for edge in edges:
        blockers.setdefault(edge.waiter, set()).add(edge.blocker)
    for waiter in blockers:
        for root in _roots(waiter, blockers):
            behind.setdefault(root, set()).add(waiter)
    trees = [_tree(root, waiters, edges, locks) for root, waiters in behind.items()]
    return tuple(sorted(trees, key=lambda tree: (-len(tree.seconds), -tree.longest_seconds, tree.root_id)))


def session_details(locks: Locks, session: Session) -> dict[str, Any]:
    """What causes tell of a session, in plain values; its last statement where performance_schema kept it."""
    return {
        "id": session.id, "user": session.user_name, "client": session.client, "seconds": session.seconds,
        "transaction_seconds": session.transaction_seconds,
        "statement": one_line(locks.last_statement(session)),
        "rows_modified": session.rows_modified, "rows_locked": session.rows_locked, "command": session.command,
    }  # fmt: skip


def _roots(session: int, blockers: Mapping[int, set[int]]) -> set[int]:
    """The ends of every chain from this session. A cycle (a deadlock being found) has no end."""
    seen, pending, roots = {session}, [session], set()
    while pending:
        for blocker in blockers.get(pending.pop(), ()):
            if blocker not in blockers:
                roots.add(blocker)
            elif blocker not in seen:
                seen.add(blocker)
                pending.append(blocker)
    return roots


def _tree(root_id: int, waiters: set[int], edges: Sequence[Edge], locks: Locks) -> Tree:
    direct = tuple(edge for edge in edges if edge.blocker == root_id)
    seconds = {
        waiter: max((edge.seconds for edge in edges if edge.waiter == waiter), default=0.0) for waiter in waiters
    }
    root = locks.by_id.get(root_id)
    middle = _middle(direct, locks)
    behind = len(_behind(middle.id, edges)) if middle else 0
    return Tree(root_id, root, direct, seconds, middle, behind, _kind(root_id, root, direct, middle, locks))


def _middle(direct: Sequence[Edge], locks: Locks) -> Session | None:
    """The direct waiter that needs a whole table, or the whole server, for itself; the longest waiting one. A schema
    change that waits for a lock on the whole server is one of its victims: the others do not queue behind it."""
    needy = [
        (edge.seconds, edge.waiter)
        for edge in direct
        if edge.kind in ("metadata", "global", "flush")
        and (session := locks.by_id.get(edge.waiter))
        and (is_flush(session.statement) or (edge.kind != "global" and is_strong(session.statement)))
    ]
    return locks.by_id[max(needy)[1]] if needy else None


def _behind(session: int, edges: Sequence[Edge]) -> set[int]:
    behind: set[int] = set()
    while more := {edge.waiter for edge in edges if edge.blocker in {session, *behind}} - behind - {session}:
        behind |= more
    return behind


def _kind(
    root_id: int, root: Session | None, direct: Sequence[Edge], middle: Session | None, locks: Locks
) -> BlockKind:
    kinds = {edge.kind for edge in direct}
    if root_id == PREPARED:
        return "prepared"
    if middle and is_flush(middle.statement):
        return "global_read_lock"
    if "global" in kinds:
        return "global_read_lock"
    if "user" in kinds:
        return "user_lock"
    if middle and root_id != UNKNOWN:
        return "ddl_queue"
    if "table" in kinds or ("metadata" in kinds and _locked_tables(root_id, root, locks)):
        return "table_lock"
    if root is None:
        return "unknown"
    return "idle_in_transaction" if root.is_idle_in_transaction else "running"


def _locked_tables(root_id: int, root: Session | None, locks: Locks) -> bool:
    """Whether the session keeps tables by LOCK TABLES: by the mode it holds, or idle without a transaction."""
    if root_id == UNKNOWN:
        return True
    modes = {lock.lock_type for lock in locks.metadata if lock.session_id == root_id and lock.is_granted}
    modes |= {lock.lock_mode.removeprefix("MDL_") for lock in locks.held if lock.session_id == root_id}
    asleep = root is not None and root.command == "Sleep"
    return asleep and (bool(modes & set(_TABLE_LOCK_MODES)) or (root is not None and root.transaction_seconds is None))


def _row_edges(locks: Locks) -> Iterable[Edge]:
    if locks.row_waits is None:
        for session in locks.sessions:
            if locks.waiting.get(session.id) == "row":
                yield from _inferred_row_edges(locks, session)
        return
    for wait in locks.row_waits:
        table = table_name(wait.schema_name, wait.table_name) if wait.schema_name and wait.table_name else None
        yield Edge(
            wait.waiting_id, wait.blocking_id, "row", wait.wait_seconds or 0.0, table,
            lock_mode=wait.lock_mode, index=wait.index_name, row=wait.lock_row,
        )  # fmt: skip


def _inferred_row_edges(locks: Locks, waiter: Session) -> Iterable[Edge]:
    """The open transactions with row locks that are older than the wait, and wait for nothing themselves."""
    seconds = waiter.lock_wait_seconds or 0.0
    holders = [
        (session.transaction_seconds or 0.0, session.id)
        for session in locks.sessions
        if session.id not in locks.waiting and session.rows_locked and (session.transaction_seconds or 0.0) >= seconds
    ]
    holders += [(row.transaction_seconds, PREPARED) for row in locks.detached if row.rows_locked]
    schema, table, index = _wanted_row(locks, waiter)
    named = table_name(schema, table) if schema and table else next(iter(_tables(waiter)), None)
    blocker = max(holders)[1] if holders else UNKNOWN
    yield Edge(waiter.id, blocker, "row", seconds, named, seen=False, candidates=len(holders), index=index)


def _wanted_row(locks: Locks, waiter: Session) -> tuple[str | None, str | None, str | None]:
    for each in locks.status.lock_waits if locks.status else ():
        thread, schema, table, index = each.split("\t")
        if int(thread) == waiter.id:
            return schema, table, index
    return None, None, None


def _tables(session: Session) -> tuple[str, ...]:
    return tables_of(session.statement, session.database_name)


def _metadata_edges(locks: Locks, waiter: Session) -> Iterable[Edge]:
    seconds = waiter.seconds or 0.0
    pending = [lock for lock in locks.metadata if lock.session_id == waiter.id and not lock.is_granted]
    wanted: list[tuple[str | None, str | None]] = [
        (_object(lock.schema_name, lock.object_name), lock.lock_type) for lock in pending
    ]
    if not wanted:
        wanted = [(table, wanted_mode(waiter.statement)) for table in _tables(waiter)]
    for table, mode in wanted:
        edges = [
            Edge(waiter.id, holder, "metadata", seconds, table, lock_mode=mode)
            for holder in _metadata_blockers(locks, waiter, table, mode)
        ]
        if edges:
            yield from edges
            return
    table = next((name for name, _ in wanted if name), None) or next(iter(_tables(waiter)), None)
    mode = wanted[0][1] if wanted else None
    holders = _open_before(locks, waiter, table)
    if not holders and any(row.rows_locked or row.rows_modified for row in locks.detached):
        holders = [PREPARED]  # neither server shows the metadata locks of a transaction that no session has
    blocker = holders[0] if holders else UNKNOWN
    yield Edge(waiter.id, blocker, "metadata", seconds, table, seen=False, candidates=len(holders), lock_mode=mode)


def _object(schema: str | None, name: str | None) -> str | None:
    return table_name(schema, name) if schema and name else name or schema


def _metadata_blockers(locks: Locks, waiter: Session, table: str | None, mode: str | None) -> list[int]:
    """Who holds what the request conflicts with; else the stronger requests that came first and are served first."""
    in_the_way = _CONFLICTS.get(mode or "")
    granted = [
        (_object(lock.schema_name, lock.object_name), lock.lock_type, lock.session_id)
        for lock in locks.metadata
        if lock.is_granted
    ]
    granted += [
        (_object(lock.schema_name, lock.table_name), lock.lock_mode.removeprefix("MDL_"), lock.session_id)
        for lock in locks.held
        if lock.lock_type == "Table metadata lock"
    ]
    holders = {
        session
        for held_on, held, session in granted
        if held_on == table and session != waiter.id and (in_the_way is None or held in in_the_way)
        and (session not in locks.waiting or locks.waiting[session] != "metadata")
    }  # fmt: skip
    if holders or is_strong(waiter.statement):
        return sorted(holders)
    first_in_line = {
        lock.session_id
        for lock in locks.metadata
        if not lock.is_granted
        and lock.lock_type in _STRONG_MODES
        and _object(lock.schema_name, lock.object_name) == table
    }
    first_in_line |= {
        session.id
        for session in locks.sessions
        if locks.waiting.get(session.id) == "metadata" and is_strong(session.statement) and table in _tables(session)
    }
    return sorted(first_in_line - {waiter.id})


def _open_before(locks: Locks, waiter: Session, table: str | None) -> list[int]:
    """Sessions that may hold a table: a transaction or statement as old as the wait, those that name the table first,
    then the oldest."""
    seconds = waiter.seconds or 0.0
    likely = []
    for session in locks.sessions:
        age = max(session.transaction_seconds or 0.0, (session.seconds or 0.0) if session.command == "Query" else 0.0)
        if session.id == waiter.id or locks.waiting.get(session.id) == "metadata" or age < max(seconds, 0.001):
            continue
        named = tables_of(locks.last_statement(session), session.database_name)
        if session.transaction_seconds is None and table not in named:
            continue
        likely.append((table in named, age, session.id))
    named_first = [each for each in likely if each[0]] or likely
    return [session for _, _, session in sorted(named_first, key=lambda each: (-each[1], each[2]))]


def _table_edges(locks: Locks, waiter: Session) -> Iterable[Edge]:
    """Table locks of MyISAM, Aria and MEMORY: the holder runs a statement on the table, or locked it by LOCK TABLES."""
    tables, seconds = _tables(waiter), waiter.seconds or 0.0
    running = [
        (session.seconds or 0.0, session.id)
        for session in locks.sessions
        if session.command == "Query" and session.id not in locks.waiting and set(_tables(session)) & set(tables)
    ]
    held = [
        (locks.by_id[lock.session_id].seconds or 0.0, lock.session_id)
        for lock in locks.held
        if _object(lock.schema_name, lock.table_name) in tables
        and lock.session_id in locks.by_id
        and lock.session_id not in locks.waiting
    ]
    holders = sorted({*running, *held}, reverse=True)
    blocker = holders[0][1] if holders else UNKNOWN
    table = tables[0] if tables else None
    yield Edge(waiter.id, blocker, "table", seconds, table, seen=bool(held), candidates=len(holders))


def _user_edges(locks: Locks, waiter: Session) -> Iterable[Edge]:
    seconds = waiter.seconds or 0.0
    told = next((row for row in locks.users if row.waiting_id == waiter.id), None)
    if told and told.holder_id is not None:
        yield Edge(waiter.id, told.holder_id, "user", told.wait_seconds or seconds, told.lock_name)
        return
    names = {row.object_name for row in locks.metadata if row.session_id == waiter.id and not row.is_granted}
    for row in locks.metadata:
        if row.is_granted and row.object_type == "USER LEVEL LOCK" and row.object_name in names:
            yield Edge(waiter.id, row.session_id, "user", seconds, row.object_name)


def _global_edges(locks: Locks, waiter: Session) -> Iterable[Edge]:
    if is_flush(waiter.statement):
        yield from _running_edges(locks, waiter, "global")
        return
    seconds = waiter.seconds or 0.0
    holders = sorted(global_holders(locks) - {waiter.id})
    if holders:
        yield from (Edge(waiter.id, holder, "global", seconds) for holder in holders)
        return
    likely = _asleep_since(locks)
    blocker = likely[0] if len(likely) == 1 else UNKNOWN
    yield Edge(waiter.id, blocker, "global", seconds, seen=False, candidates=len(likely))


def _asleep_since(locks: Locks) -> list[int]:
    """Sleeping sessions that can have locked the whole server: they ran their last statement before the first waiter
    came; on a busy server just before, so that only these are named where there are any."""
    waited = max((locks.by_id[each].seconds or 0.0) for each, kind in locks.waiting.items() if kind == "global")
    asleep = {
        session.id: session.seconds or 0.0
        for session in locks.sessions
        if session.command == "Sleep" and session.transaction_seconds is None and (session.seconds or 0.0) >= waited
    }
    just_before = [session for session, seconds in asleep.items() if seconds <= waited + _JUST_BEFORE_SECONDS]
    return just_before or list(asleep)


def global_holders(locks: Locks) -> set[int]:
    """Sessions that hold, or are about to hold, a lock on the whole server."""
    found = {
        lock.session_id
        for lock in locks.metadata
        if lock.object_type in _GLOBAL_OBJECTS and lock.is_granted and lock.lock_type == "SHARED"
    }
    found |= {lock.session_id for lock in locks.held if _is_global(lock)}
    flushing = {session.id for session in locks.sessions if is_flush(locks.last_statement(session))}
    return found or flushing


def _is_global(lock: HeldMetadataLock) -> bool:
    """FLUSH TABLES WITH READ LOCK and BACKUP STAGE; the other modes are those of ordinary statements."""
    mode = lock.lock_mode.removeprefix("MDL_BACKUP_")
    return lock.lock_type == "Backup lock" and mode.startswith(("FTWRL", "WAIT_", "BLOCK", "START", "FLUSH"))


def _running_edges(locks: Locks, waiter: Session, kind: WaitKind) -> Iterable[Edge]:
    """A flush waits for the statements that run; the others wait for the flush, if there is one, else for these."""
    seconds = waiter.seconds or 0.0
    flushing = [
        session.id
        for session in locks.sessions
        if session.id != waiter.id and is_flush(session.statement) and session.id in locks.waiting
    ]
    if flushing and not is_flush(waiter.statement):
        yield Edge(waiter.id, flushing[0], kind, seconds)
        return
    running = sorted(
        ((session.seconds or 0.0, session.id)
         for session in locks.sessions
         if session.command == "Query" and session.id not in locks.waiting and (session.seconds or 0.0) >= seconds),
        reverse=True,
    )  # fmt: skip
    blocker = running[0][1] if running else UNKNOWN
    yield Edge(waiter.id, blocker, kind, seconds, seen=False, candidates=len(running))
