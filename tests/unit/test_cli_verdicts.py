"""Verdicts on the command line: exit codes, bundles, what is printed."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from housecall.app import build_engines
from housecall.cli.bundles import bundle_of, judge_bundle, write_bundle
from housecall.cli.examine import exit_code
from housecall.cli.verdict import print_verdict
from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import ServerFacts, Version
from housecall.engines.instance import Engines
from housecall.errors import RequestError
from housecall.settings import Settings
from housecall.wording import Say

FACTS = ServerFacts(Version("postgresql", 180004, "PostgreSQL 18.4"), "shop", "reader", False, True, False, 3600.0, ())
SNAPSHOT = Snapshot("shop", "postgresql", FACTS, datetime(2026, 1, 31, 12, tzinfo=UTC), 100.0, {})


def found(severity: Severity) -> Finding:
    summary = Say("{name} is not used")(name="public.i")
    return Finding("postgresql.unused_index", "schema_object_analysis", severity, "public.i", "index", summary, ())


def verdict(*findings: Finding) -> Diagnosis:
    return Diagnosis(SNAPSHOT, None, (), findings, ())


@pytest.fixture
def engines() -> Engines:
    return build_engines(Settings())


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ((), 0),
        ((Severity.INFO,), 0),
        ((Severity.NOTICE,), 1),
        ((Severity.INFO, Severity.CRITICAL), 1),
    ],
)
def test_exit_code_is_one_from_notice_on(severities: tuple[Severity, ...], code: int) -> None:
    assert exit_code(verdict(*map(found, severities))) == code


@pytest.mark.parametrize(("severity", "code"), [(Severity.INFO, 0), (Severity.NOTICE, 1)])
def test_exit_code_counts_causes_as_it_counts_findings(severity: Severity, code: int) -> None:
    told = Say("{name} is not used")(name="public.i")
    cause = Cause("unused_index", "public.i", "index", severity, 0.9, told, (), (), (), ())
    assert exit_code(replace(verdict(), causes=(cause,))) == code


def test_what_could_not_be_looked_at_is_printed_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    missed = (
        NotEvaluated("postgresql.a", Say("no right")(), "GRANT x;"),
        NotEvaluated("postgresql.b", Say("no right")(), "GRANT x;"),
    )
    print_verdict(Diagnosis(SNAPSHOT, None, (), (), missed), "en")
    told = capsys.readouterr().out
    assert "postgresql.a, postgresql.b: no right" in told
    assert "→ GRANT x;" in told


def test_a_finding_without_a_cause_is_printed_with_its_severity(capsys: pytest.CaptureFixture[str]) -> None:
    print_verdict(verdict(found(Severity.WARNING)), "en")
    assert "warning  public.i is not used" in capsys.readouterr().out


def test_a_clean_verdict_says_that_only_what_was_seen_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    print_verdict(verdict(), "en")
    assert "Nothing wrong was found in what could be looked at." in capsys.readouterr().out


def test_a_bundle_of_two_looks_gives_the_same_verdict(tmp_path: Path, engines: Engines) -> None:
    earlier = replace(SNAPSHOT, taken_seconds=98.5)
    original = diagnose(SNAPSHOT, earlier)
    write_bundle(tmp_path / "bundle.json", bundle_of(original))
    again = judge_bundle(tmp_path / "bundle.json", engines)
    assert again.to_json() == original.to_json()
    assert again.earlier == earlier


def test_a_bundle_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle.json", bundle_of(verdict()))
    assert (tmp_path / "bundle.json").stat().st_mode & 0o777 == 0o600


def test_a_bundle_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be written"):
        write_bundle(tmp_path / "missing" / "bundle.json", bundle_of(verdict()))
    (tmp_path / "bundle.json").mkdir()
    with pytest.raises(RequestError, match="cannot be written"):
        write_bundle(tmp_path / "bundle.json", bundle_of(verdict()))
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.json"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a bundle"),
        ("{}", "is not a bundle"),
        ('{"engine": "oracle"}', "is not a bundle"),
        ('{"engine": "postgresql", "format": 99}', "not a bundle of format"),
        ('{"engine": "postgresql", "format": 1}', "damaged"),
    ],
)
def test_what_is_no_bundle_is_refused_with_the_reason(tmp_path: Path, engines: Engines, text: str, why: str) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError, match=why):
        judge_bundle(path, engines)


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path, engines: Engines) -> None:
    with pytest.raises(RequestError, match=r"nowhere\.json cannot be read: No such file"):
        judge_bundle(tmp_path / "nowhere.json", engines)


def test_a_bundle_is_plain_json() -> None:
    assert json.loads(json.dumps(bundle_of(diagnose(SNAPSHOT, SNAPSHOT))))["earlier"]["instance"] == "shop"
