"""The seam of the fault benchmark: what it needs of an engine. One module an engine implements it.

A `Lab` prepares the data of a schema once and hands out a fresh server with it for each run. A `Patient` is such a
server: statements go to it as somebody, and it is examined as somebody. Everything is blocking; a run has a process
of its own.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from benchmarks.faults.names import Values
from benchmarks.faults.scenario import Schema
from housecall.engines.engine import Engine, Probe, Target

SERVICE = "service"
"""The account of the application: it owns the tables and is no administrator."""


class Session(Protocol):
    """One connection in autocommit mode."""

    pid: int

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows, empty when there are none. Raises `Patient.failures`."""

    def close(self) -> None: ...


class Patient(Protocol):
    """A fresh server with the tables of a schema."""

    engine: Engine
    failures: type[Exception] | tuple[type[Exception], ...]
    """What a statement or a connection that fails raises."""
    full_role: str
    least_role: str
    control: str
    """A statement that no remedy can touch; its time tells how busy the machine is."""

    @property
    def address(self) -> Mapping[str, str]:
        """Where other tools find it, with all rights: socket, port, user, password, database."""

    def limits(self, seconds: int) -> Sequence[str]:
        """Statements that end what a session does after so long."""

    def connect(self, role: str, application: str = "app") -> Session: ...

    def execute(self, *statements: str) -> None:
        """As administrator, over a connection of its own, whose counters are reported when it closes."""

    def value(self, statement: str) -> Any:
        """The single value of a statement, as administrator."""

    def target(self, role: str) -> Target: ...

    def end_sessions(self) -> None:
        """End every session but our own, so that nothing waits any more."""

    def restart(self, how: Mapping[str, Any]) -> None:
        """Stop, apply `settings`, run `tools`, make `files`, start."""

    def standby(self, settings: Mapping[str, str]) -> "Patient":
        """A second server that follows this one; it stops with it."""

    def stop(self) -> None:
        """End every session and the server, and its standby. May be called twice."""

    def reset_counters(self) -> None:
        """What counts statements begins anew, as after a deployment."""

    async def task_of(self, probe: Probe) -> str | None:
        """What serves this session: `<pid>` or `<pid>/task/<tid>`, or None where the server does not tell."""

    def traffic(self, statements: Sequence[str], chance: Any) -> AbstractContextManager[None]:
        """Harmless load for as long as the block runs: these statements at a fixed rate, and some noise."""


class Lab(Protocol):
    """Prepares data once, and starts patients."""

    def prepare(self, key: str, schema: Schema, values: Values) -> None: ...

    def patient(self, key: str, settings: Mapping[str, str], *, bare: bool) -> AbstractContextManager[Patient]:
        """A fresh server with the data of `key`. `bare`: without what counts statements."""
