"""A table has no primary key, so its rows cannot be named and logical replication refuses its updates and deletes."""

from collections.abc import Iterator
from dataclasses import replace

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import ABOUT, BUILD_BYTES_PER_SECOND, LOCK_EXCLUSIVE, MOMENT
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="no_primary_key",
    title=Say(en="A table without primary key", zh="表没有主键"),
    checks=("postgresql.no_primary_key",),
)
_SUMMARY = Say(
    en="{table} ({rows:count} row{rows:|s}) has no primary key.",
    zh="表 {table}（{rows:count} 行）没有主键。",
)
_BROKEN = Say(
    en="{table} is published for logical replication without a primary key: its updates and deletes fail.",
    zh="表 {table} 已发布到逻辑复制却没有主键，对它的更新和删除会报错。",
)
_WHY = Say(
    en="Rows cannot be told apart, duplicates cannot be removed singly, and logical replication cannot replay changes.",
    zh="无法唯一定位一行，重复数据无法单独删除，逻辑复制也无法重放变更。",
)
_PROMOTE = Say(en="Make the unique index {index} the primary key", zh="将唯一索引 {index} 提升为主键")
_ADD = Say(en="Add an identity column as the primary key", zh="增加自增列作为主键")
_FULL = Say(en="Let replication name rows by all their columns for now", zh="暂时以整行作为复制标识")
_FULL_LOCK = Say(en="ACCESS EXCLUSIVE on {table} for a moment", zh="短暂持有 {table} 的 ACCESS EXCLUSIVE 锁")
_ADD_CAUTION = Say(
    en="Rewrites the table while everybody waits: in a maintenance window only. If existing columns name a row, a"
    " unique"
    " index on them built CONCURRENTLY becomes the key without a rewrite.",
    zh="会在独占锁下重写整张表，只能在维护窗口执行。如果已有列能唯一确定一行，可先 CONCURRENTLY 建唯一索引，"
    "再提升为主键，无需重写。",
)
_PARTITIONED = Say(
    en="Choose columns that name a row and add them as the primary key, with every column of the partition key among"
    " them: a partitioned table takes no other",
    zh="选定能唯一确定一行的列作为主键，且必须包含分区键的所有列：分区表只接受这样的主键",
)
_PARTITIONED_CAUTION = Say(
    en="It reads every partition while everybody waits, unless each has a unique index on these columns already: build"
    " those CONCURRENTLY first.",
    zh="除非各分区已有这些列上的唯一索引，否则会在独占锁下读取所有分区：请先在各分区上 CONCURRENTLY 建好唯一索引。",
)
_DROP_IT = Say(en="drop the constraint again", zh="再删除该约束即可")
_VERIFY = Say(en="the table has a primary key", zh="表已有主键")
_SHORT = Say(
    en="The lock is held for a moment only; set lock_timeout so that it does not queue behind a long transaction.",
    zh="锁只持有一瞬间；请设置 lock_timeout，避免排在长事务之后造成堵塞。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.no_primary_key"):
        details = finding.details
        say = _BROKEN if details["is_broken"] else _SUMMARY
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="table",
            severity=finding.severity,
            confidence=0.95,
            summary=say(table=finding.object, rows=details["live_rows"]),
            because=(_WHY(),),
            evidence=finding.evidence,
            remedies=tuple(_remedies(finding)),
            rests_on=(finding.fingerprint,),
        )


def _remedies(finding: Finding) -> Iterator[Remedy]:
    details = finding.details
    table = qualified(details["schema"], details["table"])
    if details["is_broken"]:
        yield _remedy(
            table, _FULL(), (f"ALTER TABLE {table} REPLICA IDENTITY FULL;",),
            (f"ALTER TABLE {table} REPLICA IDENTITY DEFAULT;",), _FULL_LOCK(table=table), "now", _SHORT(), MOMENT(),
        )  # fmt: skip
    if details["unique_indexes"] and not details["is_partitioned"]:
        index = details["unique_indexes"][0]
        name = quote_identifier(index)
        yield _remedy(
            table, _PROMOTE(index=name), (f"ALTER TABLE {table} ADD PRIMARY KEY USING INDEX {name};",),
            (f"ALTER TABLE {table} DROP CONSTRAINT {name};",), LOCK_EXCLUSIVE(table=table), "later", _SHORT(), MOMENT(),
        )  # fmt: skip
        return
    if details["is_partitioned"]:
        yield replace(
            _remedy(table, _PARTITIONED(), (), (), LOCK_EXCLUSIVE(table=table), "later", _PARTITIONED_CAUTION(), None),
            rollback_note=_DROP_IT(),
        )
        return
    key = quote_identifier(f"{details['table']}_id"[-63:])
    seconds = max(details["size_bytes"] / BUILD_BYTES_PER_SECOND, 1.0)
    yield _remedy(
        table, _ADD(), (f"ALTER TABLE {table} ADD COLUMN {key} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",),
        (f"ALTER TABLE {table} DROP COLUMN {key};",), LOCK_EXCLUSIVE(table=table), "later", _ADD_CAUTION(),
        ABOUT(seconds=seconds, size=details["size_bytes"]),
    )  # fmt: skip


def _remedy(
    table: str, title: Message, statements: tuple[str, ...], rollback: tuple[str, ...], lock: Message, when: str,
    caution: Message, duration: Message | None,
) -> Remedy:  # fmt: skip
    return Remedy(
        title=title, statements=statements, lock=lock, risk="medium", when="now" if when == "now" else "later",
        rollback=rollback, verify=_VERIFY(), duration=duration, caution=caution,
        verify_statement=(
            "SELECT count(*) AS primary_keys FROM pg_index"
            f" WHERE indisprimary AND indrelid = to_regclass({quote_literal(table)});"
        ),
    )  # fmt: skip
