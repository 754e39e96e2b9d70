"""For live tests: background sessions that hold and wait, and are gone when the test ends."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.diagnosis.finding import Finding
from housecall.testing import PrivateDatabase

PATIENCE_SECONDS = 20.0


def wait_until(true: Callable[[], bool], what: str, *, every_seconds: float = 0.02) -> None:
    """Wait for a state of the server, by asking for it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(every_seconds)


class Background:
    """Sessions that a test opened; `run` starts a statement that may wait for long."""

    def __init__(self, database: PrivateDatabase) -> None:
        self._database = database
        self._connections: list[psycopg.Connection[Any]] = []
        self._threads: list[threading.Thread] = []

    def session(self, *statements: str, application: str = "checkout") -> psycopg.Connection[Any]:
        """A session that ran these statements, the first opening a transaction when it is BEGIN."""
        connection = psycopg.connect(self._database.dsn, autocommit=True, application_name=application)
        self._connections.append(connection)
        for statement in statements:
            connection.execute(statement.encode())
        return connection

    def run(self, statement: str, application: str = "api") -> None:
        """Start a statement in a session of its own, without waiting for it."""
        self._start(statement, application, repeat=False)

    def repeat(self, statement: str, application: str = "api") -> None:
        """Run a statement again and again in a session of its own, until the end."""
        self._start(statement, application, repeat=True)

    def _start(self, statement: str, application: str, *, repeat: bool) -> None:
        connection = self.session(application=application)

        def work() -> None:
            with suppress(psycopg.Error):
                connection.execute(statement.encode())
                while repeat:
                    connection.execute(statement.encode())

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    def waiting(self, seconds: float = 0.0) -> int:
        """How many sessions of this database have been waiting for a lock for so long."""
        since = "l.waitstart" if self._database.server.version >= 14 else "a.state_change"  # 13 knows no waitstart
        count: int = self._database.value(
            "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
            " WHERE NOT l.granted AND a.datname = current_database()"
            f" AND {since} < clock_timestamp() - interval '{seconds} seconds'"
        )
        return count

    def wait_for_queue(self, sessions: int, seconds: float = 0.0) -> None:
        wait_until(lambda: self.waiting(seconds) >= sessions, f"{sessions} sessions wait for {seconds} s")

    def close(self) -> None:
        with psycopg.connect(self._database.server.cluster.dsn(), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self._database.name,)
            )
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        for connection in self._connections:
            connection.close()


@contextmanager
def background(database: PrivateDatabase) -> Iterator[Background]:
    sessions = Background(database)
    try:
        yield sessions
    finally:
        sessions.close()


def the_cause(diagnosis: Diagnosis, cause_id: str) -> Cause:
    found = [cause for cause in diagnosis.causes if cause.id == cause_id]
    assert found, f"no {cause_id} among {[(each.id, each.object) for each in diagnosis.causes]}"
    return found[0]


def cause_ids(diagnosis: Diagnosis) -> set[str]:
    return {cause.id for cause in diagnosis.causes}


def findings(diagnosis: Diagnosis, check: str) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


def apply(database: PrivateDatabase, cause: Cause, number: int = 0) -> None:
    """Run the statements of a remedy as they stand."""
    database.execute(*cause.remedies[number].statements)
