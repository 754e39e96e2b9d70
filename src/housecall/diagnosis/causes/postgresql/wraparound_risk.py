"""A database comes near the end of its transaction ids (or multixacts), and nothing holds the oldest one on purpose.

When a session, slot or prepared transaction holds the oldest id, that one is the root and this is its symptom.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._vacuum import NOTHING_TO_UNDO, VACUUM_LOCK
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="wraparound_risk",
    title=Say("Transaction ids run out", "事务 ID 回卷风险"),
    checks=("postgresql.transaction_id_age",),
)

MAX_DATABASES = 3
"""The worst; the findings name all."""

_SUMMARIES = {
    "transactions": Say(
        "Database {database} is {age:count} transactions old; {left:count} are left until it refuses writes.",
        "数据库 {database} 的年龄已达 {age:count} 个事务，还剩 {left:count} 个就会拒绝写入。",
    ),
    "multixacts": Say(
        "Database {database} is {age:count} multixacts old; {left:count} are left until it refuses writes.",
        "数据库 {database} 的年龄已达 {age:count} 个 multixact，还剩 {left:count} 个就会拒绝写入。",
    ),
}
_OLDEST = Say("Oldest tables: {tables}.", "最老的表：{tables}。")
_WORKERS = Say(
    "Autovacuum should have frozen it long ago: it is blocked, starved or too slow.",
    "autovacuum 本应早已完成冻结：它被阻塞、资源不足或太慢。",
)
_FREEZE = Say(
    "Freeze the oldest rows of database {database} without work on indexes",
    "冻结数据库 {database} 中最老的行（跳过索引清理）",
)
_CAUTION = Say(
    "Connect to database {database}. It reads every page that is not frozen yet; end old transactions first, else"
    " it cannot freeze.",
    "需连接到数据库 {database}。会读取所有未冻结的页；请先结束老事务，否则无法冻结。",
)
_VERIFY = Say("The age of database {database} falls below 200 million.", "数据库 {database} 的年龄降到 2 亿以下。")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    ages = [each for each in found.of("postgresql.transaction_id_age") if each.severity.rank >= Severity.NOTICE.rank]
    # Nobody can connect to template0: autovacuum alone freezes it, and does once it can.
    reachable = [each for each in ages if each.details["connectable"]] or ages
    yield from (_cause(each) for each in reachable[:MAX_DATABASES])


def _cause(finding: Finding) -> Cause:
    details, database = finding.details, finding.object
    because: list[Message] = []
    if details["oldest"]:
        because.append(_OLDEST(tables=", ".join(f"{schema}.{table}" for schema, table, _ in details["oldest"][:3])))
    because.append(_WORKERS())
    return Cause(
        id=CAUSE.id,
        object=database,
        object_kind="database",
        severity=finding.severity,
        confidence=0.9,
        summary=_SUMMARIES[details["unit"]](database=database, age=details["age"], left=details["left"]),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=(_freeze(finding),),
        rests_on=(finding.fingerprint,),
        impact=0.5,
    )


def _freeze(finding: Finding) -> Remedy:
    """The oldest tables first, then the rest of the database: only all of them together bring its age down."""
    database, options = finding.object, "(FREEZE, INDEX_CLEANUP off, TRUNCATE off)"
    oldest = [qualified(schema, table) for schema, table, _ in finding.details["oldest"][:3]]
    return Remedy(
        title=_FREEZE(database=database),
        statements=(*(f"VACUUM {options} {name}" for name in dict.fromkeys(oldest)), f"VACUUM {options}"),
        lock=VACUUM_LOCK(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=NOTHING_TO_UNDO(),
        verify=_VERIFY(database=database),
        verify_statement=(
            "SELECT datname, pg_catalog.age(datfrozenxid), pg_catalog.mxid_age(datminmxid)"
            f" FROM pg_catalog.pg_database WHERE datname = {quote_literal(database)}"
        ),
        caution=_CAUTION(database=quote_identifier(database)),
    )
