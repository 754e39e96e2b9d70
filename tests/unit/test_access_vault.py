"""Secrets at rest."""

import base64
import os
import stat

import pytest
from pydantic import SecretStr

from housecall.access.vault import Vault, open_vault
from housecall.errors import SetupError
from housecall.settings import Settings

KEY = bytes(range(32))
SECRET = SecretStr("hunter2 密码")


def test_what_was_sealed_opens():
    vault = Vault(KEY)
    assert vault.open(vault.seal(SECRET, "instance:a"), "instance:a") == SECRET


def test_the_same_secret_never_looks_the_same():
    vault = Vault(KEY)
    assert vault.seal(SECRET, "x") != vault.seal(SECRET, "x")


def test_a_value_copied_to_another_row_does_not_open():
    vault = Vault(KEY)
    with pytest.raises(SetupError):
        vault.open(vault.seal(SECRET, "instance:a"), "instance:b")


def test_another_key_does_not_open_and_says_what_to_do():
    sealed = Vault(KEY).seal(SECRET, "instance:a")
    with pytest.raises(SetupError, match="HOUSECALL_SECRET_KEY") as caught:
        Vault(bytes(32)).open(sealed, "instance:a")
    assert "hunter2" not in caught.value.message


def test_a_changed_byte_is_noticed():
    sealed = bytearray(Vault(KEY).seal(SECRET, "x"))
    sealed[-1] ^= 1
    with pytest.raises(SetupError):
        Vault(KEY).open(bytes(sealed), "x")


def test_nothing_shows_in_a_repr():
    assert repr(Vault(KEY)) == "Vault(…)"


def test_the_key_file_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    settings = Settings(home=tmp_path)
    sealed = open_vault(settings).seal(SECRET, "x")
    assert open_vault(settings).open(sealed, "x") == SECRET
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_key_in_the_settings_wins_and_leaves_no_file(tmp_path):
    key = SecretStr(base64.b64encode(os.urandom(32)).decode())
    open_vault(Settings(home=tmp_path, secret_key=key))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [31, 33])
def test_a_key_of_the_wrong_length_is_refused(length, tmp_path):
    key = SecretStr(base64.b64encode(bytes(length)).decode())
    with pytest.raises(SetupError, match="must have 32"):
        open_vault(Settings(home=tmp_path, secret_key=key))


def test_a_key_that_is_no_base64_is_refused_without_being_shown(tmp_path):
    with pytest.raises(SetupError, match="not base64") as caught:
        open_vault(Settings(home=tmp_path, secret_key=SecretStr("säcret!")))
    assert "säcret" not in caught.value.message
