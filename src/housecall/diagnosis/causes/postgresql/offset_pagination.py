"""Pages are fetched with a deep OFFSET, which reads everything it skips."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="offset_pagination",
    title=Say(en="Paging with a deep OFFSET", zh="深分页"),
    checks=("postgresql.offset_pagination", "postgresql.hot_sequential_scans", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="Pages of {table} are fetched with a deep OFFSET: the server reads and throws away every row before the page.",
    zh="{table} 使用深 OFFSET 分页：服务器要先读取并丢弃该页之前的所有行。",
)
_BLOCKS = Say(
    en="{blocks:count} blocks are read for {rows:number} rows.",
    zh="为返回 {rows:number} 行读取了 {blocks:count} 个数据块。",
)
_FIX = Say(
    en="Keyset pagination: WHERE (sort key) > (last row's key) ORDER BY the key LIMIT n, with an index on the key",
    zh="改用键集分页：WHERE（排序键）>（上一页最后一行的键）ORDER BY 排序键 LIMIT n，并在排序键上建索引",
)
_CAUTION = Say(
    en="Jumps to an arbitrary page number are not possible with it; most users only go on to the next page.",
    zh="该方式无法直接跳到任意页码；多数用户只会翻到下一页。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.offset_pagination"):
        details = finding.details
        because: tuple[Message, ...] = ()
        if details["blocks_per_call"] is not None:
            because = (_BLOCKS(blocks=details["blocks_per_call"], rows=details["rows_per_call"]),)
        scans = [each for each in found.of("postgresql.hot_sequential_scans") if each.object in details["tables"]]
        yield statement_cause(
            CAUSE.id, finding, found, _SUMMARY(table=", ".join(details["tables"]) or "?"),
            (application_change(_FIX(), _CAUTION()),), confidence=0.9, because=because, absorbs=scans,
        )  # fmt: skip
