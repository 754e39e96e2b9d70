"""An AUTO_INCREMENT column of MySQL or MariaDB comes to the end of its type; then every insert fails."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import COPIES
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


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.key_exhaustion"):
        details = finding.details
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
