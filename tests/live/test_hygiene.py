"""Checks of hygiene on real servers: clean, broken, found, fixed, clean; what takes weeks to build up with low"
" limits."""

from collections.abc import Callable

import pytest

from housecall.diagnosis.check import Limits, all_checks
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio
Start = Callable[..., PrivateDatabase]


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return [finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


def judged(diagnosis: Diagnosis, check: str, **limits: float) -> list[str]:
    """What a check says with other limits; its reading must have been had."""
    registered = next(each for each in all_checks() if each.check.id == f"postgresql.{check}")
    values = {**{each.name: each.value for each in registered.check.thresholds}, **limits}
    found = registered.judge(diagnosis.snapshot, diagnosis.earlier, Limits(registered.check.thresholds, values))
    return [each.object for each in found]  # type: ignore[union-attr]


async def test_hygiene_of_tables_is_found_and_mended(database: PrivateDatabase) -> None:
    checks = ("column_types", "weak_constraints", "unlogged_tables", "default_partition", "open_rights")
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    clean = await database.examine()
    assert {check: findings(clean, check) for check in checks} == {check: [] for check in checks}
    database.execute(
        "CREATE TABLE goods (id serial PRIMARY KEY, price money, my_uuid text, code char(3), doc json, at timestamp)",
        "CREATE UNLOGGED TABLE cart (id bigint PRIMARY KEY, goods_id bigint REFERENCES goods, n int)",
        "ALTER TABLE cart ADD CONSTRAINT again FOREIGN KEY (goods_id) REFERENCES goods",
        "ALTER TABLE cart ADD CONSTRAINT few CHECK (n < 5) NOT VALID",
        "CREATE TABLE history (at date) PARTITION BY RANGE (at)",
        "CREATE TABLE history_rest PARTITION OF history DEFAULT",
        "INSERT INTO history SELECT date '2026-01-01' FROM generate_series(1, 1500)", "ANALYZE history",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "CREATE FUNCTION secret() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "CREATE POLICY mine ON goods USING (true)", "ALTER TABLE cart ENABLE ROW LEVEL SECURITY",
    )  # fmt: skip
    broken = await database.examine()
    assert len(findings(broken, "column_types")) == 6
    assert sorted(findings(broken, "weak_constraints")) == [
        "public.cart.again", "public.cart.again", "public.cart.cart_goods_id_fkey", "public.cart.few",
    ]  # fmt: skip
    assert findings(broken, "unlogged_tables") == ["public.cart"]
    assert findings(broken, "default_partition") == ["public.history"]
    assert sorted(findings(broken, "open_rights")) == ["public", "public.cart", "public.goods", "public.secret"]
    database.execute(
        "DROP TABLE history, cart", "DROP TABLE goods", "DROP FUNCTION secret()",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )  # fmt: skip
    healed = await database.examine()
    assert {check: findings(healed, check) for check in checks} == {check: [] for check in checks}


@pytest.mark.since(14, "its default of checkpoint_completion_target is sound")
async def test_hygiene_of_settings_is_found_and_mended(fresh_server: Start) -> None:
    broken = fresh_server({
        "superuser_reserved_connections": "0", "wal_level": "minimal", "max_wal_senders": "0",
        "checkpoint_completion_target": "0.3", "wal_buffers": "64kB", "huge_pages": "off",
    })  # fmt: skip
    checks = ("connection_reserve", "checkpoint_settings", "single_copy")
    told = await broken.examine()
    assert [findings(told, check) for check in checks] == [
        ["superuser_reserved_connections"], ["checkpoint_completion_target", "wal_buffers"], ["wal_level"],
    ]  # fmt: skip
    assert judged(told, "huge_pages", large_buffers=1) == ["huge_pages"]
    sound = await fresh_server({"archive_mode": "on", "archive_command": "true"}).examine()
    assert [findings(sound, check) for check in checks] == [[], [], []]
    assert judged(sound, "huge_pages", large_buffers=1) == []


async def test_checksums_off_and_young_statistics_are_told_of_a_new_server(database: PrivateDatabase) -> None:
    diagnosis = await database.examine()
    has_checksums = database.value("SHOW data_checksums") == "on"
    assert findings(diagnosis, "checksums_off") == ([] if has_checksums else ["data_checksums"])
    assert findings(diagnosis, "young_statistics") == [database.name]
    assert judged(diagnosis, "young_statistics", young_seconds=0) == []


async def test_powerful_roles_that_programs_use_are_found(fresh_server: Start) -> None:
    database = fresh_server()
    database.execute("CREATE ROLE almighty LOGIN SUPERUSER", "CREATE ROLE passer LOGIN BYPASSRLS")
    assert findings(await database.examine(), "powerful_roles") == ["role passer"]
    with database.connect(role="almighty") as connection:
        connection.execute("SET application_name = 'web'")
        assert sorted(findings(await database.examine(), "powerful_roles")) == ["role almighty", "role passer"]
    database.execute("DROP ROLE almighty", "DROP ROLE passer")
    assert findings(await database.examine(), "powerful_roles") == []


async def test_hygiene_that_builds_up_is_read_from_the_server(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE moved (id int PRIMARY KEY, a int, b int)",
        "CREATE INDEX ON moved (a)", "CREATE INDEX ON moved (b)",
        *(f"CREATE INDEX ON moved ((a + {number}))" for number in range(4)),
        "INSERT INTO moved SELECT g, g, CASE WHEN g % 50 = 0 THEN g END FROM generate_series(1, 12000) AS g",
        "UPDATE moved SET a = a + 1", "VACUUM ANALYZE moved", "SELECT count(*) FROM moved", "CHECKPOINT",
    )  # fmt: skip
    diagnosis = await database.examine()
    for check in ("hot_updates", "index_weight", "sparse_indexes", "wal_directory", "backend_writes"):
        assert findings(diagnosis, check) == []
    assert judged(diagnosis, "hot_updates", min_updates=10_000) == ["public.moved"]
    assert judged(diagnosis, "index_weight", min_bytes=1, max_ratio=0.1) == ["public.moved"]
    assert judged(diagnosis, "sparse_indexes", min_bytes=1) == ["public.moved_b_idx"]
    assert judged(diagnosis, "wal_directory", min_bytes=1, times=0) == ["pg_wal"]
    assert set(judged(diagnosis, "backend_writes", min_blocks=1, max_share=0)) <= {"background writer", "fsync"}
    assert judged(diagnosis, "recovery_conflicts", min_conflicts=0) == []
    assert findings(diagnosis, "unencrypted_sessions") == []


@pytest.mark.since(14, "pg_stat_statements_info")
@pytest.mark.extensions("pg_stat_statements")
async def test_statement_evictions_and_storage_costs_are_read_from_the_server(database: PrivateDatabase) -> None:
    diagnosis = await database.examine()
    assert findings(diagnosis, "statement_evictions") == []
    assert judged(diagnosis, "statement_evictions", min_evictions=0, per_hour=0) == ["pg_stat_statements.max"]
    told = judged(diagnosis, "storage_costs", min_blocks=1, quick_seconds=10.0)
    (row,) = diagnosis.snapshot.readings["database_counters"]  # type: ignore[misc]
    assert told == (["random_page_cost"] if row.read_seconds > 0 else [])  # type: ignore[union-attr]
