"""Setting a variable for the whole server: SET PERSIST on MySQL, SET GLOBAL on MariaDB, which a restart forgets.

Variables by which a server runs programs, loads libraries or writes files elsewhere are refused outright: setting one
is a way into the machine, which no card can show. Those that end durability are shown as what they are.
Source: MySQL manual, "Persisted System Variables"; MariaDB Knowledge Base, "SET".
"""

import re
from typing import Any, Literal

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.mysql.changes._common import Arguments, one, words
from housecall.engines.mysql.quoting import quote_literal
from housecall.engines.mysql.static_variables import is_static
from housecall.errors import NotFound, RequestError
from housecall.wording import Message, Say

REFUSED = words(
    """init_connect init_file init_replica init_slave plugin_dir plugin_load plugin_load_add secure_file_priv datadir
    basedir tmpdir slave_load_tmpdir replica_load_tmpdir general_log_file slow_query_log_file log_error log_bin
    log_bin_basename innodb_data_home_dir innodb_log_group_home_dir innodb_undo_directory innodb_force_recovery
    innodb_directories lc_messages_dir character_sets_dir socket port bind_address skip_networking pid_file
    ssl_ca ssl_capath ssl_cert ssl_key ssl_crl ssl_crlpath mandatory_roles local_infile validate_password
    log_bin_trust_function_creators wsrep_provider wsrep_sst_auth wsrep_notify_cmd wsrep_sst_method proxy_user
    authentication_windows_log_level server_audit_file_path innodb_checksum_algorithm skip_name_resolve"""
)
DURABILITY = words(
    """innodb_flush_log_at_trx_commit sync_binlog innodb_doublewrite innodb_flush_method sync_relay_log
    innodb_use_atomic_writes binlog_format gtid_mode sync_master_info"""
)
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.I)
_BARE = re.compile(r"ON|OFF|TRUE|FALSE|[A-Za-z_][\w-]*", re.I)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}

_MYSQL = """
SELECT v.VARIABLE_NAME AS name, v.VARIABLE_VALUE AS value, p.VARIABLE_VALUE AS persisted, NULL AS is_read_only
FROM performance_schema.global_variables AS v
LEFT JOIN performance_schema.persisted_variables AS p ON p.VARIABLE_NAME = v.VARIABLE_NAME
WHERE v.VARIABLE_NAME = LOWER(%s)
"""
_MARIADB = """
SELECT LOWER(v.VARIABLE_NAME) AS name, v.GLOBAL_VALUE AS value, NULL AS persisted, v.READ_ONLY = 'YES' AS is_read_only
FROM information_schema.SYSTEM_VARIABLES AS v
WHERE v.VARIABLE_NAME = UPPER(%s) AND v.GLOBAL_VALUE IS NOT NULL
"""

TITLE = Say(
    "Set {name} to {value} for the whole server (now {now})", "为整个服务器将 {name} 设为 {value}（当前 {now}）"
)
RESET_TITLE = Say(
    "Reset {name} of the whole server to its default (now {now})", "将整个服务器的 {name} 恢复默认（当前 {now}）"
)
LOCK = Say("takes no lock", "不加锁")
PERSISTED = Say(
    "at once; sessions that are open keep their own value where the variable has one for each session; it stays over a"
    " restart",
    "立即生效；若该变量有会话级取值，已打开的会话保留原值；重启后仍然有效",
)
UNTIL_RESTART = Say(
    "at once; sessions that are open keep their own value where the variable has one for each session; **a restart"
    " forgets it** unless it is also written into the server's configuration",
    "立即生效；若该变量有会话级取值，已打开的会话保留原值；**重启后失效**，除非同时写入服务器配置",
)
RESTART = Say(
    "**needs a restart**: the value is written now and used after the server starts the next time",
    "**需要重启**：现在写入，下次启动服务器后生效",
)
DURABLE = Say("this variable decides whether committed work survives a crash", "该变量决定已提交的数据在崩溃后是否保留")
VERIFY = Say("the server shows the new value", "服务器显示新值")


class ParameterArguments(Arguments):
    """A variable of the whole server. No value goes back to the default."""

    name: str
    value: str | None = Field(default=None, max_length=1000)
    scope: Literal["system", "role", "database"] = "system"
    target: str | None = Field(default=None, max_length=64)


async def compose(probe: Probe, arguments: ParameterArguments, instance_id: str) -> Change:
    if arguments.scope != "system":
        raise RequestError(
            "MySQL and MariaDB have no settings of a role or a database; only of the server or a session"
        )
    setting = await _setting(probe, arguments.name)
    name, restart = str(setting["name"]), _is_static(setting)
    _refuse(setting, restart=restart, mariadb=_on_mariadb(probe), resets=arguments.value is None)
    value = None if arguments.value is None else literal(name, arguments.value)
    values: dict[str, Any] = {"name": name, "now": setting["value"]}
    return Change(
        tool="set_parameter",
        instance_id=instance_id,
        arguments=arguments.model_dump() | {"name": name},
        statements=_statements(probe, name, value, restart=restart, persisted=setting["persisted"] is not None),
        title=RESET_TITLE(**values) if value is None else TITLE(value=arguments.value, **values),
        lock=LOCK(),
        duration=_effect(probe, restart=restart),
        risk="high" if name in DURABILITY else "medium",
        verify=VERIFY(),
        state={"name": name, "current": setting["value"], "persisted": setting["persisted"]},
        facts={"durability": name in DURABILITY, "restart": restart},
        rollback=_way_back(probe, setting, restart=restart),
        caution=DURABLE() if name in DURABILITY else None,
    )


async def _setting(probe: Probe, name: str) -> dict[str, Any]:
    found = await one(probe, _MARIADB if _on_mariadb(probe) else _MYSQL, (name.strip(),))
    if found is None:
        raise NotFound(f"This server has no global variable {name[:80]!r}")
    return found


def _on_mariadb(probe: Probe) -> bool:
    return probe.facts.version.flavour == "mariadb"


def _is_static(setting: dict[str, Any]) -> bool:
    known = setting["is_read_only"]
    return is_static(str(setting["name"])) if known is None else bool(known)


def _refuse(setting: dict[str, Any], *, restart: bool, mariadb: bool, resets: bool) -> None:
    name = str(setting["name"])
    if name in REFUSED:
        raise RequestError(
            f"{name} lets the server run statements or programs, load libraries or read and write files, or decides who"
            " may come in; it is never set from here: edit the server's configuration by hand"
        )
    if restart and mariadb:
        raise RequestError(
            f"{name} needs a restart, and MariaDB keeps no such value: write it into the server's configuration"
        )
    if restart and resets and setting["persisted"] is None:
        raise RequestError(f"{name} comes from the server's configuration or its default, which SQL does not change")


def literal(name: str, value: str) -> str:
    """The value as SQL: a number (64M and 64MB are bytes), a bare word, or text. Raises RequestError."""
    text = value.strip()
    if not text or any(ord(letter) < 32 for letter in text):
        raise RequestError(f"The value of {name} is empty or has control characters")
    number = _NUMBER.fullmatch(text)
    if number:
        unit = number[2].lower()
        return number[1] if not unit else str(int(float(number[1]) * _UNITS[unit]))
    if _BARE.fullmatch(text) and text.upper() in ("ON", "OFF", "TRUE", "FALSE"):
        return text.upper()
    return quote_literal(text)


def _statements(probe: Probe, name: str, value: str | None, *, restart: bool, persisted: bool) -> tuple[str, ...]:
    if _on_mariadb(probe):
        return (f"SET GLOBAL {name} = {value or 'DEFAULT'}",)
    if value is not None:
        return (f"SET {'PERSIST_ONLY' if restart else 'PERSIST'} {name} = {value}",)
    forget = (f"RESET PERSIST IF EXISTS {name}",) if persisted else ()
    return forget if restart else (*forget, f"SET GLOBAL {name} = DEFAULT")


def _way_back(probe: Probe, setting: dict[str, Any], *, restart: bool) -> tuple[str, ...]:
    """As it was: the value that held, and what was persisted or nothing."""
    name, before = str(setting["name"]), _again(str(setting["value"]))
    if _on_mariadb(probe):
        return (f"SET GLOBAL {name} = {before}",)
    kept = setting["persisted"]
    stored = f"RESET PERSIST IF EXISTS {name}" if kept is None else f"SET PERSIST_ONLY {name} = {_again(str(kept))}"
    return (stored,) if restart else (f"SET GLOBAL {name} = {before}", stored)


def _again(value: str) -> str:
    return value if re.fullmatch(r"-?\d+(\.\d+)?", value) else quote_literal(value)


def _effect(probe: Probe, *, restart: bool) -> Message:
    if restart:
        return RESTART()
    return UNTIL_RESTART() if _on_mariadb(probe) else PERSISTED()


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    setting = await _setting(probe, str(change.arguments["name"]))
    persisted = setting["persisted"]
    waits = persisted is not None and persisted != setting["value"]
    return {"value": setting["value"], "waits_for_restart": waits}


async def look_up(probe: Probe, _tool: str, arguments: Json, state: Json, _since: str) -> Told:
    setting = await _setting(probe, str(arguments["name"]))
    if (setting["value"], setting["persisted"]) == (state["current"], state["persisted"]):
        return Told("not_happened", f"{setting['name']} is as it was ({setting['value']}).")
    return Told("happened", f"{setting['name']} is {setting['value']} now.")
