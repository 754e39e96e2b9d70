"""Extensions that help to diagnose but are not there, and installed ones that lag behind their files.

Why it matters: without pg_stat_statements the costly statements are known only while they run; an extension that was
not updated after
an upgrade misses fixes.
How to fix: preload and create pg_stat_statements; ALTER EXTENSION ... UPDATE.
Cannot see: extensions of other databases.
Source: PostgreSQL manual, "pg_stat_statements" and ALTER EXTENSION.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import Extension
from housecall.wording import Say

CHECK = Check(
    id="postgresql.extensions",
    item="instance_info",
    severity=Severity.NOTICE,
    title=Say(en="Extensions missing or outdated", zh="扩展缺失或版本落后"),
)
_NOT_PRELOADED = Say(
    en="pg_stat_statements is not loaded: the costly statements are known only while they run.",
    zh="未加载 pg_stat_statements：只有在语句执行时才能看到高开销语句。",
)
_NOT_CREATED = Say(
    en="pg_stat_statements is loaded but not created in database {database}: its figures cannot be read here.",
    zh="pg_stat_statements 已加载，但未在数据库 {database} 中创建，无法在此读取其统计。",
)
_OUTDATED = Say(
    en="Extension {name} is at {installed} while the server has the files of {available}.",
    zh="扩展 {name} 的版本为 {installed}，而服务器上的文件已是 {available}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    rows = now.rows(Extension)
    statements = next((row for row in rows if row.name == "pg_stat_statements"), None)
    if statements is None or not statements.statements_preloaded:
        yield _missing(now, statements, is_loaded=False)
    elif statements.installed_version is None:
        yield _missing(now, statements, is_loaded=True)
    for row in rows:
        if row.installed_version and row.available_version and row.installed_version != row.available_version:
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, row.name, "extension",
                _OUTDATED(name=row.name, installed=row.installed_version, available=row.available_version),
                measured(
                    Extension, installed=(row.installed_version, "text"), available=(row.available_version, "text")
                ),
                details={"name": row.name, "kind": "outdated"},
            )  # fmt: skip


def _missing(now: Snapshot, row: Extension | None, *, is_loaded: bool) -> Finding:
    message = _NOT_CREATED(database=now.facts.database) if is_loaded else _NOT_PRELOADED()
    return Finding(
        CHECK.id, CHECK.item, Severity.INFO, "pg_stat_statements", "extension", message,
        measured(
            Extension,
            is_preloaded=(is_loaded, "flag"),
            is_available=(row is not None, "flag"),
            available=(row.available_version if row else None, "text"),
        ),
        details={"name": "pg_stat_statements", "kind": "missing", "is_loaded": is_loaded,
        "is_available": row is not None},
    )  # fmt: skip
