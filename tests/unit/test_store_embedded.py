"""The embedded server's rules that need no server."""

import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from housecall.errors import SetupError
from housecall.store import embedded, unprivileged
from housecall.store.embedded import SOCKET_PATH_LIMIT, Cluster
from housecall.store.locks import FileLock, exclusively
from housecall.store.unprivileged import Account, account_for

ME = Account("me", os.geteuid(), os.getegid(), switch=False)


@pytest.fixture
def short_folder():
    with tempfile.TemporaryDirectory(prefix="hc-") as folder:
        yield Path(folder)


def test_the_socket_folder_is_private_and_the_same_each_time(short_folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(short_folder))
    folder = embedded._socket_dir(ME, Path("/data/one"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert embedded._socket_dir(ME, Path("/data/one")) == folder
    assert embedded._socket_dir(ME, Path("/data/two")) != folder


def test_a_socket_folder_that_others_may_enter_is_not_used(short_folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(short_folder))
    folder = embedded._socket_dir(ME, Path("/data/one"))
    folder.chmod(0o755)
    assert embedded._socket_dir(ME, Path("/data/one")) != folder


def test_a_symbolic_link_is_not_taken_for_the_socket_folder(short_folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(short_folder))
    folder = embedded._socket_dir(ME, Path("/data/one"))
    folder.rename(short_folder / "elsewhere")
    folder.symlink_to(short_folder / "elsewhere")
    assert embedded._socket_dir(ME, Path("/data/one")) != folder


def test_a_long_temporary_folder_does_not_make_the_socket_path_too_long(short_folder, monkeypatch):
    deep = short_folder / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    folder = embedded._socket_dir(ME, deep)
    try:
        assert len(str(folder / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(folder / ".s.PGSQL.5432"))
    finally:
        (folder / ".s.PGSQL.5432").unlink(missing_ok=True)
        folder.rmdir()


def test_a_listening_cluster_needs_a_password(tmp_path):
    with pytest.raises(ValueError, match="password"):
        Cluster(tmp_path / "data", port=5433)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("could not write: No space left on device", "the disk is full"),
        ("could not open: Permission denied", "permission denied"),
        ("FATAL: odd", "What it said last:\nFATAL: odd"),
    ],
)
def test_what_postgresql_printed_becomes_a_sentence_with_what_to_do(output, expected):
    assert expected in embedded._explain("It did not start", output)


def test_values_are_quoted_for_the_configuration_file():
    assert embedded._quoted(r"a'b\c") == r"'a''b\\c'"


def test_a_process_that_is_no_postgresql_is_not_taken_for_the_server(tmp_path):
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n0\n5432\n/tmp/x\n")
    assert Cluster(tmp_path).pid is None


@pytest.mark.parametrize("content", ["", "garbage\n", "12"])
def test_a_damaged_number_file_is_no_server(tmp_path, content):
    (tmp_path / "postmaster.pid").write_text(content)
    assert Cluster(tmp_path).pid is None


def test_another_user_s_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 4242)
    with pytest.raises(SetupError, match=r"belongs to user.*HOUSECALL_HOME"):
        account_for(tmp_path)


def test_root_without_a_user_to_lend_the_work_to_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(unprivileged, "_make_system_user", lambda: None)
    monkeypatch.setattr(unprivileged, "SYSTEM_USER", "no-such-user-1")
    monkeypatch.setattr(unprivileged, "FALLBACK_USER", "no-such-user-2")
    with pytest.raises(SetupError, match="HOUSECALL_DATABASE_URL"):
        unprivileged.stand_in()


def test_a_folder_below_a_closed_one_cannot_be_entered(tmp_path):
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    stranger = Account("stranger", os.geteuid() + 4242, os.getegid() + 4242, switch=True)
    assert not stranger.can_enter(tmp_path / "closed" / "inner")


def test_an_exclusive_lock_keeps_others_out_until_it_is_released(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_lock(exclusive=True)
    assert not second.try_lock(exclusive=False)
    first.release()
    assert second.try_lock(exclusive=False)
    second.release()


def test_shared_locks_stand_together_and_against_an_exclusive_one(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_lock(exclusive=False)
    assert second.try_lock(exclusive=False)
    assert not first.try_lock(exclusive=True)
    second.release()
    assert first.try_lock(exclusive=True)
    first.release()


def test_a_lock_that_does_not_come_free_names_its_file(tmp_path):
    with exclusively(tmp_path / "lock", 1.0), pytest.raises(SetupError, match=str(tmp_path / "lock")):
        FileLock(tmp_path / "lock").lock(exclusive=True, timeout_seconds=0.0)
