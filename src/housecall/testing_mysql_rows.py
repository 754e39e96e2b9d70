"""Hand-written snapshots of MySQL and MariaDB for unit tests: sessions that hold and wait, and a server around them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Sample, Snapshot
from housecall.engines.engine import Row, ServerFacts, Unavailable, Version
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.rows.server import StatusCounter, Variable
from housecall.engines.mysql.rows.sessions import LockWait, Session
from housecall.testing import row_of

VERSIONS = {
    "mysql": Version("mysql", 90704, "MySQL 9.7.4"),
    "mariadb": Version("mariadb", 101119, "MariaDB 10.11.19"),
}


def session(number: int, **values: Any) -> Session:
    known = {"user_name": "app", "client": "10.0.0.5", "database_name": "shop", "command": "Sleep", "session_total": 20}
    return row_of(Session, id=number, **{**known, **values})


def idle(number: int, seconds: float = 30.0, **values: Any) -> Session:
    """Asleep in a transaction that changed a row."""
    known = {
        "seconds": seconds, "transaction_seconds": seconds, "transaction_state": "RUNNING", "rows_locked": 1,
        "rows_modified": 1,
    }  # fmt: skip
    return session(number, **{**known, **values})


def running(number: int, seconds: float = 30.0, **values: Any) -> Session:
    known = {"command": "Query", "seconds": seconds, "statement": "SELECT 1", "state": "executing"}
    return session(number, **{**known, **values})


def row_waiter(number: int, seconds: float = 10.0, **values: Any) -> Session:
    known = {
        "transaction_state": "LOCK WAIT", "transaction_seconds": seconds, "lock_wait_seconds": seconds,
        "statement": "UPDATE orders SET a = 1 WHERE id = 7",
    }  # fmt: skip
    return running(number, seconds, **{**known, **values})


def stuck(number: int, state: str, statement: str, seconds: float = 10.0, **values: Any) -> Session:
    return running(number, seconds, state=state, statement=statement, **values)


def metadata_waiter(number: int, statement: str, seconds: float = 10.0, **values: Any) -> Session:
    return stuck(number, "Waiting for table metadata lock", statement, seconds, **values)


def wait(waiting: int, blocking: int, seconds: float = 10.0, row: str = "7") -> LockWait:
    return LockWait(waiting, blocking, seconds, "shop", "orders", "PRIMARY", "RECORD", "X", "X", row)


def counters(**values: float) -> list[Row]:
    return [StatusCounter(name, float(value)) for name, value in values.items()]


def variables(**values: object) -> list[Row]:
    return [Variable(name, str(value)) for name, value in values.items()]


def snapshot(
    *rows: Row,
    flavour: str = "mysql",
    unavailable: Sequence[str] = (),
    samples: Sequence[Sequence[Row]] = (),
    taken_seconds: float = 0.0,
    in_recovery: bool = False,
) -> Snapshot:
    """A reading of which no row is given came back empty; those named `unavailable` could not be had."""
    facts = ServerFacts(VERSIONS[flavour], "shop", "reader", False, True, in_recovery, 86400.0, ())
    readings: dict[str, Any] = {reading.name: () for reading in ENGINE.readings}
    readings |= _by_reading(rows)
    readings |= {name: Unavailable(name, "setting", f"{name} needs performance_schema", None) for name in unavailable}
    return Snapshot(
        instance="orders-db",
        engine="mysql",
        facts=facts,
        taken_at=datetime(2026, 6, 1, 12, 0, tzinfo=UTC),
        taken_seconds=taken_seconds,
        readings=readings,
        samples=tuple(Sample(float(number), _by_reading(each)) for number, each in enumerate(samples)),
    )


def verdict(*rows: Row, earlier: Snapshot | None = None, **how: Any) -> Diagnosis:
    return diagnose(snapshot(*rows, **how), earlier)


def found(diagnosis: Diagnosis, check: str) -> list[Finding]:
    return [each for each in diagnosis.findings if each.check == f"mysql.{check}"]


def causes(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(each.id, each.object) for each in diagnosis.causes]


def _by_reading(rows: Sequence[Row]) -> dict[str, tuple[Row, ...]]:
    by_name: dict[str, tuple[Row, ...]] = {}
    for row in rows:
        by_name[row.reading] = (*by_name.get(row.reading, ()), row)
    return by_name
