"""Settings from the environment."""

from pathlib import Path

import pytest

from housecall.errors import SetupError
from housecall.settings import load_settings


def test_the_environment_overrides_a_default() -> None:
    settings = load_settings({"HOUSECALL_PORT": "8080", "HOUSECALL_HOME": "/somewhere"})
    assert settings.port == 8080
    assert settings.home == Path("/somewhere")


def test_a_command_line_option_wins_over_the_environment() -> None:
    assert load_settings({"HOUSECALL_PORT": "8080"}, port=9090).port == 9090
    assert load_settings({"HOUSECALL_PORT": "8080"}, port=None).port == 8080


def test_a_value_that_cannot_be_read_names_its_variable() -> None:
    with pytest.raises(SetupError, match="HOUSECALL_PORT='eighty'"):
        load_settings({"HOUSECALL_PORT": "eighty"})


def test_secrets_do_not_show() -> None:
    settings = load_settings(
        {"HOUSECALL_MODEL_API_KEY": "planted", "HOUSECALL_DATABASE_URL": "postgresql://a:planted@h/d"}
    )
    assert "planted" not in repr(settings)
