"""Setting a parameter for the whole server (ALTER SYSTEM), a role or a database.

Parameters by which a server runs programs or loads libraries are refused outright: setting one is a way into the
machine, which no card can show. Those that end durability are shown as what they are, and only a person decides.
"""

from typing import Any, Literal

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.postgresql.changes._common import Arguments, one, words
from housecall.engines.postgresql.quoting import quote_identifier, quote_literal
from housecall.errors import NotFound, RequestError
from housecall.wording import Message, Say

Scope = Literal["system", "role", "database"]

REFUSED = words(
    """archive_command archive_cleanup_command archive_library restore_command recovery_end_command
    ssl_passphrase_command ssl_passphrase_command_supports_reload shared_preload_libraries session_preload_libraries
    local_preload_libraries dynamic_library_path extension_control_path jit_provider data_directory config_file hba_file
    ident_file external_pid_file log_directory log_filename unix_socket_directories listen_addresses krb_server_keyfile
    ssl_cert_file ssl_key_file ssl_ca_file ssl_crl_file ssl_crl_dir stats_temp_directory allow_system_table_mods
    zero_damaged_pages ignore_checksum_failure ignore_invalid_pages"""
)
DURABILITY = frozenset({"fsync", "full_page_writes", "synchronous_commit", "wal_sync_method", "wal_level"})
_LISTS = frozenset({"search_path", "temp_tablespaces", "createrole_self_grant"})
"""Parameters whose list is quoted item by item (GUC_LIST_QUOTE)."""

_SETTING = """
SELECT s.name, s.setting, s.unit, s.context, s.vartype, s.min_val, s.max_val, s.enumvals, s.boot_val, s.reset_val,
    s.pending_restart, pg_catalog.current_setting(s.name) AS shown,
    f.setting AS in_auto_conf
FROM pg_catalog.pg_settings AS s
LEFT JOIN LATERAL (
    SELECT s.reset_val AS setting WHERE s.sourcefile LIKE '%%postgresql.auto.conf'
) AS f ON true
WHERE lower(s.name) = lower(%s)
"""
_OF_TARGET = """
SELECT split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS entry
WHERE s.setdatabase = coalesce((SELECT oid FROM pg_catalog.pg_database WHERE datname = %s), 0)
    AND s.setrole = coalesce((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s), 0)
    AND split_part(entry, '=', 1) = %s
"""

TITLE = Say("Set {name} to {value} for {scope} (now {now})", "为{scope}将 {name} 设为 {value}（当前 {now}）")
RESET_TITLE = Say("Reset {name} for {scope} (now {now})", "为{scope}重置 {name}（当前 {now}）")
SYSTEM = Say("the whole server", "整个服务器")
LOCK = Say("takes no lock", "不加锁")
RELOAD = Say("at once for all sessions, by a reload of the configuration", "重新加载配置后立即对所有会话生效")
RESTART = Say(
    "**needs a restart**: the value is written now and used after the server starts the next time",
    "**需要重启**：现在写入，下次启动服务器后生效",
)
NEW_SESSIONS = Say("for sessions that begin from now on", "对之后新建的会话生效")
DURABLE = Say(
    "this parameter decides whether committed work survives a crash", "该参数决定已提交的数据在崩溃后是否保留"
)
LAST_MOMENTS = Say(
    "when it is off, transactions acknowledged in the last moments may be lost after a crash; nothing is corrupted by"
    " it",
    "关闭时若崩溃，最后片刻已确认的事务可能丢失，但不会损坏数据",
)
VERIFY = Say("the server shows the new value", "服务器显示新值")


class ParameterArguments(Arguments):
    """`scope` role or database needs `target`, its name. No value resets."""

    name: str
    value: str | None = Field(default=None, max_length=1000)
    scope: Scope = "system"
    target: str | None = Field(default=None, max_length=63)


async def compose(probe: Probe, arguments: ParameterArguments, instance_id: str) -> Change:
    setting = await _setting(probe, arguments.name)
    _check(setting, arguments)
    before = await _before(probe, setting, arguments)
    head, scope = _head(arguments)
    name, restart = str(setting["name"]), setting["context"] == "postmaster"
    reload = ("SELECT pg_catalog.pg_reload_conf()",) if arguments.scope == "system" else ()
    change = _assign(head, name, arguments.value)
    effect = NEW_SESSIONS if arguments.scope != "system" else RESTART if restart else RELOAD
    values = {"name": name, "scope": scope, "now": setting["shown"] if before is None else before}
    return Change(
        tool="set_parameter",
        instance_id=instance_id,
        arguments=arguments.model_dump() | {"name": name},
        statements=(change, *reload),
        title=RESET_TITLE(**values) if arguments.value is None else TITLE(value=arguments.value, **values),
        lock=LOCK(),
        duration=effect(),
        risk="high" if name in DURABILITY else "medium",
        verify=VERIFY(),
        state={"name": name, "scope": arguments.scope, "target": arguments.target, "set": before,
               "current": setting["setting"]},
        facts={"durability": name in DURABILITY, "restart": restart},
        rollback=(_assign(head, name, before), *reload),
        caution=_caution(name),
    )  # fmt: skip


def _caution(name: str) -> Message | None:
    if name == "synchronous_commit":
        return LAST_MOMENTS()
    return DURABLE() if name in DURABILITY else None


async def _setting(probe: Probe, name: str) -> dict[str, Any]:
    found = await one(probe, _SETTING, (name.strip(),))
    if found is None:
        raise NotFound(f"This server has no parameter {name[:80]!r}")
    return found


def _check(setting: dict[str, Any], arguments: ParameterArguments) -> None:
    """Raises RequestError for what may or can not be set so."""
    name = str(setting["name"])
    if name in REFUSED:
        raise RequestError(
            f"{name} lets the server run programs, load libraries or move files, or stops it from checking its data;"
            " it is never set from here: edit postgresql.conf by hand"
        )
    if setting["context"] == "internal":
        raise RequestError(f"{name} is fixed when the server is built or its data folder is made")
    if arguments.scope != "system" and (not arguments.target or setting["context"] in ("postmaster", "sighup")):
        raise RequestError(
            f"{name} can be set for a {arguments.scope} only with its name, and not at all when it is server-wide"
        )
    value = arguments.value
    if value is None:
        return
    if any(ord(letter) < 32 for letter in value):
        raise RequestError(f"The value of {name} has control characters")
    if setting["vartype"] == "enum" and value.lower() not in [each.lower() for each in setting["enumvals"] or ()]:
        raise RequestError(f"{name} takes one of {', '.join(setting['enumvals'] or ())}, not {value[:60]!r}")


async def _before(probe: Probe, setting: dict[str, Any], arguments: ParameterArguments) -> str | None:
    """The value that this scope sets now, or None when it sets none."""
    if arguments.scope == "system":
        found = setting["in_auto_conf"]
        return None if found is None else str(setting["shown"])
    database = arguments.target if arguments.scope == "database" else None
    role = arguments.target if arguments.scope == "role" else None
    row = await one(probe, _OF_TARGET, (database, role, setting["name"]))
    return None if row is None else str(row["value"])


def _head(arguments: ParameterArguments) -> tuple[str, str]:
    if arguments.scope == "system":
        return "ALTER SYSTEM", SYSTEM.en
    target = quote_identifier(str(arguments.target))
    return f"ALTER {arguments.scope.upper()} {target}", f"{arguments.scope} {target}"


def _assign(head: str, name: str, value: str | None) -> str:
    if value is None:
        return f"{head} RESET {_parameter(name)}"
    items = [part.strip().strip('"') for part in value.split(",")] if name in _LISTS else [value]
    return f"{head} SET {_parameter(name)} = {', '.join(quote_literal(each) for each in items)}"


def _parameter(name: str) -> str:
    """A parameter's name; those of extensions have two parts."""
    return ".".join(quote_identifier(part) for part in name.split("."))


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    arguments = ParameterArguments.model_validate(dict(change.arguments))
    setting = await _setting(probe, arguments.name)
    if arguments.scope != "system":
        return {"set_to": await _before(probe, setting, arguments)}
    return {"value": setting["shown"], "waits_for_restart": setting["pending_restart"]}


async def look_up(probe: Probe, _tool: str, arguments: Json, state: Json, _since: str) -> Told:
    asked = ParameterArguments.model_validate(dict(arguments))
    setting = await _setting(probe, asked.name)
    now = await _before(probe, setting, asked)
    if now == state["set"] and setting["setting"] == state["current"] and not setting["pending_restart"]:
        return Told("not_happened", f"{asked.name} is as it was ({setting['shown']}).")
    if asked.scope == "system" and setting["setting"] == state["current"] and not setting["pending_restart"]:
        return Told("unknown", f"{asked.name} may be written but not loaded; see pg_file_settings.")
    waits = "is written and waits for a restart" if setting["pending_restart"] else f"is {setting['shown']} now"
    return Told("happened", f"{asked.name} {waits}.")
