"""Checks of logins and passwords, by hand-written rows."""

from dataclasses import replace

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.rights import LoginRule, PasswordKind
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.testing import row_of, snapshot_of

DAY = 24 * 3600.0


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def severities(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.severity.value for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def rule(method: str, address: str | None, netmask: str | None = None, kind: str = "host") -> LoginRule:
    return row_of(
        LoginRule, line_number=90, type=kind, databases=["all"], users=["all"], address=address, netmask=netmask,
        method=method, rules=1,
    )  # fmt: skip


def listens(where: str) -> ServerSetting:
    return row_of(
        ServerSetting, name="listen_addresses", value=where, context="postmaster", source="configuration file"
    )


@pytest.mark.parametrize(
    ("row", "where", "severity"),
    [
        (rule("trust", "0.0.0.0", "0.0.0.0"), "*", "critical"),
        (rule("trust", "all"), "*", "critical"),
        (rule("trust", "10.0.0.0", "255.0.0.0"), "*", "warning"),
        (rule("trust", "10.0.0.0", "255.0.0.0"), "localhost", "notice"),
        (rule("trust", "127.0.0.1", "255.255.255.255"), "*", "notice"),
        (rule("trust", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "*", "notice"),
        (rule("trust", None, kind="local"), "*", "info"),
        (rule("password", "10.0.0.0", "255.0.0.0"), "*", "notice"),
        (rule("password", "127.0.0.1", "255.255.255.255"), "*", None),
        (rule("md5", "all"), "*", "info"),
        (rule("scram-sha-256", "all"), "*", None),
        (rule("reject", "all"), "*", None),
        (rule("peer", None, kind="local"), "*", None),
    ],
)
def test_weak_authentication_is_as_bad_as_those_who_can_come(row: LoginRule, where: str, severity: str | None) -> None:
    diagnosis = diagnose(snapshot_of(row, listens(where)))
    assert severities(diagnosis, "weak_authentication") == ([severity] if severity else [])
    named = caused(diagnosis, "weak_authentication")
    assert len(named) == (row.method in ("trust", "password") and severity is not None)
    assert all("scram-sha-256" in str(each.remedies[0].title) for each in named)


def test_weak_authentication_names_a_line_that_the_server_cannot_read() -> None:
    row = replace(rule("trust", "all"), error="invalid authentication method")
    diagnosis = diagnose(snapshot_of(row, listens("*")))
    assert severities(diagnosis, "weak_authentication") == ["notice"]
    assert caused(diagnosis, "weak_authentication") == []


@pytest.mark.parametrize(("unasked", "count"), [(True, 1), (False, 0), (None, 0)])
def test_weak_authentication_without_the_rules_is_known_from_our_own_login(unasked: bool | None, count: int) -> None:
    refused = Unavailable("login_rules", "privilege", "permission denied for view pg_hba_file_rules", "EXECUTE")
    snapshot = snapshot_of(unavailable=[refused])
    diagnosis = diagnose(replace(snapshot, facts=replace(snapshot.facts, let_in_unasked=unasked)))
    assert len(caused(diagnosis, "weak_authentication")) == count
    (missed,) = [each for each in diagnosis.not_evaluated if each.check == "postgresql.weak_authentication"]
    assert "GRANT SELECT ON pg_catalog.pg_hba_file_rules TO reader;" in str(missed.remedy)


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({"kind": "md5"}, "notice"),
        ({"kind": "plain"}, "notice"),
        ({"kind": "md5", "is_own_name": True}, "warning"),
        ({"kind": "none"}, None),
        ({"kind": "scram-sha-256", "valid_seconds": 7 * DAY - 1}, "notice"),
        ({"kind": "scram-sha-256", "valid_seconds": 7 * DAY}, None),
        ({"kind": "scram-sha-256", "valid_seconds": -5.0}, "notice"),
    ],
)
def test_weak_passwords_are_old_hashes_own_names_and_near_ends(values: dict[str, object], severity: str | None) -> None:
    diagnosis = diagnose(snapshot_of(row_of(PasswordKind, role_name="web", **values)))
    assert severities(diagnosis, "weak_passwords") == ([severity] if severity else [])
    assert [each.object for each in caused(diagnosis, "weak_authentication")] == (
        ["role web"] if severity == "warning" else []
    )


def test_weak_passwords_cannot_be_seen_by_a_plain_role() -> None:
    refused = Unavailable("password_kinds", "privilege", "permission denied for table pg_authid", "superuser")
    diagnosis = diagnose(snapshot_of(unavailable=[refused]))
    assert [each.check for each in diagnosis.not_evaluated if "weak_passwords" in each.check]
