"""Servers for tests that are found in a folder: by the programs in it, with the version that they tell."""

from pathlib import Path

import pytest

from housecall.errors import SetupError
from housecall.testing import named_servers, unpacked_postgresql
from housecall.testing_mysql import unpacked_mysql


def program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("place", "extensions"),
    [("usr/lib/postgresql/19/bin", "usr/share/postgresql/19/extension"), ("bin", "share/postgresql/extension")],
)
def test_a_postgresql_is_found_with_its_extensions(tmp_path: Path, place: str, extensions: str) -> None:
    postgres = program(tmp_path / place / "postgres", "postgres (PostgreSQL) 19rc1 (Debian 19~rc1-1)")
    bare = unpacked_postgresql(tmp_path)
    assert bare is not None
    assert (bare.name, bare.bin_dir, bare.extensions, bare.preload) == ("PostgreSQL 19", postgres.parent, (), ())
    (tmp_path / extensions).mkdir(parents=True)
    for name in ("pg_stat_statements", "hypopg"):
        (tmp_path / extensions / f"{name}.control").touch()
    whole = unpacked_postgresql(tmp_path)
    assert whole is not None
    assert whole.extensions == ("pg_stat_statements", "hypopg")
    assert whole.preload == ("pg_stat_statements",)
    assert whole.is_complete()


def test_a_mariadb_is_found_by_its_program_whatever_its_folder_is_called(tmp_path: Path) -> None:
    program(
        tmp_path / "mariadb-10.5" / "usr/sbin/mariadbd", "/x-1.2/mariadbd  Ver 11.8.9-MariaDB-0+deb13u1 from Debian"
    )
    kind = unpacked_mysql(tmp_path / "mariadb-10.5")
    assert kind is not None
    assert (kind.name, kind.flavour) == ("MariaDB 11.8", "mariadb")
    assert not kind.is_complete()  # without the program that makes data folders
    program(tmp_path / "mariadb-10.5" / "usr/bin/mariadb-install-db", "")
    assert kind.is_complete()


def test_an_empty_folder_holds_no_server(tmp_path: Path) -> None:
    assert unpacked_postgresql(tmp_path) is None
    assert unpacked_mysql(tmp_path) is None


def test_folders_are_named_with_colons_between_and_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOUSECALL_TEST_SERVERS", raising=False)
    assert named_servers() == ()
    (tmp_path / "a").mkdir()
    monkeypatch.setenv("HOUSECALL_TEST_SERVERS", f"{tmp_path}:{tmp_path / 'a'}")
    assert named_servers() == (tmp_path, tmp_path / "a")
    monkeypatch.setenv("HOUSECALL_TEST_SERVERS", f"{tmp_path / 'gone'}")
    with pytest.raises(SetupError, match="gone, and there is no such folder"):
        named_servers()
