"""Private MySQL and MariaDB servers for live tests: one a kind and a worker, with performance_schema on and off."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache

import pytest

from housecall.testing_mysql import (
    MYSQL_KINDS,
    MySQLFarm,
    MySQLKind,
    PrivateMySQLDatabase,
    PrivateMySQLServer,
    mysql_farm,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/live_mysql/" in item.path.as_posix():
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session", params=MYSQL_KINDS, ids=lambda kind: kind.flavour)
def mysql_kind(request: pytest.FixtureRequest) -> MySQLKind:
    kind: MySQLKind = request.param
    if not kind.is_complete():
        pytest.skip(f"{kind.name} is not installed; `make test` says why")
    return kind


@pytest.fixture(scope="session")
def farms() -> Iterator[Callable[[MySQLKind], MySQLFarm]]:
    """The farm of each kind, made when it is first asked for: a data folder takes longer to make than to copy."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(mysql_farm(kind)))


@pytest.fixture(scope="session")
def mysql_servers(mysql_kind: MySQLKind, farms: Callable[[MySQLKind], MySQLFarm]) -> MySQLFarm:
    return farms(mysql_kind)


@pytest.fixture(scope="session")
def mysql_server(mysql_servers: MySQLFarm) -> Iterator[PrivateMySQLServer]:
    """With performance_schema, which is on by default in MySQL and off in MariaDB."""
    with mysql_servers.server({"performance_schema": "ON"}) as started:
        yield started


@pytest.fixture(scope="session")
def blind_server(mysql_servers: MySQLFarm) -> Iterator[PrivateMySQLServer]:
    """Without performance_schema."""
    with mysql_servers.server({"performance_schema": "OFF"}) as started:
        yield started


@pytest.fixture
def shop(mysql_server: PrivateMySQLServer) -> Iterator[PrivateMySQLDatabase]:
    """An empty database on the shared private server."""
    made = mysql_server.create_database()
    yield made
    mysql_server.drop_database(made)


@pytest.fixture
def blind_shop(blind_server: PrivateMySQLServer) -> Iterator[PrivateMySQLDatabase]:
    """An empty database on the server without performance_schema."""
    made = blind_server.create_database()
    yield made
    blind_server.drop_database(made)


@pytest.fixture
def own_server(mysql_servers: MySQLFarm) -> Iterator[Callable[..., PrivateMySQLDatabase]]:
    """A function that starts a server of this test's own, with settings by name."""
    with ExitStack() as stack:

        def start(settings: Mapping[str, str] | None = None) -> PrivateMySQLDatabase:
            return stack.enter_context(mysql_servers.server(settings)).create_database()

        yield start
