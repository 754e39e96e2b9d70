"""The audit log: who did what, from where, and what became of it. It can only grow; the store refuses to change it.

Entries are collected and written together a few times a second; `flush` waits until everything so far is stored, and
whoever answers a denial or a change waits for it. So a crash loses at most a quarter of a second of calls that only
read. An entry holds names and hashes, never parameters, statements, tokens or secrets.

Calls that prove no identity are written as well, at most `STRANGERS_A_SECOND` of them one by one: what anybody may
send must not fill the disk. The others of that second become one entry with their number.
"""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, select

from housecall.clock import Clock, utc_now
from housecall.errors import StoreError
from housecall.store.database import Database
from housecall.store.tables import AuditRow

WRITE_SECONDS = 0.25
BATCH = 500
MAX_WAITING = 20_000
"""Entries kept while the store is away; beyond it the oldest are given up, with a line in the process's log."""
STRANGERS_A_SECOND = 20
SHOWN_CHARACTERS = 200
_INSERT = insert(AuditRow.__table__)  # type: ignore[arg-type]  # a mapped class's table is a Table

AuditDecision = Literal["allowed", "denied", "unauthenticated"]
AuditSource = Literal["api", "agent", "cli"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did or tried.

    `result` is "ok", what was decided or done, or the code of the error; `status` the HTTP status (0 where there is
    none). `request_id` is that of the API call or, for what the agent does, of the run. `call_id` is the call of a tool
    that a decision is about and that carries it out: it joins who decided, from where, with what became of it.
    """

    operation: str
    decision: AuditDecision
    source: AuditSource
    account_id: str = ""
    principal: str = ""
    user_id: str = ""
    access_key_id: str = ""
    source_address: str = ""
    request_id: str = ""
    action: str = ""
    instance_id: str | None = None
    statement_hash: str | None = None
    result: str = "ok"
    status: int = 0
    at: datetime | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it stands in the log. Numbers rise with time; some are missing where a transaction failed."""

    number: int
    at: datetime
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to read. None: whatever it is. `user` is a user's id or the principal's resource name."""

    account_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    user: str | None = None
    access_key_id: str | None = None
    operation: str | None = None
    decision: str | None = None
    instance_id: str | None = None
    request_id: str | None = None
    result: str | None = None
    call_id: str | None = None


@dataclass
class _Strangers:
    """Calls without an identity in the current second."""

    second: int = 0
    count: int = 0
    left_out: int = field(default=0)


class AuditLog:
    """Writes and reads the audit log. `close` writes what is left."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[dict[str, Any]] = []
        self._strangers = _Strangers()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def record(self, entry: AuditEntry) -> None:
        """Never waits and never fails; the entry is stored soon."""
        if entry.decision == "unauthenticated" and not self._admit_stranger():
            return
        self._add(entry)

    async def flush(self) -> None:
        """Return when everything recorded so far is stored. Raises StoreError."""
        async with self._writing:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                with contextlib.ExitStack() as undo:
                    undo.callback(self._put_back, batch)
                    async with self._database.begin("writing the audit log") as connection:
                        await connection.execute(_INSERT, batch)
                    undo.pop_all()

    def _put_back(self, batch: list[dict[str, Any]]) -> None:
        self._waiting[:0] = batch

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._settle_strangers()
        try:
            await self.flush()
        except StoreError as error:
            log.error("%d entries of the audit log are lost: %s", len(self._waiting), error.message)

    async def read(self, wanted: AuditFilter, *, after: int = 0, limit: int = 100) -> Sequence[StoredEntry]:
        """Oldest first, those with a number above `after`. What this process recorded is included."""
        await self.flush()
        query = select(AuditRow.__table__).where(*_conditions(wanted), AuditRow.number > after)
        async with self._database.begin("reading the audit log") as connection:
            rows = await connection.execute(query.order_by(AuditRow.number).limit(limit))
            return [_entry(row) for row in rows]

    async def newest(
        self, wanted: AuditFilter, *, before: int | None = None, limit: int = 100
    ) -> Sequence[StoredEntry]:
        """Newest first, those with a number below `before`."""
        await self.flush()
        query = select(AuditRow.__table__).where(*_conditions(wanted))
        if before is not None:
            query = query.where(AuditRow.number < before)
        async with self._database.begin("reading the audit log") as connection:
            rows = await connection.execute(query.order_by(AuditRow.number.desc()).limit(limit))
            return [_entry(row) for row in rows]

    def _add(self, entry: AuditEntry) -> None:
        if len(self._waiting) >= MAX_WAITING:
            log.error("the audit log cannot be written; its oldest entry is given up")
            del self._waiting[0]
        self._waiting.append(_values(entry, entry.at or self._clock()))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_soon(), name="housecall audit log")

    async def _write_soon(self) -> None:
        """Lives while there is something to write."""
        while self._waiting or self._strangers.left_out:
            await asyncio.sleep(WRITE_SECONDS)
            self._settle_strangers()
            with contextlib.suppress(StoreError):  # tried again; whoever must know waits in flush
                await self.flush()

    def _admit_stranger(self) -> bool:
        now = int(time.monotonic())
        if now != self._strangers.second:
            self._settle_strangers()
            self._strangers = _Strangers(now)
        self._strangers.count += 1
        if self._strangers.count > STRANGERS_A_SECOND:
            self._strangers.left_out += 1
            return False
        return True

    def _settle_strangers(self) -> None:
        if self._strangers.left_out and int(time.monotonic()) != self._strangers.second:
            told = f"and {self._strangers.left_out} more"
            self._strangers = _Strangers(self._strangers.second)
            self._add(AuditEntry("*", "unauthenticated", "api", result=told))


def statement_hash(statement: str) -> str:
    """How a statement is named in the log: the SHA-256 of its text."""
    return hashlib.sha256(statement.encode("utf-8", "surrogatepass")).hexdigest()


def _values(entry: AuditEntry, at: datetime) -> dict[str, Any]:
    texts = {
        name: _shown(getattr(entry, name))
        for name in (
            "account_id", "principal", "user_id", "access_key_id", "source", "source_address", "request_id",
            "operation", "action", "decision", "result",
        )
    }  # fmt: skip
    return texts | {
        "at": at,
        "instance_id": None if entry.instance_id is None else _shown(entry.instance_id),
        "statement_hash": entry.statement_hash,
        "status": entry.status,
        "call_id": None if entry.call_id is None else _shown(entry.call_id),
    }


def _shown(text: str) -> str:
    """What a log line may hold: short, printable, storable."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:SHOWN_CHARACTERS])


def _conditions(wanted: AuditFilter) -> list[Any]:
    exact = {
        AuditRow.account_id: wanted.account_id,
        AuditRow.access_key_id: wanted.access_key_id,
        AuditRow.operation: wanted.operation,
        AuditRow.decision: wanted.decision,
        AuditRow.instance_id: wanted.instance_id,
        AuditRow.request_id: wanted.request_id,
        AuditRow.result: wanted.result,
        AuditRow.call_id: wanted.call_id,
    }
    found = [column == value for column, value in exact.items() if value is not None]
    if wanted.user is not None:
        found.append((AuditRow.user_id == wanted.user) | (AuditRow.principal == wanted.user))
    if wanted.since is not None:
        found.append(AuditRow.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditRow.at < wanted.until)
    return found


def _entry(row: Any) -> StoredEntry:
    return StoredEntry(
        row.number,
        row.at,
        AuditEntry(
            operation=row.operation,
            decision=row.decision,
            source=row.source,
            account_id=row.account_id,
            principal=row.principal,
            user_id=row.user_id,
            access_key_id=row.access_key_id,
            source_address=row.source_address,
            request_id=row.request_id,
            action=row.action,
            instance_id=row.instance_id,
            statement_hash=row.statement_hash,
            result=row.result,
            status=row.status,
            at=row.at,
            call_id=row.call_id,
        ),
    )
