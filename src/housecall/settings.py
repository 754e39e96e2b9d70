"""The settings of an installation: one table of name, default and help, read from the environment.

Every setting is an environment variable `HOUSECALL_<NAME>`, and may stand in the file `housecall.toml` instead, where
the variable wins. `docs/reference/settings.md` is rendered from this table.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import SecretStr

from housecall.configuration import Configuration, KeyReference, find_file, read_configuration, setting_values
from housecall.errors import SetupError

PREFIX = "HOUSECALL_"


def _default_home() -> Path:
    """The user's data folder. Root's is a system folder, since the embedded PostgreSQL must not run as root
    and an unprivileged user cannot reach into root's home."""
    if os.geteuid() == 0:
        return Path("/var/lib/housecall")
    return Path(platformdirs.user_data_dir("housecall", appauthor=False))


def _setting(default: Any, help_text: str) -> Any:
    factory = default if callable(default) else (lambda: default)
    return field(default_factory=factory, metadata={"help": help_text})


@dataclass(frozen=True)
class Settings:
    """One installation's settings. Durations are in seconds and sizes in bytes, as their names say."""

    home: Path = _setting(_default_home, "Folder of everything that Housecall keeps.")
    config: Path | None = _setting(None, "Configuration file; `housecall.toml` in the home by default.")
    database_url: SecretStr | None = _setting(
        None, "PostgreSQL that holds Housecall's state (postgresql://…); without it an embedded one is started."
    )
    host: str = _setting("127.0.0.1", "Address that `serve` listens on.")
    port: int = _setting(7432, "Port that `serve` listens on.")
    workers: int = _setting(
        1, "Processes of `serve` behind its port; 0 takes one for each core, up to 4. Each needs up to 30 connections."
    )
    trusted_proxies: str | None = _setting(
        None,
        "Addresses of reverse proxies, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed;"
        " without it policies and the audit log see the address that connects.",
    )
    secret_key: SecretStr | None = _setting(
        None,
        "Key that encrypts passwords and key secrets at rest (base64, 32 bytes); without it one is kept in the home.",
    )
    model: str = _setting(
        "",
        "Model that answers by default: the id of a model in `housecall.toml`, `builtin`, or a pydantic-ai name such as"
        " `openai:gpt-5`. Empty: the default of the file, else `builtin`.",
    )
    model_base_url: str | None = _setting(None, "Base URL of an OpenAI-compatible endpoint for `HOUSECALL_MODEL`.")
    model_api_key: SecretStr | KeyReference | None = _setting(None, "API key for `HOUSECALL_MODEL`.")
    language: str | None = _setting(None, "Language of answers when neither request nor question tells (en, zh-CN).")
    log_level: str = _setting("info", "Least severe log lines that are written: debug, info, warning, error.")
    probe_statement_timeout_seconds: float = _setting(10.0, "Longest time a reading may take on an instance.")
    probe_connect_timeout_seconds: float = _setting(5.0, "Longest time to wait for a connection to an instance.")
    max_request_bytes: int = _setting(1024 * 1024, "Largest request, its URL, headers and body together.")
    file_max_bytes: int = _setting(20 * 1024 * 1024, "Largest file that UploadFile takes.")
    file_quota_bytes: int = _setting(1024 * 1024 * 1024, "How much an account's uploaded files may take together.")
    file_keep_days: int = _setting(30, "Days after which an uploaded file is deleted.")
    approval_expiry_seconds: float = _setting(
        3600.0, "How long a proposed change waits for a person, and a decision for being carried out."
    )
    change_statement_timeout_seconds: float = _setting(
        4 * 3600.0, "Longest time a statement of an approved change may take on an instance."
    )
    allow_link_local_instances: int = _setting(
        0, "1 lets RegisterInstance take link-local and metadata addresses (169.254.0.0/16, fe80::/10)."
    )


def _parse(name: str, kind: Any, text: str) -> Any:
    text_kind = str(kind)
    try:
        if "SecretStr" in text_kind:
            return SecretStr(text)
        if "Path" in text_kind:
            return Path(text).expanduser()
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except ValueError as error:
        raise SetupError(f"{PREFIX}{name.upper()}={text!r} is not a number: {error}") from error
    return text


def load_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment; `overrides` (from command-line options) win when they are not None.

    Raises:
        SetupError: a value cannot be read, with its variable's name.
    """
    source = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for item in fields(Settings):
        text = source.get(PREFIX + item.name.upper())
        if text:
            values[item.name] = _parse(item.name, item.type, text)
    values.update({name: value for name, value in overrides.items() if value is not None})
    path = find_file(values.get("home") or _default_home(), source)
    if path is not None:
        values = setting_values(read_file(path), FILE_SETTINGS, source) | values | {"config": path}
    return Settings(**values)


FILE_SETTINGS: Mapping[str, Any] = {
    each.name: each.type for each in fields(Settings) if each.name not in ("home", "config")
}
"""What the file may set: all but where to find it."""


def read_file(path: Path) -> Configuration:
    """The configuration file. Raises SetupError with the line of each mistake."""
    return read_configuration(path, FILE_SETTINGS)
