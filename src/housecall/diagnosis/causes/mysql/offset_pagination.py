"""Pages are fetched with a deep OFFSET on MySQL or MariaDB, which reads everything it skips."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, proposals_for, statement_cause
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="offset_pagination",
    title=Say(en="Paging with a deep OFFSET", zh="深分页"),
    checks=(
        "mysql.offset_pagination",
        "mysql.top_statements",
        "mysql.missing_index",
        "mysql.wrong_index_order",
        "mysql.statement_sorts",
    ),
)
_SUMMARY = Say(
    en="Pages of {table} are fetched with a deep OFFSET: the server reads and throws away every row before the page.",
    zh="{table} 使用深 OFFSET 分页：服务器要先读取并丢弃该页之前的所有行。",
)
_FIX = Say(
    en="Keyset pagination: WHERE (sort key) > (last row's key) ORDER BY the key LIMIT n, with an index on the key",
    zh="改用键集分页：WHERE（排序键）>（上一页最后一行的键）ORDER BY 排序键 LIMIT n，并在排序键上建索引",
)
_CAUTION = Say(
    en="Jumps to an arbitrary page number are not possible with it; where they must be, page over the keys alone and"
    " join the rows afterwards (deferred join).",
    zh="该方式无法直接跳到任意页码；确有需要时，先只对主键分页，再连接取行（延迟关联）。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.offset_pagination"):
        table = ", ".join(finding.details["tables"]) or "?"
        yield statement_cause(
            CAUSE.id, finding, found, _SUMMARY(table=table), (application_change(_FIX(), _CAUTION()),),
            confidence=0.9, absorbs=[*proposals_for(found, finding), *_sorts(found, finding)],
        )  # fmt: skip


def _sorts(found: Found, finding: Finding) -> list[Finding]:
    """The sort of the rows that the page skips: with a key to go on from, none of them is sorted."""
    return [each for each in found.of("mysql.statement_sorts") if each.identity == finding.identity]
