"""Private PostgreSQL servers for live tests: one a version and a worker, a new database for each test."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from housecall.testing import SERVER_KINDS, PrivateDatabase, PrivateServer, ServerFarm, ServerKind, server_farm


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "pg(*versions): the PostgreSQL major versions a test holds for; all without it")
    config.addinivalue_line("markers", "since(version, why): the oldest PostgreSQL that has what the test looks at")
    config.addinivalue_line("markers", "extensions(*names): what the server must have; a bare one has none of them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/live/" in item.path.as_posix():
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session", params=SERVER_KINDS, ids=lambda kind: f"pg{kind.version}")
def server_kind(request: pytest.FixtureRequest) -> ServerKind:
    kind: ServerKind = request.param
    if not kind.is_complete():
        pytest.skip(f"{kind.name} is not installed; `make test` says why")
    return kind


@pytest.fixture(autouse=True)
def _only_where_it_holds(request: pytest.FixtureRequest) -> None:
    if "server_kind" not in request.fixturenames:
        return
    kind = request.getfixturevalue("server_kind")
    versions, since, extensions = (request.node.get_closest_marker(name) for name in ("pg", "since", "extensions"))
    if versions and kind.version not in versions.args:
        pytest.skip(f"holds for PostgreSQL {', '.join(map(str, versions.args))}")
    if since and kind.version < since.args[0]:
        pytest.skip(f"PostgreSQL {since.args[0]} and newer: {since.args[1]}")
    if extensions and not set(extensions.args) <= set(kind.extensions):
        pytest.skip(f"needs {', '.join(extensions.args)}")


@pytest.fixture(scope="session")
def farm(server_kind: ServerKind) -> Iterator[ServerFarm]:
    with server_farm(server_kind) as started:
        yield started


@pytest.fixture(scope="session")
def server(farm: ServerFarm) -> Iterator[PrivateServer]:
    with farm.server() as started:
        yield started


@pytest.fixture
def database(server: PrivateServer) -> Iterator[PrivateDatabase]:
    """An empty database on the shared private server; the server's own counters may be anybody's."""
    made = server.create_database()
    yield made
    server.drop_database(made)


@pytest.fixture
def fresh_server(farm: ServerFarm) -> Iterator[Callable[..., PrivateDatabase]]:
    """A function that starts a server of this test's own, with settings by name, and gives a new database on it."""
    with ExitStack() as stack:

        def start(settings: Mapping[str, str] | None = None) -> PrivateDatabase:
            return stack.enter_context(farm.server(settings)).create_database()

        yield start
