"""Checks and causes of the server as a whole, on real MySQL and MariaDB servers: clean, broken, found, fixed, clean."""

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.diagnosis.finding import Finding
from housecall.engines.mysql.rows.server import StatementError
from housecall.testing_mysql import MySQLFarm, PrivateMySQLDatabase, Session
from housecall.testing_sessions import wait_until

pytestmark = pytest.mark.anyio
Start = Callable[..., PrivateMySQLDatabase]
QUIET = {"innodb_flush_method": "fsync", "innodb_doublewrite": "ON"}


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def found(diagnosis: Diagnosis, check: str) -> list[Finding]:
    return [each for each in diagnosis.findings if each.check == f"mysql.{check}"]


def objects(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.object for each in found(diagnosis, check)]


def causes(diagnosis: Diagnosis, cause_id: str, named: str | None = None) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id and named in (None, each.object)]


def apply(database: PrivateMySQLDatabase, cause: Cause, remedy: int = 0) -> None:
    database.execute(*cause.remedies[remedy].statements)


class Work:
    """Statements that some sessions run again and again, as an application would, until the block ends."""

    def __init__(self, database: PrivateMySQLDatabase, *statements: str, sessions: int = 1) -> None:
        self._sessions = [database.connect() for _ in range(sessions)]
        self._stop = False
        self._tasks = [asyncio.create_task(self._loop(session, statements)) for session in self._sessions]

    async def _loop(self, session: Session, statements: tuple[str, ...]) -> None:
        while not self._stop:
            for statement in statements:
                await asyncio.wrap_future(session.start(statement))

    async def __aenter__(self) -> "Work":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop = True
        await asyncio.gather(*self._tasks)
        for session in self._sessions:
            session.close()


def fill(database: PrivateMySQLDatabase, table: str, rows: int, width: int = 400) -> None:
    """A table of so many rows, in steps of 500."""
    numbers = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 500)"
    database.execute(
        f"CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, kind INT, line VARCHAR(1000))",
        f"INSERT INTO {table} (kind, line) {numbers} SELECT a.n, REPEAT(CHAR(97 + a.n % 26), {width})"
        f" FROM r AS a JOIN r AS b ON b.n <= {rows // 500}",
        f"ANALYZE TABLE {table}",
    )


async def test_a_healthy_server_under_work_gets_no_warning(own_server: Start) -> None:
    """Checks of the server that must be silent: page_flushing, key_caches, open_files, thread_cache, wait_profile,
    largest_tables, buffer_pool_size, error_log, unclean_stop and the like."""
    shop = own_server({**QUIET, "performance_schema": "ON"})
    fill(shop, "orders", 5000)
    async with Work(shop, "SELECT COUNT(*) FROM orders WHERE id < 300", "UPDATE orders SET kind = 1 WHERE id = 7"):
        diagnosis = await shop.examine(window_seconds=1.2)
    serious = [(each.id, each.object) for each in diagnosis.causes if each.severity.rank >= 2]
    assert serious == []
    assert not diagnosis.not_evaluated
    for name in ("page_flushing", "key_caches", "open_files", "thread_cache", "wait_profile", "largest_tables",
                 "buffer_pool_size", "error_log", "unclean_stop", "memory_budget", "redo_log",
                 "table_cache"):  # fmt: skip
        assert found(diagnosis, name) == [], name


@pytest.mark.parametrize(
    ("change", "check", "cause_id", "named"),
    [
        ("innodb_flush_log_at_trx_commit = 0", "dangerous_settings", "dangerous_setting",
         "innodb_flush_log_at_trx_commit"),
        ("foreign_key_checks = OFF", "dangerous_settings", "dangerous_setting", "foreign_key_checks"),
        ("sql_mode = ''", "dangerous_settings", "dangerous_setting", "sql_mode"),
        ("autocommit = OFF", "session_defaults", "dangerous_setting", "autocommit"),
    ],
)  # fmt: skip
async def test_a_dangerous_setting_is_found_and_set_back(
    mysql_server, shop: PrivateMySQLDatabase, change: str, check: str, cause_id: str, named: str
) -> None:
    name = change.partition(" ")[0]
    (before,) = shop.fetch(f"SELECT @@GLOBAL.{name}")[0]
    assert named not in objects(await shop.examine(), check)
    shop.execute(f"SET GLOBAL {change}")
    try:
        (cause,) = causes(await shop.examine(user=shop.create_reader()), cause_id, named)
        session = shop.connect()
        session.execute(*cause.remedies[0].statements)
        session.close()
        assert named not in objects(await shop.examine(), check)
    finally:
        shop.execute(f"SET GLOBAL {name} = {before!r}" if isinstance(before, str) else f"SET GLOBAL {name} = {before}")


HYGIENE = (
    ("join_buffer_size", "67108864", "session_buffers"),
    ("innodb_file_per_table", "OFF", "file_per_table"),
    ("long_query_time", "3", "configuration_drift"),
    ("binlog_expire_logs_seconds", "3600", "binlog_retention"),
)


async def test_hygiene_of_settings_is_told_and_is_no_warning(own_server: Start) -> None:
    shop = own_server({**QUIET, "log_bin": "binlog"})
    clean = await shop.examine(window_seconds=0)
    assert [check for _, _, check in HYGIENE if found(clean, check)] == []
    before = {name: shop.value(f"SELECT @@GLOBAL.{name}") for name, _, _ in HYGIENE}
    shop.execute(*[f"SET GLOBAL {name} = {value}" for name, value, _ in HYGIENE])
    broken = await shop.examine(window_seconds=0)
    assert [len(found(broken, check)) for _, _, check in HYGIENE] == [1, 1, 1, 1]
    assert {each.severity.value for _, _, check in HYGIENE for each in found(broken, check)} <= {"info", "notice"}
    shop.execute(*[f"SET GLOBAL {name} = {value}" for name, value in before.items()])
    mended = await shop.examine(window_seconds=0)
    assert [check for _, _, check in HYGIENE[:2] + HYGIENE[3:] if found(mended, check)] == []


async def test_settings_that_only_a_start_changes(own_server: Start) -> None:
    """binlog_off, performance_schema_off, young_counters, transport_security, deprecated_variables,"
    " dangerous_settings."""
    shop = own_server({**QUIET, "innodb_doublewrite": "OFF", "skip_log_bin": "1", "performance_schema": "OFF",
                       "bind_address": "*"})  # fmt: skip
    diagnosis = await shop.examine(window_seconds=0)
    assert objects(diagnosis, "binlog_off") == ["log_bin"]
    assert objects(diagnosis, "performance_schema_off") == ["performance_schema"]
    assert objects(diagnosis, "young_counters") == ["server"]
    assert "require_secure_transport" in objects(diagnosis, "transport_security") or (
        objects(diagnosis, "transport_security") == ["have_ssl"]
    )
    (cause,) = causes(diagnosis, "dangerous_setting", "innodb_doublewrite")
    assert cause.remedies[0].when == "later"
    assert set(objects(diagnosis, "deprecated_variables")) <= {"innodb_flush_method"}  # set here, and goes with 11.8
    assert found(diagnosis, "version_support") == []
    missing = {each.check: str(each.remedy) for each in diagnosis.not_evaluated}
    assert "performance_schema = ON" in missing["mysql.wait_profile"]


async def test_a_server_without_passwords_is_the_first_thing_told(own_server: Start) -> None:
    shop = own_server({**QUIET, "skip_grant_tables": "1", "skip_networking": "1"})
    diagnosis = await shop.examine(window_seconds=0)
    assert (diagnosis.causes[0].id, diagnosis.causes[0].object) == ("dangerous_setting", "skip_grant_tables")


async def test_pending_restart_is_found_and_gone_when_taken_back(shop: PrivateMySQLDatabase) -> None:
    if shop.server.kind.flavour == "mariadb":
        pytest.skip("MariaDB keeps no settings with SET PERSIST")
    reader = shop.create_reader()
    assert found(await shop.examine(user=reader), "pending_restart") == []
    shop.execute("SET PERSIST_ONLY back_log = 700")
    (cause,) = causes(await shop.examine(user=reader), "pending_restart")
    assert cause.object == "back_log"
    apply(shop, cause, 1)
    assert found(await shop.examine(user=reader), "pending_restart") == []


async def test_weak_authentication_names_the_account_and_needs_the_right_to_look(shop: PrivateMySQLDatabase) -> None:
    name = f"w{shop.name}"
    shop.execute(
        f"CREATE USER '{name}'@'10.1.%' IDENTIFIED BY ''",
        f"GRANT SELECT ON {shop.name}.* TO '{name}'@'10.1.%'",
        f"CREATE USER '{name}_all'@'%' IDENTIFIED BY 'Long-and-odd-9'",
        f"GRANT ALL ON *.* TO '{name}_all'@'%' WITH GRANT OPTION",
    )
    try:
        diagnosis = await shop.examine()
        (cause,) = causes(diagnosis, "weak_authentication", f"'{name}'@'10.1.%'")
        assert cause.severity.value == "warning"
        assert objects(diagnosis, "wide_accounts") == [f"'{name}_all'@'%'"]
        apply(shop, cause)
        assert f"'{name}'@'10.1.%'" not in objects(await shop.examine(), "weak_accounts")
        missed = {each.check: each for each in (await shop.examine(user=shop.create_reader())).not_evaluated}
        assert "mysql.user" in str(missed["mysql.weak_accounts"].remedy)
    finally:
        shop.execute(f"DROP USER '{name}'@'10.1.%', '{name}_all'@'%'")


async def test_fragmentation_is_told_and_preallocated_space_is_not(shop: PrivateMySQLDatabase) -> None:
    fill(shop, "archive", 60000, 900)
    fill(shop, "small", 2000)
    shop.execute("DELETE FROM small WHERE id > 20", "ANALYZE TABLE small")
    assert objects(await shop.examine(), "fragmentation") == []
    shop.execute("DELETE FROM archive WHERE id > 3000", "ALTER TABLE archive COMMENT 'x'")
    for _ in range(60):
        if found(await shop.examine(window_seconds=0), "fragmentation"):
            break
        await asyncio.sleep(0.5)  # purge gives the pages back by and by
    (cause,) = causes(await shop.examine(), "fragmentation")
    assert cause.object == f"{shop.name}.archive"
    apply(shop, cause)
    assert objects(await shop.examine(), "fragmentation") == []


async def test_foreign_engines_are_told(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE a (id INT PRIMARY KEY)")
    assert f"{shop.name}.a" not in objects(await shop.examine(), "foreign_engines")
    shop.execute("ALTER TABLE a ENGINE=MyISAM")
    assert f"{shop.name}.a" in objects(await shop.examine(), "foreign_engines")
    shop.execute("ALTER TABLE a ENGINE=InnoDB")
    assert f"{shop.name}.a" not in objects(await shop.examine(), "foreign_engines")


async def test_buffer_too_small_is_found_by_reads_and_a_cold_pool_is_not(own_server: Start) -> None:
    """buffer_pool_reads: a pool of 8 MB beside four times the data; after the remedy the reads stop."""
    shop = own_server({**QUIET, "innodb_buffer_pool_size": "8388608"})
    fill(shop, "orders", 60000)
    scan = "SELECT COUNT(*) FROM orders WHERE line > 'k'"
    async with Work(shop, scan):
        await asyncio.sleep(1.0)
        (cause,) = causes(await shop.examine(), "buffer_too_small")
        assert cause.object == "innodb_buffer_pool_size"
        assert cause.severity.value == "warning"
        apply(shop, cause)
        for _ in range(40):
            if not found(await shop.examine(window_seconds=1.0), "buffer_pool_reads"):
                break
        assert all(each.past for each in causes(await shop.examine(window_seconds=1.2), "buffer_too_small"))


async def test_redo_log_too_small_is_found_while_it_is_written(own_server: Start) -> None:
    shop = own_server({**QUIET, "innodb_log_buffer_size": "2097152"})
    mysql = shop.server.kind.flavour == "mysql"
    assert found(await shop.examine(window_seconds=0), "redo_log") == []
    if mysql:
        shop.execute("SET GLOBAL innodb_redo_log_capacity = 8388608")
    else:
        shop.execute("SET GLOBAL innodb_log_file_size = 4194304")
    fill(shop, "feed", 2000)
    async with Work(shop, "INSERT INTO feed (kind, line) SELECT kind, line FROM feed LIMIT 4000"):
        for _ in range(30):
            diagnosis = await shop.examine(window_seconds=1.2)
            if "warning" in [each.severity.value for each in causes(diagnosis, "redo_log_too_small")]:
                break  # on a slow disk the pages are flushed in time at first, which is a notice
        (cause,) = causes(diagnosis, "redo_log_too_small")
        assert cause.object == ("innodb_redo_log_capacity" if mysql else "innodb_log_file_size")
        assert cause.severity.value == "warning"
    apply(shop, cause)
    async with Work(shop, "INSERT INTO feed (kind, line) SELECT kind, line FROM feed LIMIT 100"):
        assert [each.severity.value for each in found(await shop.examine(window_seconds=1.2), "redo_log")] in (
            [], ["notice"],
        )  # fmt: skip


async def test_table_cache_small_is_found_and_gone_when_raised(own_server: Start) -> None:
    shop = own_server({**QUIET, "table_open_cache": "12", "table_definition_cache": "400"})
    shop.execute(*[f"CREATE TABLE t{number} (id INT PRIMARY KEY)" for number in range(60)])
    reads = [f"SELECT COUNT(*) FROM t{number}" for number in range(60)]
    async with Work(shop, *reads):
        await asyncio.sleep(3.0)
        (cause,) = causes(await shop.examine(), "table_cache_small")
        assert (cause.object, cause.severity.value) == ("table_open_cache", "warning")
        apply(shop, cause)
        await asyncio.sleep(0.5)
        assert all(each.past for each in causes(await shop.examine(window_seconds=1.2), "table_cache_small"))


async def test_sort_spill_by_the_setting_is_found(own_server: Start) -> None:
    """sort_buffer: far below its default."""
    shop = own_server({**QUIET, "sort_buffer_size": "32768"})
    fill(shop, "orders", 20000)
    async with Work(shop, "SELECT id, line FROM orders ORDER BY line, kind LIMIT 15000, 5"):
        await asyncio.sleep(2.0)
        (cause,) = causes(await shop.examine(), "sort_spill", "sort_buffer_size")
        assert cause.severity.value == "warning"
        apply(shop, cause)
    async with Work(shop, "SELECT id, kind FROM orders WHERE id < 900 ORDER BY kind LIMIT 5"):
        assert [each.severity.value for each in found(await shop.examine(window_seconds=1.2), "sort_buffer")] in (
            [], ["notice"],
        )  # fmt: skip


async def test_temporary_tables_on_disk_by_the_setting_are_found(own_server: Start) -> None:
    """temporary_table_size: a thousandth of its default."""
    shop = own_server({**QUIET, "tmp_table_size": "16384", "max_heap_table_size": "16384"})
    check = "temporary_table_size"
    grouping = "SELECT LEFT(line, 60) AS a, kind, COUNT(*) AS n FROM orders GROUP BY a, kind ORDER BY n LIMIT 3"
    fill(shop, "orders", 5000)
    async with Work(shop, grouping):
        await asyncio.sleep(3.0)
        (cause,) = causes(await shop.examine(), "temporary_tables_on_disk", "tmp_table_size")
        assert not cause.past
    apply(shop, cause)
    assert int(shop.value("SELECT @@GLOBAL.tmp_table_size")) >= 16 * 1024 * 1024
    late = await shop.examine(window_seconds=0)
    assert all(each.severity.value == "notice" and not each.details["is_low"] for each in found(late, check))
    session = shop.connect()
    try:
        session.fetch(grouping)  # not the whole line: MariaDB groups by long keys on disk, whatever the size
        assert session.fetch("SHOW SESSION STATUS LIKE 'Created_tmp_disk_tables'")[0][1] in (0, "0")
    finally:
        session.close()


async def test_query_cache_contention_is_found_and_gone_when_it_is_off(own_server: Start, mysql_kind) -> None:
    if mysql_kind.flavour == "mysql":
        pytest.skip("MySQL has no query cache")
    shop = own_server({**QUIET, "query_cache_type": "ON", "query_cache_size": "33554432"})
    fill(shop, "stock", 1000, 20)
    reads = [f"SELECT kind FROM stock WHERE id = {number}" for number in range(1, 900)]
    async with Work(shop, *reads, sessions=3), Work(shop, "UPDATE stock SET kind = kind + 1 WHERE id = 3"):
        for _ in range(20):  # until enough was put in; on a busy machine a second may pass with too little to tell
            told = causes(await shop.examine(), "query_cache_contention")
            if told:
                break
        (cause,) = told
        assert cause.severity.value == "warning"
        apply(shop, cause)
        assert found(await shop.examine(), "query_cache") == []


async def test_binlog_cache_on_disk_is_told(own_server: Start) -> None:
    shop = own_server({**QUIET, "log_bin": "binlog", "binlog_cache_size": "4096", "binlog_format": "ROW"})
    fill(shop, "orders", 2000, 900)
    assert found(await shop.examine(window_seconds=0), "binlog_cache") == []
    shop.execute(*["UPDATE orders SET kind = kind + 1 WHERE id < 100"] * 120)
    (finding,) = found(await shop.examine(window_seconds=0), "binlog_cache")
    assert finding.object == "binlog_cache_size"


async def test_permission_error_names_the_account_and_the_right(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE items (id INT PRIMARY KEY)", "CREATE TABLE other (id INT PRIMARY KEY)")
    user = shop.create_reader(grants=[f"SELECT ON {shop.name}.other"])
    assert causes(await shop.examine(), "permission_error") == []
    session = shop.connect(user=user)
    try:
        if shop.server.kind.flavour == "mariadb":
            shop.execute("UPDATE performance_schema.setup_consumers SET ENABLED = 'YES'"
                         " WHERE NAME IN ('events_statements_current', 'events_statements_history')")  # fmt: skip
        for _ in range(30):
            with pytest.raises(Exception, match="denied"):
                session.fetch("SELECT COUNT(*) FROM items")
        diagnosis = await shop.examine()
        (cause,) = causes(diagnosis, "permission_error")
        assert cause.object == f"'{user}'@'localhost'" == objects(diagnosis, "permission_errors")[0]
        apply(shop, cause)
        assert session.fetch("SELECT COUNT(*) FROM items") == [(0,)]
    finally:
        session.close()


async def test_our_own_refused_looks_are_no_permission_errors_of_the_application(shop: PrivateMySQLDatabase) -> None:
    if shop.server.kind.flavour == "mariadb":
        pytest.skip("MariaDB counts no errors by account; there a present refusal must be seen")
    reader = shop.create_reader()
    shop.execute("TRUNCATE TABLE performance_schema.events_errors_summary_global_by_error")
    for _ in range(4):
        await shop.examine(user=reader, window_seconds=0)
    counted = "SELECT SUM_ERROR_RAISED FROM performance_schema.events_errors_summary_global_by_error"
    assert shop.value(f"{counted} WHERE ERROR_NUMBER = 1142") >= 4
    rows = (await shop.examine(window_seconds=0, user=reader)).snapshot.rows(StatementError)
    assert [each.raised for each in rows if each.number == 1142] == []


async def test_without_rights_nothing_is_called_healthy_and_each_grant_is_named(shop: PrivateMySQLDatabase) -> None:
    bare = shop.create_reader(grants=[f"SELECT ON {shop.name}.*"])
    diagnosis = await shop.examine(user=bare, window_seconds=0)
    missed = {each.check: str(each.remedy) for each in diagnosis.not_evaluated}
    assert "GRANT SELECT ON performance_schema.*" in missed["mysql.wait_profile"]
    assert "GRANT REFERENCES ON *.*" in missed["mysql.fragmentation"]
    assert "GRANT SELECT ON mysql.user" in missed["mysql.weak_accounts"]
    looked = diagnosis.to_json()["looked_at"]
    assert "memory" in looked
    assert not {"locks", "connections", "disk"} & looked.keys()


async def test_rows_scanned_are_told_where_no_statement_can_be(blind_shop: PrivateMySQLDatabase) -> None:
    fill(blind_shop, "orders", 30000)
    async with Work(blind_shop, "SELECT COUNT(*) FROM orders WHERE id = 7"):
        assert found(await blind_shop.examine(window_seconds=1.2), "rows_scanned") == []
    async with Work(blind_shop, "SELECT COUNT(*) FROM orders WHERE kind = 7"):
        for _ in range(20):
            if found(await blind_shop.examine(window_seconds=1.2), "rows_scanned"):
                return
    raise AssertionError("the scans were not told")


async def test_unknown_is_told_of_short_scans_that_nobody_counts_or_sees(blind_shop: PrivateMySQLDatabase) -> None:
    fill(blind_shop, "orders", 60000, width=20)
    async with Work(blind_shop, "DO SLEEP(0.1)", "SELECT id FROM orders WHERE id = 7"):
        assert caused(await blind_shop.examine(window_seconds=1.2), "unknown") == []
    told = []
    async with Work(blind_shop, "DO SLEEP(0.15)", "SELECT COUNT(*) FROM orders WHERE kind = 777"):
        for _ in range(25):
            diagnosis = await blind_shop.examine(window_seconds=1.2)
            told = caused(diagnosis, "unknown")
            seen = [each for each in diagnosis.findings if each.details.get("reads_whole") is not False
                    and each.check == "mysql.top_statements"]  # fmt: skip
            assert not (told and seen)
            if told:
                break
    assert [each.object for each in told] == ["server"]
    log, switch_on = told[0].remedies
    blind_shop.execute(*log.statements)
    try:
        blind_shop.execute("SELECT COUNT(*) FROM orders WHERE kind = 777")
        told_by = "SELECT COUNT(*) FROM mysql.slow_log WHERE sql_text LIKE '%kind = 777%'"
        wait_until(lambda: blind_shop.value(told_by) > 0, "the log to hold the statement")
        assert any("kind = 777" in str(row) for row in blind_shop.fetch(log.verify_statement or ""))
    finally:
        blind_shop.execute(*log.rollback)
    assert switch_on.statements == ()
    assert caused(await blind_shop.examine(window_seconds=1.2), "unknown") == []


@pytest.fixture
def small_disk() -> Iterator[str]:
    """A file system of a few megabytes for temporary files, where this machine allows making one."""
    folder = Path(tempfile.mkdtemp(prefix="hc-small-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=1777", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("needs the right to mount a small file system")
    yield str(folder)
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


async def test_disk_full_is_seen_in_the_failed_statements(small_disk: str, own_server: Start) -> None:
    """error_log, by the errors that statements got."""
    shop = own_server({**QUIET, "tmpdir": small_disk, "performance_schema": "ON", "sort_buffer_size": "32768",
                       "performance_schema_consumer_events_statements_current": "ON",
                       "performance_schema_consumer_events_statements_history": "ON"})  # fmt: skip
    fill(shop, "orders", 6000)
    assert causes(await shop.examine(window_seconds=0), "disk_full") == []
    session = shop.connect()
    try:
        with pytest.raises(Exception, match=r"(?i)space|full|write|sort"):
            session.fetch("SELECT o.line, p.line, o.id FROM orders AS o JOIN orders AS p USING (kind) ORDER BY 1, 2, 3")
        (cause,) = causes(await shop.examine(window_seconds=0), "disk_full")
        assert cause.object == "server"
    finally:
        session.close()


async def test_a_server_that_was_killed_is_told_so(mysql_servers: MySQLFarm) -> None:
    """unclean_stop and unclean_shutdown: kill -9, and a start in the same folder with the same log."""
    if mysql_servers.kind.flavour == "mariadb":
        pytest.skip("MariaDB's error log is a file on its machine")
    with mysql_servers.server({**QUIET, "log_error": "e.log"}) as server:
        shop = server.create_database()
        assert causes(await shop.examine(window_seconds=0), "unclean_shutdown") == []
        command, where = server.process.args, server.process
        where.send_signal(signal.SIGKILL)
        where.wait()
        with (server.data_dir / "again.log").open("wb") as log:
            account = mysql_servers._account
            server.process = subprocess.Popen(  # noqa: ASYNC220 - the test waits for it anyway
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                **account.spawn_options,
            )  # fmt: skip
        try:
            mysql_servers._wait_until_it_answers(server)
            (cause,) = causes(await shop.examine(window_seconds=0), "unclean_shutdown")
            assert cause.past
        finally:
            server.process.terminate()
            server.process.wait(30)
