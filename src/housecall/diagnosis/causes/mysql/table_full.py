"""A table of the engine MEMORY on MySQL or MariaDB is full, so that every insert into it fails."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import COPIES, WAIT_SHORTLY
from housecall.diagnosis.causes.mysql._sessions import application_change, fingerprints
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="table_full",
    title=Say("A table in memory is full", "MEMORY 表已满"),
    checks=("mysql.full_memory_tables", "mysql.foreign_engines"),
)
_FAILED = Say(
    "{failed:count} statement{failed:|s} got the error that a table is full.", "已有 {failed:count} 条语句报表已满。"
)
_EFFECT = Say(
    "Inserts into it fail with error 1114; a restart of the server empties it.",
    "向该表插入会报错 1114；重启服务器后该表会被清空。",
)
_CONVERT = Say("Convert {table} to InnoDB, which keeps it on disk", "把 {table} 转换为 InnoDB（保存在磁盘上）")
_CONVERTED = Say("the table's engine is InnoDB and inserts succeed", "该表的引擎为 InnoDB，插入成功")
_DELETE = Say(
    "Let the application delete rows of {table} that it needs no more",
    "让应用删除 {table} 中不再需要的行",
)
_ROOM = Say("inserts into the table succeed", "向该表插入成功")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.full_memory_tables"):
        table, failed = finding.object, finding.details["failed"]
        convert = Remedy(
            title=_CONVERT(table=table), statements=(f"ALTER TABLE {table} ENGINE = InnoDB;",),
            lock=COPIES(table=table), risk="medium", when="now",
            rollback=(f"ALTER TABLE {table} ENGINE = MEMORY;",), verify=_CONVERTED(),
            verify_statement=f"SHOW CREATE TABLE {table};", caution=WAIT_SHORTLY(),
        )  # fmt: skip
        hygiene = [each for each in found.of("mysql.foreign_engines") if each.object == table]
        yield Cause(
            id=CAUSE.id,
            object=table,
            object_kind="table",
            severity=finding.severity,
            confidence=0.9 if failed else 0.7,
            summary=finding.message,
            because=(*((_FAILED(failed=failed),) if failed else ()), _EFFECT()),
            evidence=finding.evidence,
            remedies=(convert, application_change(_DELETE(table=table), _ROOM())),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints(hygiene),
        )
