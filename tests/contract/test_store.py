"""The state database on a real server: schema, migrations, failures in our words."""

import pytest
from alembic import command
from sqlalchemy import text

from housecall.errors import SetupError, StoreError
from housecall.store.database import Database, alembic_config
from housecall.store.tables import HEAD

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url):
    opened = Database(database_url)
    await opened.prepare()
    yield opened
    await opened.close()


async def test_migrations_make_exactly_the_tables_of_the_code(database):
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.check(alembic_config(sync)))


async def test_head_is_the_newest_migration(database):
    from alembic.script import ScriptDirectory

    async with database.engine.begin() as connection:
        config = await connection.run_sync(alembic_config)
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_preparing_twice_changes_nothing(database):
    await database.prepare()


async def test_a_schema_of_a_newer_housecall_is_refused(database):
    async with database.begin("ageing the schema") as connection:
        await connection.execute(text("UPDATE housecall.alembic_version SET version_num = '9999'"))
    with pytest.raises(SetupError, match="newer Housecall"):
        await database.prepare()


async def test_a_failed_statement_is_a_store_error_that_names_the_work(database):
    with pytest.raises(StoreError, match=r"counting sheep.*does not exist"):
        async with database.begin("counting sheep") as connection:
            await connection.execute(text("SELECT * FROM sheep"))


async def test_a_lost_connection_says_what_to_do(database):
    with pytest.raises(StoreError, match="see that PostgreSQL runs"):
        async with database.begin("sleeping") as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_an_unreachable_database_names_the_address_without_the_password(tmp_path):
    database = Database(f"postgresql://me:hunter2@/x?host={tmp_path}")
    with pytest.raises(SetupError) as caught:
        await database.prepare()
    assert str(tmp_path) in caught.value.message
    assert "hunter2" not in caught.value.message
    await database.close()


def test_another_kind_of_database_is_refused():
    with pytest.raises(SetupError, match="PostgreSQL only"):
        Database("sqlite:///x.db")


def test_a_repr_shows_no_password():
    assert "hunter2" not in repr(Database("postgresql://me:hunter2@host/x"))
