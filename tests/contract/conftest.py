"""A real state database for the contract tests: one embedded cluster a session, one fresh database a test."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from housecall.settings import Settings
from housecall.store.embedded import FOR_TESTS, Cluster

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder for servers: also root's stand-in must be able to enter it, unlike pytest's own folders."""
    folder = Path(tempfile.mkdtemp(prefix="housecall-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster(open_folder: Path) -> Iterator[Cluster]:
    with Cluster(open_folder / "state", settings={**FOR_TESTS, "max_connections": "200"}) as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> str:
    return cluster.ensure_database(f"test_{next(_numbers)}")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    from pydantic import SecretStr

    return Settings(home=tmp_path / "home", database_url=SecretStr(database_url))


@pytest.fixture
def new_settings(cluster: Cluster, tmp_path: Path) -> Callable[[], Settings]:
    """More installations than one."""
    from pydantic import SecretStr

    def make() -> Settings:
        number = next(_numbers)
        return Settings(
            home=tmp_path / f"home{number}", database_url=SecretStr(cluster.ensure_database(f"test_{number}"))
        )

    return make
