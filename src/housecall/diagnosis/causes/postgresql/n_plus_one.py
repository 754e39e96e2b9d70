"""An application fetches or changes rows one by one by their key, in a loop."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="n_plus_one",
    title=Say(en="Single rows fetched in a loop", zh="N+1 查询"),
    checks=("postgresql.n_plus_one", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="Rows of {table} are fetched one by one: {calls:count} call{calls:|s}, {share:percent} of all.",
    zh="{table} 的行被逐条获取：共 {calls:count} 次调用，占全部调用的 {share:percent}。",
)
_CHANGED = Say(
    en="Rows of {table} are changed one by one: {calls:count} call{calls:|s}, {share:percent} of all.",
    zh="{table} 的行被逐条修改：共 {calls:count} 次调用，占全部调用的 {share:percent}。",
)
_BATCH = Say(
    en="Change the rows together: `UPDATE ... FROM (VALUES ...)` or unnest($1) with some hundred keys, and one COMMIT"
    " for each batch",
    zh="批量修改：用 `UPDATE ... FROM (VALUES ...)` 或 unnest($1) 一次处理数百个键，每批提交一次",
)
_WHERE = Say(
    en="The database is quick ({mean:duration} a call); the time goes into the round trips.",
    zh="数据库很快（每次 {mean:duration}），时间花在往返上。",
)
_FIX = Say(
    en="Fetch the rows together: a join, or WHERE key = ANY ($1) with all keys of the page (eager loading in the"
    " object mapper)",
    zh="一次取回：使用连接，或 WHERE 键 = ANY($1) 传入整页的键（在 ORM 中启用预加载）",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.n_plus_one"):
        details = finding.details
        say, fix = (_CHANGED, _BATCH()) if details["changes"] else (_SUMMARY, _FIX())
        yield statement_cause(
            CAUSE.id, finding, found,
            say(table=", ".join(details["tables"]) or "?", calls=details["calls"], share=details["calls_share"]),
            (application_change(fix),), confidence=0.7, because=(_WHERE(mean=details["mean_seconds"]),),
        )  # fmt: skip
