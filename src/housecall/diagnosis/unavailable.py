"""Why a check could not look, in sentences that a person can act on.

A reading that failed says what the server answered. Here that becomes a sentence in each language and, where there is
one, the statement that would let it: the extension to create, the role to grant. Pure.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from housecall.diagnosis.finding import NotEvaluated
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable, UnavailableKind
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.settings import Extension
from housecall.wording import Language, Message, Say

STATEMENTS_EXTENSION = "pg_stat_statements"

_NO_EXTENSION = Say(
    "the extension {extension} is not in database '{database}'", "数据库 '{database}' 中没有扩展 {extension}"
)
_OLD_EXTENSION = Say(
    "the extension {extension} in database '{database}' is too old for this: {server}",
    "数据库 '{database}' 中的扩展 {extension} 版本太旧：{server}",
)
_PRIVILEGE = Say("role '{user}' may not look there: {server}", "角色 '{user}' 无权查看：{server}")
_SETTING = Say("a setting of the server prevents it: {server}", "服务器的设置不允许：{server}")
_TIMEOUT = Say(
    "the server did not answer the reading {reading} within the time limit",
    "服务器未能在时限内返回读数 {reading}",
)
_ERROR = Say("the server answered with an error: {server}", "服务器返回错误：{server}")
_ITSELF = Say("the check itself failed: {error}", "检查程序本身出错：{error}")
_NOT_PRELOADED = Say("pg_stat_statements is not loaded by the server", "服务器没有加载 pg_stat_statements")
_INSTALL = Say(
    "install PostgreSQL's contrib modules, add pg_stat_statements to shared_preload_libraries, restart, then run"
    " `CREATE EXTENSION pg_stat_statements;`",
    "安装 PostgreSQL 的 contrib 模块，把 pg_stat_statements 加入 shared_preload_libraries 并重启，再执行"
    " `CREATE EXTENSION pg_stat_statements;`",
)
_PRELOAD = Say(
    "add pg_stat_statements to shared_preload_libraries (keep what is there), restart, then run"
    " `CREATE EXTENSION pg_stat_statements;`",
    "把 pg_stat_statements 加入 shared_preload_libraries（保留原有内容）并重启，再执行"
    " `CREATE EXTENSION pg_stat_statements;`",
)
_LESS_BUSY = Say("ask again when the server is less busy", "在服务器较空闲时再检查一次")
_CREATE = f"CREATE EXTENSION {STATEMENTS_EXTENSION};"
_ROLE = re.compile(r"\bpg_(?:monitor|read_all_stats|read_all_settings|read_all_data|read_server_files)\b")
_IN_MONITOR = ("pg_read_all_stats", "pg_read_all_settings")


def not_evaluated(check: str, unavailable: Unavailable, now: Snapshot) -> NotEvaluated:
    """What a reading that failed means for a check that needs it."""
    reason, remedy = _TOLD.get(unavailable.kind, _error)(unavailable, now)
    return NotEvaluated(check, reason, remedy)


def broken(check: str, error: Exception) -> NotEvaluated:
    """A bug of ours, told as one."""
    return NotEvaluated(check, _ITSELF(error=f"{type(error).__name__}: {error}"))


def statements_extension_way(now: Snapshot) -> Message | str:
    """How to have pg_stat_statements here: what is left to do depends on what the server has and loads."""
    extensions = now.get(Extension)
    if isinstance(extensions, Unavailable):
        return _PRELOAD()
    row = next((each for each in extensions if each.name == STATEMENTS_EXTENSION), None)
    if row is None:
        return _INSTALL()
    return _CREATE if row.statements_preloaded else _PRELOAD()


def grant(role: str, now: Snapshot) -> str:
    """The statement that gives the role that Housecall logs in with one of the server's own roles."""
    return f"GRANT {role} TO {quote_identifier(now.facts.user)};"


Group = tuple[str, str | None, list[str]]


def by_root(missed: Iterable[tuple[str, str, str | None]], language: Language) -> list[Group]:
    """Checks that could not look (check, reason, remedy), one group for what one remedy would mend: its reasons as one
    text, the remedy, the checks. The group with most checks first."""
    between = "；" if language.startswith("zh") else "; "
    groups: dict[str, tuple[list[str], str | None, list[str]]] = {}
    for check, reason, remedy in missed:
        reasons, _, checks = groups.setdefault(remedy or reason, ([], remedy, []))
        if reason not in reasons:
            reasons.append(reason)
        if check not in checks:
            checks.append(check)
    told: list[Group] = [(between.join(reasons[:3]), remedy, checks) for reasons, remedy, checks in groups.values()]
    return sorted(told, key=lambda group: (-len(group[2]), group[0]))


Told = tuple[Message, Message | str | None]


def _server(unavailable: Unavailable) -> str:
    """What the server said, without the name of our reading before it."""
    text = unavailable.reason.removeprefix(f"{unavailable.reading}: ")
    return re.sub(rf"^role '[^']*' may not read {re.escape(unavailable.reading)}: ", "", text)


def _extension(unavailable: Unavailable, now: Snapshot) -> Told:
    server = _server(unavailable)
    if now.engine == "postgresql" and STATEMENTS_EXTENSION in f"{server} {unavailable.remedy}":
        if STATEMENTS_EXTENSION in now.facts.extensions:
            values = {"extension": STATEMENTS_EXTENSION, "database": now.facts.database, "server": server}
            return _OLD_EXTENSION(**values), f"ALTER EXTENSION {STATEMENTS_EXTENSION} UPDATE;"
        values = {"extension": STATEMENTS_EXTENSION, "database": now.facts.database}
        return _NO_EXTENSION(**values), statements_extension_way(now)
    return _ERROR(server=server), unavailable.remedy


def _privilege(unavailable: Unavailable, now: Snapshot) -> Told:
    remedy = unavailable.remedy
    roles = _ROLE.findall(remedy or "") if now.engine == "postgresql" else []
    if roles:
        remedy = grant("pg_monitor" if roles[0] in _IN_MONITOR else roles[0], now)
    return _PRIVILEGE(user=now.facts.user, server=_server(unavailable)), remedy


def _setting(unavailable: Unavailable, now: Snapshot) -> Told:
    server = _server(unavailable)
    if now.engine == "postgresql" and STATEMENTS_EXTENSION in server:
        return _NOT_PRELOADED(), _PRELOAD()
    return _SETTING(server=server), None if now.engine == "postgresql" else unavailable.remedy


def _timeout(unavailable: Unavailable, _now: Snapshot) -> Told:
    return _TIMEOUT(reading=unavailable.reading), _LESS_BUSY()


def _error(unavailable: Unavailable, _now: Snapshot) -> Told:
    return _ERROR(server=_server(unavailable)), unavailable.remedy


_TOLD: Mapping[UnavailableKind, Callable[[Unavailable, Snapshot], Told]] = {
    "extension": _extension,
    "privilege": _privilege,
    "setting": _setting,
    "timeout": _timeout,
}
