"""Dangerous advice of a model gets a word of caution; a tool's own remedy and advice against it do not."""

import pytest

from housecall.agent.grounding import sources_of
from housecall.agent.unsafe_advice import unsafe_advice

NOTHING = sources_of([])


@pytest.mark.parametrize(
    "answer",
    [
        "Run `VACUUM FULL orders;` now.",
        "```sql\nVACUUM (FULL, ANALYZE) orders;\n```",
        "On the host: kill -9 4711",
        "Free space with rm -rf /var/lib/postgresql/15/main/pg_wal/*.",
        "ALTER SYSTEM SET fsync = off;",
        "SET GLOBAL sync_binlog = 0 and innodb_flush_log_at_trx_commit=2",
        "SELECT pg_drop_replication_slot('feed');",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock';",
        "Use KILL 4711;",
        "请执行 VACUUM FULL orders。",
        "Do not wait. Run VACUUM FULL orders.",
    ],
)
def test_dangerous_advice_gets_a_caution(answer: str) -> None:
    (note,) = unsafe_advice(answer, NOTHING, "en")
    assert note.startswith("⚠ Careful with `")


@pytest.mark.parametrize(
    "answer",
    [
        "Never run VACUUM FULL on a table in use.",
        "Use pg_repack instead of VACUUM FULL.",
        "切勿对在用的表执行 VACUUM FULL。",
        "VACUUM FULL は使わないでください。",
        "fsync = off must not be set.",
        "Run VACUUM orders; it works beside readers and writers. `VACUUM (ANALYZE) orders` too.",
        "Set fsync = on. KILL is a statement of MySQL.",
        "rm is a command; pg_wal is a folder.",
    ],
)
def test_harmless_words_get_none(answer: str) -> None:
    assert unsafe_advice(answer, NOTHING, "en") == []


def test_a_statement_that_a_tool_returned_is_left_alone() -> None:
    statement = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = 10468"
    sources = sources_of([{"remedies": [{"statements": [statement + ";"]}]}])
    assert unsafe_advice(f"```sql\n{statement};\n```", sources, "en") == []
    assert len(unsafe_advice(f"```sql\n{statement.replace('10468', '77')};\n```", sources, "en")) == 1


def test_each_kind_is_told_once_in_the_language_of_the_answer() -> None:
    answer = "执行 VACUUM FULL a; VACUUM FULL b; ALTER SYSTEM SET full_page_writes TO off;"
    notes = unsafe_advice(answer, NOTHING, "zh-CN")
    assert len(notes) == 2
    assert all("请谨慎对待" in each for each in notes)
