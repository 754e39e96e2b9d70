"""A hot statement searches with LIKE '%...', which no B-tree can serve."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import create_index
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.settings import Extension
from housecall.engines.postgresql.rows.tables import HotTable
from housecall.wording import Say

CAUSE = CauseRule(
    id="leading_wildcard",
    title=Say(en="LIKE with an open beginning", zh="LIKE 以通配符开头"),
    checks=("postgresql.leading_wildcard", "postgresql.hot_sequential_scans", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="LIKE '{pattern}' on {column} has an open beginning: no B-tree serves it, every row is compared.",
    zh="对 {column} 的 LIKE '{pattern}' 以通配符开头，B-tree 索引无法使用，只能逐行比较。",
)
_UNSEEN = Say(
    en="LIKE on {column} reads the whole table for next to no rows: its pattern, which the statistics do not show, most"
    " likely has an open beginning, or the index on it serves no patterns.",
    zh="对 {column} 的 LIKE 每次都读取整张表却几乎不返回行：统计信息不显示具体模式，很可能以通配符开头，"
    "或该列索引不支持模式匹配。",
)
_REWRITE = Say(
    en="Search by a fixed beginning (LIKE 'abc%') or with full text search, where users can live with it",
    zh="如果业务允许，改为固定前缀（LIKE 'abc%'）或全文检索",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.leading_wildcard"):
        details = finding.details
        scans = [each for each in found.of("postgresql.hot_sequential_scans") if each.object in details["tables"]]
        rewrite = application_change(_REWRITE())
        index = _trigram_index(finding, now)
        yield statement_cause(
            CAUSE.id, finding, found,
            (_SUMMARY if details["pattern"] else _UNSEEN)(
                column=f"{details['relation']}.{details['column']}",
                **({"pattern": details["pattern"]} if details["pattern"] else {}),
            ),
            (index, rewrite) if index else (rewrite,), confidence=0.9 if details["pattern"] else 0.6, absorbs=scans,
        )  # fmt: skip


def _trigram_index(finding: Finding, now: Snapshot) -> Remedy | None:
    """A GIN index of trigrams, where the server has pg_trgm."""
    from dataclasses import replace

    extensions, tables = now.get(Extension), now.get(HotTable)
    if isinstance(extensions, Unavailable) or isinstance(tables, Unavailable):
        return None
    installed = any(each.name == "pg_trgm" and each.installed_version for each in extensions)
    row = next((each for each in tables if each.table_name == finding.details["relation"]), None)
    if row is None:
        return None
    key = f"{quote_identifier(finding.details['column'])} gin_trgm_ops"
    remedy = create_index(row.schema_name, row.table_name, [key], row.size_bytes, keys_are_sql=True, method="gin")
    first = () if installed else ("CREATE EXTENSION IF NOT EXISTS pg_trgm;",)
    return replace(remedy, statements=(*first, *remedy.statements))
