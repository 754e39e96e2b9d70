"""What a check says that could not look: a sentence in each language, and what would let it."""

from dataclasses import replace

import pytest

from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import broken, by_root, not_evaluated
from housecall.engines.engine import Unavailable, UnavailableKind
from housecall.engines.postgresql.rows.settings import Extension
from housecall.testing import row_of, snapshot_of

MISSING = Unavailable(
    "top_statements", "extension", 'top_statements: relation "pg_stat_statements" does not exist', "the extension"
)


def told(unavailable: Unavailable, now: Snapshot | None = None, language: str = "en") -> tuple[str, str | None]:
    missed = not_evaluated("postgresql.x", unavailable, now or snapshot_of()).to_json(language)  # type: ignore[arg-type]
    return missed["reason"], missed["remedy"]


def test_a_missing_extension_is_told_by_its_name_and_the_database() -> None:
    loaded = snapshot_of(row_of(Extension, name="pg_stat_statements", statements_preloaded=True))
    database = loaded.facts.database
    assert told(MISSING, loaded) == (
        f"the extension pg_stat_statements is not in database '{database}'",
        "CREATE EXTENSION pg_stat_statements;",
    )
    assert told(MISSING, loaded, "zh-CN")[0] == f"数据库 '{database}' 中没有扩展 pg_stat_statements"


def test_an_extension_that_is_there_and_too_old_asks_for_its_update() -> None:
    now = snapshot_of()
    now = replace(now, facts=replace(now.facts, extensions=("pg_stat_statements",)))
    reason, remedy = told(MISSING, now)
    assert "too old" in reason
    assert remedy == "ALTER EXTENSION pg_stat_statements UPDATE;"


@pytest.mark.parametrize(
    ("privilege", "granted"),
    [
        ("pg_monitor, to list the WAL directory", "pg_monitor"),
        ("pg_read_all_stats (in pg_monitor) for the rest", "pg_monitor"),
        ("SELECT on the tables (or pg_read_all_data)", "pg_read_all_data"),
    ],
)
def test_a_missing_privilege_names_the_role_to_grant(privilege: str, granted: str) -> None:
    refused = Unavailable(
        "wal_files", "privilege", "role 'reader' may not read wal_files: permission denied", privilege
    )
    assert told(refused) == (
        "role 'reader' may not look there: permission denied", f"GRANT {granted} TO reader;",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["privilege", "extension", "setting", "timeout", "error"])
def test_no_reason_begins_with_the_name_of_a_reading(kind: UnavailableKind) -> None:
    for language in ("en", "zh-CN"):
        reason, _ = told(Unavailable("wal_files", kind, "wal_files: something is off"), language=language)
        assert not reason.startswith("wal_files")


def test_in_chinese_only_what_the_server_said_is_english() -> None:
    assert told(Unavailable("x", "error", "x: out of memory"), language="zh-CN")[0] == "服务器返回错误：out of memory"
    assert "检查程序本身出错" in broken("c", ValueError("bad")).to_json("zh-CN")["reason"]


def test_what_one_remedy_would_mend_is_one_group() -> None:
    missed = [
        ("a", "no rights", "GRANT x;"), ("b", "other words", "GRANT x;"), ("c", "young", None),
        ("a", "no rights", "GRANT x;"),
    ]  # fmt: skip
    assert by_root(missed, "en") == [("no rights; other words", "GRANT x;", ["a", "b"]), ("young", None, ["c"])]
