"""An AUTO_INCREMENT column of MySQL or MariaDB comes to the end of its type, or a sequence of MariaDB to its own; then
every insert fails."""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import COPIES
from housecall.diagnosis.checks.mysql._sequences import LARGEST
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import qualified, quote_identifier
from housecall.wording import Say

CAUSE = CauseRule(
    id="key_exhaustion",
    title=Say(en="A number key near its end", zh="整型主键即将耗尽"),
    checks=("mysql.key_exhaustion",),
)
_SUMMARY = Say(
    en="{key} has used {share:percent} of its range; {left:count} inserts from now on every insert fails.",
    zh="{key} 已用掉取值范围的 {share:percent}；再插入 {left:count} 次之后，所有插入都会失败。",
)
_WHICH = Say(
    en="The column is {type}, which ends at {limit:count}; the next value is {next:count}.",
    zh="该列类型为 {type}，上限 {limit:count}；下一个值为 {next:count}。",
)
_WIDEN = Say(en="Make the column {type}", zh="将该列改为 {type}")
_CAUTION = Say(
    en="Copies the table ({size:bytes}) while writes wait; for a large one use gh-ost or"
    " pt-online-schema-change. Columns that refer to it must be widened first.",
    zh="复制整张表（{size:bytes}）期间写入需要等待，大表请使用 gh-ost 或"
    " pt-online-schema-change。引用它的列必须先加宽。",
)
_VERIFY = Say(en="the column is {type}", zh="该列类型为 {type}")


_SEQUENCE = Say(
    en="{key} has used {share:percent} of the values of its sequence; after {left:count} more every insert fails.",
    zh="{key} 已用掉其序列取值的 {share:percent}；再取 {left:count} 个值之后，所有插入都会失败。",
)
_END = Say(
    en="The sequence {sequence} goes on from {next:count} in steps of {step:count}, up to {end:count}.",
    zh="序列 {sequence} 从 {next:count} 起以步长 {step:count} 继续，到 {end:count} 为止。",
)
_COLUMN_ENDS = Say(
    en="The column is {type}, which ends before the sequence does.", zh="该列类型为 {type}，比序列先到上限。"
)
_MOVE = Say(en="Move the end of the sequence {sequence}", zh="扩大序列 {sequence} 的取值范围")
_MOVED = Say(en="the sequence ends at {end:count}", zh="序列的上限为 {end:count}")
_MOVE_LOCK = Say(
    en="Changes the one row of the sequence; inserts wait for a moment.", zh="只修改序列的一行，插入短暂等待。"
)
_COLUMNS_TOO = Say(
    en="Every column that stores its values must be able to hold them (BIGINT).",
    zh="保存这些值的所有列都必须能容纳新的取值（BIGINT）。",
)
_COPY = Say(
    en="Copies the table while writes wait; for a large one use gh-ost or pt-online-schema-change. Columns that refer"
    " to it must be widened first.",
    zh="复制整张表期间写入需要等待，大表请使用 gh-ost 或 pt-online-schema-change。引用它的列必须先加宽。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.key_exhaustion"):
        details = finding.details
        if details["kind"] != "auto_increment":
            yield _of_sequence(finding)
            continue
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="column",
            severity=finding.severity,
            confidence=0.98,
            summary=_SUMMARY(key=finding.object, share=details["share"], left=details["left"]),
            because=(_WHICH(type=details["type"], limit=details["max_value"], next=details["next_value"]),),
            evidence=finding.evidence,
            remedies=(_widen(finding),),
            rests_on=(finding.fingerprint,),
        )


def _of_sequence(finding: Finding) -> Cause:
    details = finding.details
    because = _END(
        sequence=details["sequence"], next=details["next_value"], step=details["increment"] or 1, end=details["end"]
    )
    by_column = details["kind"] == "column"
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.98,
        summary=_SEQUENCE(key=finding.object, share=details["share"], left=details["left"]),
        because=(because, _COLUMN_ENDS(type=details["type"])) if by_column else (because,),
        evidence=finding.evidence,
        remedies=tuple(_sequence_remedies(details)),
        rests_on=(finding.fingerprint,),
    )


def _sequence_remedies(details: Mapping[str, Any]) -> Iterator[Remedy]:
    if details["kind"] == "column":
        yield _widen_taker(details)
        return
    sequence, backwards = details["sequence"], details["increment"] < 0
    bound, old = ("MINVALUE", details["min_value"]) if backwards else ("MAXVALUE", details["max_value"])
    end = -LARGEST - 1 if backwards else LARGEST
    if old != end:
        yield Remedy(
            title=_MOVE(sequence=sequence), statements=(f"ALTER SEQUENCE {sequence} {bound} {end};",),
            lock=_MOVE_LOCK(), risk="low", when="now", rollback=(f"ALTER SEQUENCE {sequence} {bound} {old};",),
            verify=_MOVED(end=end), verify_statement=f"SHOW CREATE SEQUENCE {sequence};", caution=_COLUMNS_TOO(),
        )  # fmt: skip


def _widen_taker(details: Mapping[str, Any]) -> Remedy:
    """The column that ends before its sequence does, made as wide as the sequence."""
    table, column = qualified(details["schema"], details["table"]), quote_identifier(details["column"])
    rest = f"{'NULL' if details['is_nullable'] else 'NOT NULL'} DEFAULT NEXTVAL({details['sequence']})"
    return Remedy(
        title=_WIDEN(type="BIGINT"), statements=(f"ALTER TABLE {table} MODIFY COLUMN {column} BIGINT {rest};",),
        lock=COPIES(table=table), risk="high", when="now",
        rollback=(f"ALTER TABLE {table} MODIFY COLUMN {column} {details['type'].upper()} {rest};",),
        verify=_VERIFY(type="BIGINT"), verify_statement=f"SHOW COLUMNS FROM {table};", caution=_COPY(),
    )  # fmt: skip


def _widen(finding: Finding) -> Remedy:
    details = finding.details
    table, column = qualified(details["schema"], details["table"]), quote_identifier(details["column"])
    wider = "BIGINT UNSIGNED" if "unsigned" in details["type"] or details["type"].startswith("bigint") else "BIGINT"
    return Remedy(
        title=_WIDEN(type=wider),
        statements=(f"ALTER TABLE {table} MODIFY COLUMN {column} {wider} NOT NULL AUTO_INCREMENT;",),
        lock=COPIES(table=table),
        risk="high",
        when="now" if details["left"] < details["live_rows"] else "later",
        rollback=(f"ALTER TABLE {table} MODIFY COLUMN {column} {details['type'].upper()} NOT NULL AUTO_INCREMENT;",),
        verify=_VERIFY(type=wider),
        verify_statement=f"SHOW COLUMNS FROM {table};",
        caution=_CAUTION(size=details["size_bytes"]),
    )
