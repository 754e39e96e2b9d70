"""The machinery of diagnosis: running checks, ranking causes, bundles."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from housecall.clock import utc_now
from housecall.diagnosis.cause import Cause, rank
from housecall.diagnosis.check import Check, Limits, RegisteredCheck, run_check
from housecall.diagnosis.finding import Evidence, Finding, Severity
from housecall.diagnosis.snapshot import Snapshot, snapshot_from_json, snapshot_to_json
from housecall.engines.engine import Row, ServerFacts, Unavailable, Version, parse_reading
from housecall.errors import RequestError
from housecall.wording import Say

FACTS = ServerFacts(Version("postgresql", 150018, "PostgreSQL 15.18"), "shop", "reader", False, True, False, 1e6, ())
NO_READINGS = Snapshot("orders-db", "postgresql", FACTS, utc_now(), 0.0, {})
CHECK = Check("postgresql.example", "instance_info", Severity.WARNING, Say(en="Example"))


class MissingRow(Row, reading="missing"):
    pass


def finding(name: str, severity: Severity = Severity.WARNING) -> Finding:
    evidence = (Evidence("count", 1, "rows", "example"),)
    return Finding("postgresql.example", "instance_info", severity, name, "table", Say(en="it is so")(), evidence)


def cause(
    name: str, *, severity: Severity = Severity.WARNING, rests_on: str = "", absorbs: str = "", impact: float = 0
) -> Cause:
    return Cause(
        name, name, "table", severity, 0.9, Say(en=name)(), (), (), (), tuple(rests_on.split()), tuple(absorbs.split()),
        impact,
    )  # fmt: skip


def registered(judge) -> RegisteredCheck:
    return RegisteredCheck(CHECK, judge, "page", "module", Limits(()))


def test_a_reading_that_is_not_there_makes_the_check_not_evaluated_with_the_reason() -> None:
    missing = Unavailable(
        "missing", "privilege", "role 'reader' may not read missing: permission denied", "GRANT pg_monitor TO reader;"
    )
    now = replace(NO_READINGS, readings={"missing": missing})

    def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
        now.rows(MissingRow)
        yield finding("never")

    found, not_evaluated = run_check(registered(judge), now, None)
    assert found == []
    assert [each.to_json("en") for each in not_evaluated] == [
        {
            "check": CHECK.id,
            "reason": "role 'reader' may not look there: permission denied",
            "remedy": "GRANT pg_monitor TO reader;",
        }
    ]


def test_a_reading_that_this_version_does_not_have_is_no_complaint() -> None:
    now = replace(NO_READINGS, readings={"missing": Unavailable("missing", "version", "not on 15")})

    def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
        yield from (finding(str(row)) for row in now.rows(MissingRow))

    assert run_check(registered(judge), now, None) == ([], [])


def test_a_check_with_a_bug_is_not_evaluated_and_never_healthy() -> None:
    def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
        yield finding("seen")
        raise ZeroDivisionError("division by zero")

    found, not_evaluated = run_check(registered(judge), NO_READINGS, None)
    assert len(found) == 1
    assert "ZeroDivisionError" in str(not_evaluated[0].reason)


def test_a_fingerprint_survives_other_words_values_and_severities() -> None:
    first = finding("public.orders")
    second = replace(first, message=Say(en="other words")(), severity=Severity.CRITICAL, evidence=())
    assert first.fingerprint == second.fingerprint
    assert finding("public.items").fingerprint != first.fingerprint


def test_causes_are_ranked_by_severity_then_impact() -> None:
    small, big = cause("small", impact=0.1), cause("big", impact=0.7)
    critical = cause("critical", severity=Severity.CRITICAL)
    assert [each.id for each in rank([small, critical, big])] == ["critical", "big", "small"]


def test_accounts_without_a_password_come_behind_a_trouble_of_the_same_weight() -> None:
    hygiene, trouble = replace(cause("weak_authentication"), confidence=0.99), replace(cause("t"), confidence=0.5)
    assert [each.id for each in rank([hygiene, trouble])] == ["t", "weak_authentication"]
    louder = replace(hygiene, severity=Severity.CRITICAL)
    assert rank([trouble, louder])[0].id == "weak_authentication"


@pytest.mark.parametrize(("held_up", "first"), [(0.6, "blocker"), (0.4, "statement")])
def test_sessions_that_wait_leave_only_the_rest_to_the_statements(held_up: float, first: str) -> None:
    blocker, statement = replace(cause("blocker"), holds_up=held_up), cause("statement", impact=0.9)
    assert rank([statement, blocker])[0].id == first


def test_who_waits_for_a_cause_that_is_over_weighs_nothing() -> None:
    statements = [cause("statement", impact=0.9), replace(cause("past"), holds_up=1.0, past=True)]
    assert [each.impact for each in rank(statements)] == [0.9, 0.0]


def test_a_past_cause_ranks_behind_a_present_one() -> None:
    past = replace(cause("past", severity=Severity.CRITICAL), past=True)
    assert [each.id for each in rank([past, cause("present")])] == ["present", "past"]


def test_a_symptom_is_folded_into_its_root_even_when_it_is_louder() -> None:
    root = cause("idle", rests_on="a", absorbs="b c")
    symptom = cause("saturation", severity=Severity.CRITICAL, rests_on="b")
    ranked = rank([symptom, root])
    assert [each.id for each in ranked] == ["idle"]
    assert ranked[0].symptoms == ("saturation: saturation",)


def test_a_cause_that_rests_on_something_unexplained_stays() -> None:
    root = cause("idle", rests_on="a", absorbs="b")
    other = cause("saturation", rests_on="b d")
    assert {each.id for each in rank([root, other])} == {"idle", "saturation"}


def test_two_causes_that_explain_each_other_keep_the_stronger() -> None:
    first = cause("first", rests_on="a", absorbs="b", impact=0.9)
    second = cause("second", rests_on="b", absorbs="a", impact=0.1)
    assert [each.id for each in rank([second, first])] == ["first"]


def test_a_past_cause_explains_no_present_one() -> None:
    past = replace(cause("past", rests_on="a", absorbs="b"), past=True)
    assert [each.id for each in rank([past, cause("queue", rests_on="b")])] == ["queue", "past"]


def test_a_bundle_of_another_format_is_refused() -> None:
    bundle = snapshot_to_json(NO_READINGS)
    assert snapshot_from_json(bundle, ()) == NO_READINGS
    with pytest.raises(RequestError, match="format"):
        snapshot_from_json({**bundle, "format": 99}, ())
    with pytest.raises(RequestError, match="not a bundle"):
        snapshot_from_json([1, 2], ())


def test_a_damaged_bundle_is_told_so() -> None:
    bundle = snapshot_to_json(NO_READINGS)
    del bundle["facts"]["version"]
    with pytest.raises(RequestError, match="damaged"):
        snapshot_from_json(bundle, ())


def test_a_reading_without_its_header_does_not_load() -> None:
    with pytest.raises(ValueError, match="privilege"):
        parse_reading("bare", "-- asks: what?\n-- versions: 13-\n-- cost: none\nSELECT 1", MissingRow)


@pytest.mark.parametrize(("versions", "serves"), [("13-", True), ("13-15", True), ("16-", False), ("13-14", False)])
def test_a_reading_serves_the_versions_of_its_header(versions: str, serves: bool) -> None:
    text = f"-- asks: what?\n-- privilege: none\n-- versions: {versions}\n-- cost: none\nSELECT 1;\n"
    assert parse_reading("some", text, MissingRow).serves(FACTS.version) is serves
