"""A change to a monitored instance, before it is made: its statements, what it costs, and the state it was judged by.

A `Change` is composed by an engine's `Changer` from names and values. It is bound twice: `hash` is that of its exact
statements on their instance, `state` is what was seen of the things they touch. Before it is made the changer composes
it again; what differs in either is another change, which nobody approved.

A `Writer` is the one door through which anything is written to an instance.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from housecall.engines.engine import Probe, ServerFacts, Target
from housecall.wording import Language, Message

ChangeRisk = Literal["low", "medium", "high"]
Fate = Literal["happened", "not_happened", "running", "unknown"]
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What would be done, and what a person must know to decide.

    `state` identifies the things that are touched (JSON values); `facts` are what the rules of approval judge by.
    `lock_timeout_seconds` bounds each wait for a lock; a change that blocks nobody while it waits may wait longer.
    `duration` says how it was derived. `rollback` empty means that `rollback_note` says why.
    """

    tool: str
    instance_id: str
    arguments: Json
    statements: tuple[str, ...]
    title: Message
    lock: Message
    duration: Message
    risk: ChangeRisk
    verify: Message
    state: Json
    facts: Json = field(default_factory=dict)
    rollback: tuple[str, ...] = ()
    rollback_note: Message | None = None
    caution: Message | None = None
    size_bytes: int | None = None
    lock_timeout_seconds: float = 3.0

    @property
    def hash(self) -> str:
        """SHA-256 over instance and statements; two changes with the same hash do the same."""
        return statement_hash(self.instance_id, self.statements)

    def card(self, language: Language) -> dict[str, Any]:
        """The change card as JSON, in the words of `Remedy`."""
        card = {
            "title": self.title.render(language),
            "instance_id": self.instance_id,
            "statements": list(self.statements),
            "lock": self.lock.render(language),
            "size_bytes": self.size_bytes,
            "duration": self.duration.render(language),
            "risk": self.risk,
            "caution": self.caution.render(language) if self.caution else None,
            "rollback": list(self.rollback),
            "rollback_note": self.rollback_note.render(language) if self.rollback_note else None,
            "verify": self.verify.render(language),
            "state": dict(self.state),
            "hash": self.hash,
        }
        return {name: value for name, value in card.items() if value is not None}


def statement_hash(instance_id: str, statements: Sequence[str]) -> str:
    text = json.dumps([instance_id, *statements], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(seen: Json, now: Json) -> dict[str, tuple[Any, Any]]:
    """What of the state is no longer as it was seen: name to (then, now)."""
    return {name: (seen.get(name), now.get(name)) for name in sorted({*seen, *now}) if seen.get(name) != now.get(name)}


def same_server(one: Target, other: Target) -> bool:
    """Whether two targets are the same database of the same server, by whatever role."""
    return (one.engine, one.host, one.port, one.database) == (other.engine, other.host, other.port, other.database)


@dataclass(frozen=True, slots=True)
class Told:
    """What a changer found out afterwards: whether a change happened, in a sentence, and what must be cleaned up."""

    fate: Fate
    note: str = ""
    cleanup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What the server answered to the statements: rows of each as text (few), and how many rows it touched."""

    rows: tuple[tuple[str | None, ...], ...]
    affected_rows: int | None
    elapsed_seconds: float


class Writer(Protocol):
    """An open connection that may write. One change a writer; it is closed by who opened it."""

    facts: ServerFacts

    async def run(self, statements: Sequence[str], *, lock_timeout_seconds: float) -> Written:
        """Run the statements in order, each as a single statement and a transaction of its own.

        Raises StatementFailed (naming the grant when a right is missing), InstanceTimeout, InstanceUnreachable.
        """

    async def cancel(self) -> None:
        """Ask the server to end the running statement. Does nothing when idle."""


class Changer(Protocol):
    """What one engine can change. Everything but `open_writer` only reads."""

    @property
    def tools(self) -> tuple[str, ...]: ...

    async def compose(self, probe: Probe, tool: str, arguments: Json, instance_id: str) -> Change:
        """The change that these arguments stand for, with the state as it is now.

        Raises RequestError for arguments that mean nothing here, NotFound for a thing that does not exist.
        """

    async def measure(self, probe: Probe, change: Change) -> dict[str, Any]:
        """Numbers that the change should move, to be compared before and after."""

    async def settle(self, probe: Probe, change: Change) -> dict[str, Any]:
        """As `measure`, after the change: waits a moment for what does not happen at once."""

    async def leftovers(self, probe: Probe, change: Change) -> tuple[str, ...]:
        """Statements that remove what a failed change left behind."""

    async def look_up(self, probe: Probe, tool: str, arguments: Json, state: Json, since: str) -> Told:
        """Whether a change that was begun at `since` (ISO time) and whose end nobody recorded has happened."""

    def open_writer(
        self, target: Target, *, instance_id: str, statement_timeout_seconds: float
    ) -> AbstractAsyncContextManager[Writer]:
        """Connect to write. Raises as `Engine.open_probe`."""
