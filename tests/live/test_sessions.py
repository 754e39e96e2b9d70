"""Queues of sessions on real servers: clean, broken, found, mended by the remedy's own statements, clean."""

import pytest

from housecall.diagnosis.finding import Severity
from housecall.testing import PrivateDatabase, PrivateServer
from housecall.testing_sessions import apply, background, cause_ids, findings, the_cause, wait_until

pytestmark = pytest.mark.anyio

LOCK_CAUSES = {
    "idle_in_transaction_blocker", "long_transaction_blocker", "ddl_lock_queue", "hot_row", "advisory_lock_leak",
    "orphan_prepared_transaction", "xmin_horizon_held",
}  # fmt: skip


@pytest.fixture
def shop(database: PrivateDatabase) -> PrivateDatabase:
    database.execute(
        'CREATE TABLE "Order Lines" (id int PRIMARY KEY, amount int)',
        'INSERT INTO "Order Lines" SELECT n, 0 FROM generate_series(1, 100) AS n',
        'ANALYZE "Order Lines"',
    )
    return database


async def test_idle_transaction_at_the_root_of_a_queue_is_the_one_cause(shop: PrivateDatabase) -> None:
    assert not cause_ids(await shop.examine()) & LOCK_CAUSES
    with background(shop) as sessions:
        root = sessions.session("BEGIN", 'UPDATE "Order Lines" SET amount = 1 WHERE id = 7')
        for _ in range(3):
            sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
        sessions.wait_for_queue(3, seconds=2)
        diagnosis = await shop.examine()
        assert cause_ids(diagnosis) & LOCK_CAUSES == {"idle_in_transaction_blocker"}
        cause = the_cause(diagnosis, "idle_in_transaction_blocker")
        assert (cause.object, cause.severity) == (f"pid {root.info.backend_pid}", Severity.WARNING)
        assert 'public."Order Lines"' in cause.summary.render()
        assert "checkout" in cause.summary.render("zh-CN")
        apply(shop, cause)
        wait_until(lambda: sessions.waiting() == 0, "the queue is gone")
        assert not cause_ids(await shop.examine()) & LOCK_CAUSES


async def test_a_blocker_whose_activity_is_not_tracked_is_known_by_its_wait(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        root = sessions.session(
            "SET track_activities = off", "BEGIN", 'UPDATE "Order Lines" SET amount = 1 WHERE id = 7'
        )
        for _ in range(2):
            sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
        sessions.wait_for_queue(2, seconds=2)
        diagnosis = await shop.examine()
        assert cause_ids(diagnosis) & LOCK_CAUSES == {"idle_in_transaction_blocker"}
        cause = the_cause(diagnosis, "idle_in_transaction_blocker")
        assert cause.object == f"pid {root.info.backend_pid}"
        assert "track_activities" in " ".join(each.render() for each in cause.because)
        apply(shop, cause)
        wait_until(lambda: sessions.waiting() == 0, "the queue is gone")


async def test_a_queue_in_another_database_is_told_by_that_database(
    server: PrivateServer, shop: PrivateDatabase
) -> None:
    other = server.create_database()
    try:
        with background(shop) as sessions:
            root = sessions.session("BEGIN", 'UPDATE "Order Lines" SET amount = 1 WHERE id = 7')
            for _ in range(3):
                sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
            sessions.wait_for_queue(3, seconds=2)
            cause = the_cause(await other.examine(), "idle_in_transaction_blocker")
            assert cause.object == f"pid {root.info.backend_pid}"
            assert f"blocks 3 sessions on a table of database {shop.name}." in cause.summary.render()
            apply(other, cause)
            wait_until(lambda: sessions.waiting() == 0, "the queue is gone")
    finally:
        server.drop_database(other)


async def test_running_transaction_that_blocks_is_cancelled_not_its_victims(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        sessions.run('BEGIN; UPDATE "Order Lines" SET amount = 1 WHERE id = 7; SELECT pg_sleep(60)', "report")
        wait_until(lambda: bool(shop.fetch("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")), "it runs")
        sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
        sessions.run('UPDATE "Order Lines" SET amount = 3 WHERE id = 7')
        sessions.wait_for_queue(2, seconds=2)
        cause = the_cause(await shop.examine(), "long_transaction_blocker")
        assert "report" in cause.summary.render()
        apply(shop, cause)
        wait_until(lambda: sessions.waiting() == 0, "the queue is gone")
        assert not cause_ids(await shop.examine()) & LOCK_CAUSES


async def test_schema_change_behind_an_idle_reader_names_the_reader(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        reader = sessions.session("BEGIN", 'SELECT count(*) FROM "Order Lines"', application="report")
        sessions.run('ALTER TABLE "Order Lines" ADD COLUMN note text', "migration")
        sessions.wait_for_queue(1)
        for _ in range(3):
            sessions.run('SELECT count(*) FROM "Order Lines"')
        sessions.wait_for_queue(4, seconds=2)
        diagnosis = await shop.examine()
        assert cause_ids(diagnosis) & LOCK_CAUSES == {"ddl_lock_queue"}
        cause = the_cause(diagnosis, "ddl_lock_queue")
        assert cause.object == f"pid {reader.info.backend_pid}"
        assert len(findings(diagnosis, "ddl_lock_queue")) == 1
        apply(shop, cause, 1)
        wait_until(lambda: sessions.waiting() == 0, "cancelling the schema change clears the queue")
        assert not cause_ids(await shop.examine()) & LOCK_CAUSES


async def test_no_reading_waits_for_a_table_that_is_being_altered(shop: PrivateDatabase) -> None:
    shop.execute(
        "CREATE TABLE tickets (id bigint PRIMARY KEY, opened timestamptz DEFAULT now(), mail text, state text)",
        "INSERT INTO tickets SELECT n, now(), 'm' || n, 'x' FROM generate_series(1, 30000) AS n",
        *(f"CREATE INDEX tickets_mail_{n} ON tickets (lower(mail), state) WHERE state <> 'y{n}'" for n in range(6)),
        "CREATE INDEX tickets_twin ON tickets (opened, mail)",
        "CREATE INDEX tickets_twin_too ON tickets (opened, mail)",
        "ALTER TABLE tickets ADD CONSTRAINT self FOREIGN KEY (id) REFERENCES tickets",
        "CREATE TABLE parts (day date NOT NULL) PARTITION BY RANGE (date_trunc('month', day::timestamp))",
        "SELECT count(*) FROM tickets WHERE lower(mail) = 'm5'",
    )
    with background(shop) as sessions:
        sessions.session("BEGIN", "LOCK TABLE parts", "SELECT count(*) FROM tickets", application="report")
        sessions.run("ALTER TABLE tickets ADD COLUMN note text", "migration")
        sessions.wait_for_queue(1)
        diagnosis = await shop.examine()
        assert sessions.waiting() == 1
        assert [each.check for each in diagnosis.not_evaluated if "time limit" in each.reason.render()] == []


async def test_one_row_that_everybody_wants_is_a_hot_row(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        for _ in range(8):
            sessions.repeat(
                'BEGIN; UPDATE "Order Lines" SET amount = amount + 1 WHERE id = 7; SELECT pg_sleep(0.01); COMMIT'
            )
        sessions.wait_for_queue(5)
        diagnosis = await shop.examine()
        assert cause_ids(diagnosis) & LOCK_CAUSES == {"hot_row"}
        assert the_cause(diagnosis, "hot_row").object == 'public."Order Lines"'


async def test_idle_holder_of_advisory_locks_is_named(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        holder = sessions.session("SELECT pg_advisory_lock(4711)", application="cron")
        sessions.run("SELECT pg_advisory_lock(4711)")
        sessions.wait_for_queue(1, seconds=5.1)
        cause = the_cause(await shop.examine(), "advisory_lock_leak")
        assert (cause.object, cause.severity) == (f"pid {holder.info.backend_pid}", Severity.WARNING)
        assert "4711" in cause.because[0].render()
        apply(shop, cause)
        wait_until(lambda: sessions.waiting() == 0, "the queue is gone")
        assert "advisory_lock_leak" not in cause_ids(await shop.examine())


async def test_prepared_transaction_that_blocks_is_the_root(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        shop.execute("BEGIN", 'UPDATE "Order Lines" SET amount = 1 WHERE id = 7', "PREPARE TRANSACTION 'it''s mine'")
        sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
        sessions.run('UPDATE "Order Lines" SET amount = 3 WHERE id = 7')
        sessions.wait_for_queue(2, seconds=2)
        diagnosis = await shop.examine()
        assert cause_ids(diagnosis) & LOCK_CAUSES == {"orphan_prepared_transaction"}
        cause = the_cause(diagnosis, "orphan_prepared_transaction")
        assert (cause.object, cause.severity) == ("it's mine", Severity.WARNING)
        assert 'public."Order Lines"' in " ".join(message.render() for message in cause.because)
        apply(shop, cause)
        wait_until(lambda: sessions.waiting() == 0, "the queue is gone")
        assert not cause_ids(await shop.examine()) & LOCK_CAUSES


@pytest.mark.since(14, "locks tell everybody since when they wait")
async def test_role_without_grants_sees_the_queue_and_says_what_it_cannot_see(shop: PrivateDatabase) -> None:
    reader = shop.create_reader(monitor=False)
    with background(shop) as sessions:
        root = sessions.session("BEGIN", 'UPDATE "Order Lines" SET amount = 1 WHERE id = 7')
        sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
        sessions.run('UPDATE "Order Lines" SET amount = 3 WHERE id = 7')
        sessions.wait_for_queue(2, seconds=2)
        diagnosis = await shop.examine(role=reader)
        missed = {each.check for each in diagnosis.not_evaluated}
        assert {"postgresql.blocked_sessions", "postgresql.idle_in_transaction"} <= missed
        cause = the_cause(diagnosis, "long_transaction_blocker")
        assert cause.object == f"pid {root.info.backend_pid}"
        assert cause.confidence <= 0.5


async def test_monitor_role_sees_as_much_as_a_superuser(shop: PrivateDatabase) -> None:
    reader = shop.create_reader()
    with background(shop) as sessions:
        sessions.session("BEGIN", 'UPDATE "Order Lines" SET amount = 1 WHERE id = 7')
        sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
        sessions.run('UPDATE "Order Lines" SET amount = 3 WHERE id = 7')
        sessions.wait_for_queue(2, seconds=2)
        assert the_cause(await shop.examine(role=reader), "idle_in_transaction_blocker").confidence > 0.9


async def test_short_lock_wait_and_short_idle_transaction_need_nobody(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        sessions.session("BEGIN", 'UPDATE "Order Lines" SET amount = 1 WHERE id = 7')
        sessions.run('UPDATE "Order Lines" SET amount = 2 WHERE id = 7')
        sessions.wait_for_queue(1)
        diagnosis = await shop.examine()
        assert all(cause.severity.rank < Severity.WARNING.rank for cause in diagnosis.causes if cause.id in LOCK_CAUSES)


async def test_deadlock_is_counted_with_its_rate(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        first = sessions.session(
            "SET deadlock_timeout = '50ms'", "BEGIN", 'SELECT FROM "Order Lines" WHERE id = 1 FOR UPDATE'
        )
        sessions.run(
            'BEGIN; SELECT FROM "Order Lines" WHERE id = 2 FOR UPDATE;'
            ' SELECT FROM "Order Lines" WHERE id = 1 FOR UPDATE'
        )
        sessions.wait_for_queue(1)
        with pytest.raises(Exception, match="deadlock"):
            first.execute('SELECT FROM "Order Lines" WHERE id = 2 FOR UPDATE')
        first.execute("ROLLBACK")
    wait_until(
        lambda: shop.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") > 0, "counted"
    )
    cause = the_cause(await shop.examine(), "deadlock")
    assert (cause.object, cause.severity, cause.past) == (shop.name, Severity.WARNING, False)


async def test_overflowing_subtransactions_are_told_with_their_session(shop: PrivateDatabase) -> None:
    with background(shop) as sessions:
        root = sessions.session("BEGIN")
        for number in range(70):
            root.execute(f'SAVEPOINT s{number}; UPDATE "Order Lines" SET amount = 1 WHERE id = {number + 1}')
        diagnosis = await shop.examine()
        if shop.server.version >= 16:
            assert the_cause(diagnosis, "subtransaction_overflow").object == f"pid {root.info.backend_pid}"
        else:
            assert findings(diagnosis, "subtransactions") == []
