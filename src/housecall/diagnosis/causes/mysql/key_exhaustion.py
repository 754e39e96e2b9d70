"""An AUTO_INCREMENT column of MySQL or MariaDB comes to the end of its type, or a sequence of MariaDB to its own; then
every insert fails."""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import COPIES
from housecall.diagnosis.causes.mysql._wider_keys import Widening, widening
from housecall.diagnosis.checks.mysql._sequences import LARGEST
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import qualified, quote_identifier
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="key_exhaustion",
    title=Say(en="A number key near its end", zh="整型主键即将耗尽"),
    checks=("mysql.key_exhaustion",),
)
_SUMMARY = Say(
    en="{key} has used {share:percent} of its range; after {left:count} more insert{left:|s} every insert fails.",
    zh="{key} 已用掉取值范围的 {share:percent}；再插入 {left:count} 次之后，所有插入都会失败。",
)
_WHICH = Say(
    en="The column is {type}, which ends at {limit:count}; the next value is {next:count}.",
    zh="该列类型为 {type}，上限 {limit:count}；下一个值为 {next:count}。",
)
_WIDEN = Say(en="Make the column {type}", zh="将该列改为 {type}")
_CAUTION = Say(
    en="Copies the table ({size:bytes}) while writes wait; for a large one use gh-ost or pt-online-schema-change.",
    zh="复制整张表（{size:bytes}）期间写入需要等待，大表请使用 gh-ost 或 pt-online-schema-change。",
)
_UNSEEN = Say(
    en="Copies the table ({size:bytes}) while writes wait. Which foreign keys refer to it could not be read: where one"
    " does, it must be dropped, its column widened too, and the foreign key made again.",
    zh="复制整张表（{size:bytes}）期间写入需要等待。无法读取引用它的外键：如果有，必须先删除外键、加宽其列，再重建外键。",
)
_TOGETHER = Say(
    en="{columns} {count:refers|refer} to it and {count:is|are} widened with it; the foreign key{keys:|s} {keys:is|are}"
    " dropped and made again under the same name{keys:|s}. Stop writing to these tables meanwhile: a row without its"
    " parent would keep the foreign key from coming back (error 1452). Each step copies its table ({size:bytes} for"
    " this one).",
    zh="{columns} 引用了该列，会一并加宽；外键先删除，再以原名重建。期间请停止写入这些表："
    "若出现没有父行的记录，外键将无法重建（错误 1452）。每一步都会复制对应的表（本表 {size:bytes}）。",
)
_NOTHING_CHANGED = Say(en="Nothing is changed by this advice.", zh="本建议不做任何修改。")
_BY_HAND = Say(
    en="Make the column {type}, together with {columns}: a foreign key of these also refers to a column elsewhere, or a"
    " column is generated, so the order of the changes must be planned by hand",
    zh="将该列与 {columns} 一起改为 {type}：其中有外键还引用了别处的列，或有生成列，修改顺序需要人工规划",
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


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
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
            remedies=(_widen(finding, now),),
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


def _widen(finding: Finding, now: Snapshot) -> Remedy:
    details = finding.details
    table = qualified(details["schema"], details["table"])
    wider = "BIGINT UNSIGNED" if "unsigned" in details["type"] or details["type"].startswith("bigint") else "BIGINT"
    found = widening(now, details["schema"], details["table"], details["column"], details["type"], wider)
    columns = ", ".join(found.bound)
    return Remedy(
        title=_WIDEN(type=wider) if found.is_whole else _BY_HAND(type=wider, columns=columns),
        statements=found.statements if found.is_whole else (),
        lock=COPIES(table=table),
        risk="high",
        when="now" if details["left"] < details["live_rows"] else "later",
        rollback=found.rollback if found.is_whole else (),
        rollback_note=None if found.is_whole else _NOTHING_CHANGED(),
        verify=_VERIFY(type=wider),
        verify_statement=f"SHOW COLUMNS FROM {table};",
        caution=_caution(found, columns, details["size_bytes"]),
    )


def _caution(found: Widening, columns: str, size_bytes: int) -> Message:
    if found.foreign_keys:
        return _TOGETHER(columns=columns, count=len(found.bound), keys=found.foreign_keys, size=size_bytes)
    return (_CAUTION if found.read else _UNSEEN)(size=size_bytes)
