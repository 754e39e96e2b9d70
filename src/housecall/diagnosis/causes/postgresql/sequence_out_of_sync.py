"""A sequence stands below the keys of its table: inserts meet keys that exist."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import LOCK_NONE, MOMENT
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="sequence_out_of_sync",
    title=Say(en="A sequence behind its table", zh="序列落后于表"),
    checks=("postgresql.sequence_out_of_sync",),
)
_SUMMARY = Say(
    en="Sequence {sequence} stands at {last:count}, below the keys already in {table}: inserts fail with duplicate"
    " keys.",
    zh="序列 {sequence} 当前为 {last:count}，低于 {table} 中已有的键：插入会因主键重复而失败。",
)
_LARGEST = Say(
    en="The largest key is {largest:count}; {failing:count} values in between are taken or skipped one failure at a"
    " time.",
    zh="最大键为 {largest:count}；其间的 {failing:count} 个值会逐个导致插入失败或被跳过。",
)
_INFERRED = Say(
    en="Inferred from {rows:count} row{rows:|s}; the largest key could not be read.",
    zh="由 {rows:count} 行推断得出；无法读取最大键。",
)
_NEVER_USED = Say(
    en="The sequence never gave a value: harmless as long as every insert brings its own key.",
    zh="该序列从未发放过值：如果每次插入都自带键值，则无影响。",
)
_TITLE = Say(en="Set {sequence} to the largest key", zh="将 {sequence} 设为当前最大键")
_VERIFY = Say(en="the sequence is not below the largest key", zh="序列不再低于最大键")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.sequence_out_of_sync"):
        yield _cause(finding)


def _cause(finding: Finding) -> Cause:
    details = finding.details
    largest = details["largest_key"]
    because: tuple[Message, ...] = (
        _INFERRED(rows=details["table_rows"])
        if largest is None
        else _LARGEST(largest=largest, failing=largest - details["last_value"]),
    )
    if not details["was_used"]:
        because += (_NEVER_USED(),)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="sequence",
        severity=finding.severity,
        confidence=0.95 if details["is_sure"] else 0.55,
        summary=_SUMMARY(
            sequence=finding.object, last=details["last_value"],
            table=qualified(details["table_schema"], details["table"]),
        ),
        because=because,
        evidence=finding.evidence,
        remedies=(_remedy(finding),),
        rests_on=(finding.fingerprint,),
    )  # fmt: skip


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    table, column = qualified(details["table_schema"], details["table"]), quote_identifier(details["column"])
    sequence = quote_literal(qualified(details["schema"], details["sequence"]))
    return Remedy(
        title=_TITLE(sequence=finding.object),
        statements=(f"SELECT setval({sequence}, (SELECT max({column}) FROM {table}));",),
        lock=LOCK_NONE(),
        risk="low",
        when="now",
        rollback=(f"SELECT setval({sequence}, {max(details['last_value'], 1)});",),
        verify=_VERIFY(),
        verify_statement=(
            f"SELECT (SELECT last_value FROM {finding.object}) >= (SELECT max({column}) FROM {table}) AS is_ahead;"
        ),
        duration=MOMENT(),
    )
