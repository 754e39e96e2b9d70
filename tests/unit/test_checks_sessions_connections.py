"""Connections, deadlocks, rollbacks and subtransactions by hand-written rows, on both sides of each threshold."""

from dataclasses import replace

import pytest

from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.finding import Severity
from housecall.engines.engine import Row
from housecall.engines.postgresql.rows.connections import SessionGroup, UpkeepSettings
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.transactions import Subtransactions, TransactionCounters
from housecall.testing import row_of, snapshot_of

SETTINGS = row_of(
    UpkeepSettings, max_connections=103, superuser_reserved_connections=3, autovacuum=True, track_counts=True,
    default_isolation="read committed",
)  # fmt: skip
HOUR = 3600.0


def severities(diagnosis: Diagnosis, check: str) -> list[Severity]:
    return [each.severity for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def causes(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(each.id, each.object) for each in diagnosis.causes]


def group(sessions: int, **values: object) -> SessionGroup:
    known = {
        "user_name": "app", "database": "shop", "application": "api", "state": "idle", "sessions": sessions,
        "session_total": sessions, "user_total": sessions, "database_total": sessions,
    }  # fmt: skip
    return row_of(SessionGroup, **{**known, **values})


def verdict(*rows: Row) -> Diagnosis:
    return diagnose(snapshot_of(SETTINGS, *rows))


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (69, []),
        (70, [Severity.NOTICE]),
        (84, [Severity.NOTICE]),
        (85, [Severity.WARNING]),
        (94, [Severity.WARNING]),
        (95, [Severity.CRITICAL]),
    ],
)
def test_connections_used_of_those_that_ordinary_roles_may_use(used: int, expected: list[Severity]) -> None:
    assert severities(verdict(group(used)), "connections_used") == expected


def test_connection_saturation_ends_only_sessions_that_have_been_idle_for_a_while() -> None:
    diagnosis = verdict(group(90, application="o'brien", median_state_seconds=20.0))
    assert causes(diagnosis) == [("connection_saturation", "server")]
    (statement,) = diagnosis.causes[0].remedies[0].statements
    assert "application_name = 'o''brien' AND state = 'idle' AND state_change <" in statement
    assert statement.endswith("interval '10 seconds'")


def test_busy_sessions_are_never_ended_to_make_room() -> None:
    (cause,) = verdict(group(90, state="active")).causes
    assert all(remedy.statements == () for remedy in cause.remedies)


def test_limit_of_a_role_counts_all_its_sessions() -> None:
    found = verdict(group(3, user_total=9, user_limit=10)).findings
    assert ("app", "role", Severity.WARNING) in [(each.object, each.object_kind, each.severity) for each in found]


@pytest.mark.parametrize(
    ("sessions", "idle_seconds", "count"), [(21, 600.0, 1), (20, 600.0, 0), (21, 599.0, 0), (21, None, 0)]
)
def test_connection_leak_takes_number_and_age(sessions: int, idle_seconds: float | None, count: int) -> None:
    assert len(severities(verdict(group(sessions, median_state_seconds=idle_seconds)), "connection_leak")) == count


def test_leak_explains_the_full_pool() -> None:
    assert causes(verdict(group(96, median_state_seconds=900.0))) == [("connection_leak", "role app")]


@pytest.mark.parametrize(
    ("sessions", "total", "expected"),
    [
        (50, 70, [("connection_leak", "role app")]),
        (49, 70, []),
        (50, 69, []),
        (50, 84, [("connection_leak", "role app")]),
        (50, 85, [("connection_saturation", "server")]),
    ],
)
def test_idle_sessions_that_fill_a_server_are_noticed_whatever_their_age(
    sessions: int, total: int, expected: list[tuple[str, str]]
) -> None:
    diagnosis = verdict(group(sessions, session_total=total, median_state_seconds=4.0))
    assert causes(diagnosis) == expected
    assert all(cause.severity is Severity.NOTICE for cause in diagnosis.causes if cause.id == "connection_leak")


def counters(**values: object) -> TransactionCounters:
    known = {"database": "shop", "is_current": True, "statistics_seconds": 10 * HOUR, "sessions": 0}
    return row_of(TransactionCounters, **{**known, **values})


def window(before: TransactionCounters, after: TransactionCounters, seconds: float = 10.0, *more: Row) -> Diagnosis:
    earlier = snapshot_of(SETTINGS, before, *more)
    return diagnose(snapshot_of(SETTINGS, after, *more, taken_seconds=seconds), earlier)


@pytest.mark.parametrize(
    ("new", "expected"), [(99, []), (100, [Severity.NOTICE]), (399, [Severity.NOTICE]), (400, [Severity.WARNING])]
)
def test_connection_churn_is_a_rate_over_the_window(new: int, expected: list[Severity]) -> None:
    diagnosis = window(counters(sessions=1000), counters(sessions=1000 + new))
    assert severities(diagnosis, "connection_churn") == expected
    assert [each.id for each in diagnosis.causes] == ["connection_churn"] * len(expected)


def test_version_without_session_counters_says_so() -> None:
    assert "postgresql.connection_churn" in {each.check for each in verdict(counters(sessions=None)).not_evaluated}


@pytest.mark.parametrize(
    ("deadlocks", "seconds", "expected"),
    [
        (0, HOUR, []),
        (1, 60.0, [Severity.WARNING]),
        (1, HOUR, [Severity.WARNING]),
        (1, 2 * HOUR, [Severity.NOTICE]),
        (1, 24 * HOUR, [Severity.NOTICE]),
        (1, 25 * HOUR, [Severity.INFO]),
        (25, 25 * HOUR, [Severity.WARNING]),
    ],
)
def test_deadlocks_are_judged_by_their_rate(deadlocks: int, seconds: float, expected: list[Severity]) -> None:
    diagnosis = verdict(counters(deadlocks=deadlocks, statistics_seconds=seconds))
    assert severities(diagnosis, "deadlocks") == expected


def test_deadlock_in_the_window_is_present_whatever_the_rate() -> None:
    old = {"statistics_seconds": 1000 * HOUR}
    diagnosis = window(counters(deadlocks=1, **old), counters(deadlocks=2, **old))
    assert [(each.id, each.severity, each.past) for each in diagnosis.causes] == [("deadlock", Severity.WARNING, False)]


def test_rare_old_deadlocks_are_past() -> None:
    diagnosis = verdict(counters(deadlocks=10, statistics_seconds=100 * HOUR))
    assert [(each.id, each.past) for each in diagnosis.causes] == [("deadlock", True)]


@pytest.mark.parametrize(("rollbacks", "expected"), [(99, []), (100, [Severity.NOTICE])])
def test_rollback_ratio_takes_a_tenth_of_a_thousand(rollbacks: int, expected: list[Severity]) -> None:
    diagnosis = verdict(counters(commits=1000 - rollbacks, rollbacks=rollbacks))
    assert severities(diagnosis, "rollback_ratio") == expected
    assert diagnosis.causes == ()


def test_rollbacks_of_the_past_are_no_news_when_the_window_is_clean() -> None:
    diagnosis = window(counters(commits=500, rollbacks=500), counters(commits=600, rollbacks=500))
    assert severities(diagnosis, "rollback_ratio") == []


def test_rollbacks_under_predicate_locks_are_probably_serialization_failures() -> None:
    settings = replace(SETTINGS, serializable_locks=5)
    diagnosis = diagnose(snapshot_of(settings, counters(commits=500, rollbacks=500)))
    assert [(each.id, each.confidence) for each in diagnosis.causes] == [("serialization_failures", 0.6)]


def test_subtransactions_past_the_cache_are_a_notice_until_somebody_suffers() -> None:
    overflowed = row_of(Subtransactions, overflowed_sessions=1, worst_pid=7, worst_subtransactions=64)
    assert severities(verdict(overflowed), "subtransactions") == [Severity.NOTICE]
    waiting = [
        row_of(Session, pid=each, state="active", visible=True, wait_event_type="LWLock", wait_event="SubtransSLRU")
        for each in range(5)
    ]
    diagnosis = diagnose(snapshot_of(SETTINGS, overflowed, *waiting, samples=[waiting] * 3))
    assert causes(diagnosis) == [("subtransaction_overflow", "pid 7")]
    assert diagnosis.causes[0].severity is Severity.WARNING


@pytest.mark.parametrize(("asked", "expected"), [(9_990, []), (10_000, [Severity.WARNING])])
def test_busy_subtransaction_cache_shows_by_its_rate(asked: int, expected: list[Severity]) -> None:
    earlier = snapshot_of(SETTINGS, row_of(Subtransactions))
    now = snapshot_of(SETTINGS, row_of(Subtransactions, cache_hits=asked), taken_seconds=10.0)
    assert severities(diagnose(now, earlier), "subtransactions") == expected
