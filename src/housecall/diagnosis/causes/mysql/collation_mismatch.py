"""Statements on MySQL or MariaDB fail with "Illegal mix of collations": two compared columns have two collations."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._collations import align
from housecall.diagnosis.causes.mysql._statement_causes import STATEMENT, application_change
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="collation_mismatch",
    title=Say(en="Collations that cannot be compared", zh="排序规则冲突"),
    checks=("mysql.collation_mismatch",),
)
_SUMMARY = Say(
    en="{column} ({one}) and {other} ({two}) have different collations, so statements that compare them fail.",
    zh="{column}（{one}）与 {other}（{two}）的排序规则不同，比较它们的语句都会失败。",
)
_FAILED = Say(
    en="The statement failed {errors:count} time{errors:|s} (error 1267, illegal mix of collations).",
    zh="该语句已失败 {errors:count} 次（错误 1267，排序规则混用）。",
)
_NAME_ONE = Say(
    en="Until then name one collation in the statement: … = {other} COLLATE {collation}",
    zh="在此之前可在语句中指定排序规则：… = {other} COLLATE {collation}",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.collation_mismatch"):
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="column",
            severity=finding.severity,
            confidence=0.85,
            summary=_SUMMARY(
                column=finding.object, one=details["collation"], other=details["other"], two=details["other_collation"]
            ),
            because=(_FAILED(errors=details["errors"]), STATEMENT(statement=details["text"])),
            evidence=finding.evidence,
            remedies=(
                align(details),
                application_change(_NAME_ONE(other=details["other"], collation=details["collation"])),
            ),
            rests_on=(finding.fingerprint,),
            impact=0.1,
        )
