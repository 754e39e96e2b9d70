"""A table of MySQL or MariaDB has no primary key: InnoDB keeps a hidden one, and replicas search the table for each
change."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import COPIES, WAIT_SHORTLY
from housecall.diagnosis.causes.mysql._settings import joined
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import qualified, quote_identifier
from housecall.wording import Say

CAUSE = CauseRule(
    id="no_primary_key",
    title=Say(en="A table without primary key", zh="表没有主键"),
    checks=("mysql.no_primary_key",),
)
_SUMMARY = Say(en="{table} ({rows:count} rows) has no primary key.", zh="表 {table}（{rows:count} 行）没有主键。")
_WHY = Say(
    en="Rows cannot be named, and a replica with row-based logging scans the whole table for every changed row.",
    zh="无法唯一定位一行，基于行的复制在从库上每变更一行都要扫描整张表。",
)
_ADD = Say(en="Add a BIGINT AUTO_INCREMENT column as the primary key", zh="增加 BIGINT AUTO_INCREMENT 列作为主键")
_CAUTION = Say(
    en="Rewrites the table: off peak, and where writes must not wait with gh-ost or pt-online-schema-change.",
    zh="会重写整张表，请在低峰期执行；如不能阻塞写入，请使用 gh-ost 或 pt-online-schema-change。",
)
_UNIQUE = Say(
    en="Unique without NULL, so that it may become the key: {unique}.", zh="唯一且不含 NULL，可改为主键：{unique}。"
)
_VERIFY = Say(en="the table has a primary key", zh="表已有主键")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.no_primary_key"):
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="table",
            severity=finding.severity,
            confidence=0.95,
            summary=_SUMMARY(table=finding.object, rows=finding.details["live_rows"]),
            because=(_WHY(),),
            evidence=finding.evidence,
            remedies=(_add_key(finding),),
            rests_on=(finding.fingerprint,),
        )


def _add_key(finding: Finding) -> Remedy:
    table = qualified(finding.details["schema"], finding.details["table"])
    key = quote_identifier(f"{finding.details['table'][:60]}_id")
    unique = finding.details["unique_indexes"]
    hint = _UNIQUE(unique=", ".join(unique)) if unique else WAIT_SHORTLY()
    return Remedy(
        title=_ADD(),
        statements=(f"ALTER TABLE {table} ADD COLUMN {key} BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY;",),
        lock=COPIES(table=table),
        risk="medium",
        when="later",
        rollback=(f"ALTER TABLE {table} DROP COLUMN {key};",),
        verify=_VERIFY(),
        verify_statement=f"SHOW INDEX FROM {table};",
        caution=joined(_CAUTION(), hint),
    )
