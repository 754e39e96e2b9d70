"""An application fetches rows from MySQL or MariaDB one by one by their key, in a loop."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="n_plus_one",
    title=Say(en="Single rows fetched in a loop", zh="N+1 查询"),
    checks=("mysql.n_plus_one", "mysql.top_statements"),
)
_SUMMARY = Say(
    en="Rows of {table} are fetched one by one: {calls:count} call{calls:|s}, {share:percent} of all.",
    zh="{table} 的行被逐条获取：共 {calls:count} 次调用，占全部调用的 {share:percent}。",
)
_WHERE = Say(
    en="The database is quick ({mean:duration} a call); the time goes into the round trips.",
    zh="数据库很快（每次 {mean:duration}），时间花在往返上。",
)
_FIX = Say(
    en="Fetch the rows together: a join, or `WHERE key IN (…)` with all keys of the page (eager loading in the object"
    " mapper)",
    zh="一次取回：使用连接，或用 `WHERE key IN (…)` 传入整页的键（在 ORM 中启用预加载）",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.n_plus_one"):
        details = finding.details
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(table=", ".join(details["tables"]) or "?", calls=details["calls"], share=details["calls_share"]),
            (application_change(_FIX()),), confidence=0.7, because=(_WHERE(mean=details["mean_seconds"]),),
        )  # fmt: skip
