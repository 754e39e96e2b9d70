"""Changes that several causes propose: build, drop or rebuild an index, set a setting, analyse a table.

Every statement is quoted for PostgreSQL, every index is built and dropped CONCURRENTLY, and the undo stands beside it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from housecall.diagnosis.finding import Evidence, Finding
from housecall.diagnosis.remedy import Remedy
from housecall.engines.postgresql.quoting import (
    MAX_IDENTIFIER_BYTES,
    clip_identifier,
    qualified,
    quote_identifier,
    quote_literal,
)
from housecall.wording import Message, Say

BUILD_BYTES_PER_SECOND = 50 * 1024 * 1024
"""Builds of B-tree indexes read 60 to 100 MB of cached table a second on a two-core machine with PostgreSQL 15; the
lower end,
rounded down. A busy disk is slower."""
RELOAD = "SELECT pg_reload_conf();"

LOCK_NONE = Say(en="no lock that blocks anyone", zh="不会阻塞任何会话")
LOCK_CONCURRENT = Say(
    en="SHARE UPDATE EXCLUSIVE: reads and writes go on; other DDL and VACUUM of the table wait",
    zh="SHARE UPDATE EXCLUSIVE 锁：读写照常，只有该表的其他 DDL 和 VACUUM 会等待",
)
LOCK_EXCLUSIVE = Say(
    en="ACCESS EXCLUSIVE on {table}: every read and write of it waits while the statement runs",
    zh="对 {table} 加 ACCESS EXCLUSIVE 锁：执行期间该表的所有读写都会等待",
)
ABOUT = Say(
    en="about {seconds:duration}, estimated from {size:bytes} of table",
    zh="约 {seconds:duration}（按表大小 {size:bytes} 估算）",
)
MOMENT = Say(en="a moment", zh="瞬间完成")
UNDER_A_MINUTE = Say(en="seconds: a sample of the rows is read", zh="数秒：只抽样读取部分行")
_CREATE = Say(en="Create the index on {table} ({columns})", zh="在 {table} 上建立索引（{columns}）")
_CREATE_VERIFY = Say(
    en="the index is valid and its scans count up, while the sequential scans of {table} stop growing",
    zh="索引有效且扫描次数增长，{table} 的全表扫描次数不再增加",
)
_CREATE_CAUTION = Say(
    en="Not inside a transaction. A failed build leaves an invalid index: drop it and build again. Every write to"
    " the table will"
    " maintain one more index",
    zh="不能放在事务中执行。若中途失败会留下无效索引，需删除后重建。此后该表的每次写入都要多维护一个索引",
)
_DROP = Say(en="Drop {index}", zh="删除索引 {index}")
_DROP_LOCK = Say(
    en="waits for running transactions on the table, blocks neither reads nor writes",
    zh="会等待该表上正在运行的事务结束，但不阻塞读写",
)
_DROP_VERIFY = Say(
    en="the index is gone and no statement became slower",
    zh="索引已不存在，且没有语句因此变慢",
)
_REINDEX = Say(en="Rebuild {index}", zh="重建索引 {index}")
_SET = Say(en="Set {name} to {value}", zh="将 {name} 设为 {value}")
_SET_LOCK = Say(en="none; sessions take the value over at the reload", zh="无锁；重新加载配置后各会话生效")
_SET_RESTART_LOCK = Say(
    en="takes effect at the next restart, which ends every session", zh="下次重启后生效，重启会断开所有会话"
)
_SET_VERIFY = Say(en="a new session shows {value}", zh="新会话中显示为 {value}")
_RESET = Say(en="Take {name} back for {scope}", zh="撤销 {scope} 的 {name} 设置")
_RESET_LOCK = Say(
    en="none; new sessions take it over, running ones keep the old value", zh="无锁；新会话生效，已有会话保持旧值"
)
_RESET_TABLESPACE_LOCK = Say(en="none; running sessions take it over as well", zh="无锁；已有会话也会生效")
_RESET_TABLESPACE_VERIFY = Say(en="the options of the tablespace no longer name it", zh="表空间的选项中不再有该项")
_ANALYZE = Say(en="Gather statistics of {table}", zh="收集 {table} 的统计信息")
_ANALYZE_NOTE = Say(en="new statistics need no undo", zh="收集统计信息无需回退")
_ANALYZE_VERIFY = Say(
    en="the planner's row count is near the real one and no changes are outstanding",
    zh="优化器的行数接近实际行数，且没有未统计的变更",
)


def index_name(table: str, columns: Sequence[str], taken_names: Collection[str] = ()) -> str:
    """A name in the server's own manner: `orders_customer_id_idx`, cut to what it keeps, numbered when it is taken.

    Each column is a name, or SQL as it stands in a key: `"eMail" DESC`, `(lower("eMail")) text_pattern_ops`.
    """
    stem = "_".join([table, *(_word(column) for column in columns)])
    suffixes = ("_idx", *(f"_idx{number}" for number in range(1, len(taken_names) + 1)))
    names = (f"{clip_identifier(stem, MAX_IDENTIFIER_BYTES - len(suffix))}{suffix}" for suffix in suffixes)
    return next(name for name in names if name not in taken_names)


def _word(column: str) -> str:
    """The column, or the words of an expression; not the order and operators behind it."""
    if column.startswith("("):
        words = re.findall(r"\w+", column[: column.rfind(")")].lower())
    elif column.startswith('"'):
        words = re.findall(r"\w+", column[: column.rfind('"')])
    else:
        words = re.findall(r"\w+", column.removesuffix(" DESC").partition(" ")[0])
    return "_".join(words) or "expr"


def create_index(
    schema: str, table: str, keys: Sequence[str], size_bytes: float, *, keys_are_sql: bool = False,
    method: str = "btree",
    when: str = "now", taken_names: Collection[str] = (),
) -> Remedy:  # fmt: skip
    """Build an index concurrently. `keys` are column names, or finished SQL with `keys_are_sql`."""
    written = list(keys) if keys_are_sql else [quote_identifier(key) for key in keys]
    name, target = index_name(table, keys, taken_names), qualified(schema, table)
    using = "" if method == "btree" else f" USING {method}"
    index = qualified(schema, name)
    seconds = max(size_bytes / BUILD_BYTES_PER_SECOND, 1.0)
    return Remedy(
        title=_CREATE(table=target, columns=", ".join(written)),
        statements=(f"CREATE INDEX CONCURRENTLY {quote_identifier(name)} ON {target}{using} ({', '.join(written)});",),
        lock=LOCK_CONCURRENT(),
        risk="low",
        when="later" if when == "later" else "now",
        rollback=(f"DROP INDEX CONCURRENTLY IF EXISTS {index};",),
        verify=_CREATE_VERIFY(table=target),
        verify_statement=index_state(schema, name),
        duration=ABOUT(seconds=seconds, size=size_bytes),
        caution=_CREATE_CAUTION(),
    )


def index_partitions(
    schema: str, table: str, keys: Sequence[str], leaves: Sequence[str], size_bytes: float, *,
    method: str = "btree", taken_names: Collection[str] = (), built: Mapping[str, str] | None = None,
) -> Remedy:  # fmt: skip
    """An index of a partitioned table, which cannot be built concurrently itself: one for each partition, then joined.

    `keys` are finished SQL. The index of the whole is valid once every partition's has been attached. `built` are the
    indexes of this key that partitions have already, by the partition.
    """
    columns = [key.strip('"') for key in keys]
    name, target, written = index_name(table, columns, taken_names), qualified(schema, table), ", ".join(keys)
    index, using = qualified(schema, name), "" if method == "btree" else f" USING {method}"
    statements = [f"CREATE INDEX {quote_identifier(name)} ON ONLY {target}{using} ({written});"]
    for leaf in leaves:
        own = (built or {}).get(leaf)
        if own is None:
            own = index_name(leaf, columns, taken_names)
            statements.append(
                f"CREATE INDEX CONCURRENTLY {quote_identifier(own)} ON {qualified(schema, leaf)}{using} ({written});"
            )
        statements.append(f"ALTER INDEX {index} ATTACH PARTITION {qualified(schema, own)};")
    seconds = max(size_bytes / BUILD_BYTES_PER_SECOND, 1.0)
    return Remedy(
        title=_CREATE(table=target, columns=written),
        statements=tuple(statements),
        lock=LOCK_CONCURRENT(),
        risk="low",
        when="now",
        rollback=(f"DROP INDEX IF EXISTS {index};",),
        verify=_CREATE_VERIFY(table=target),
        verify_statement=index_state(schema, name),
        duration=ABOUT(seconds=seconds, size=size_bytes),
        caution=_CREATE_CAUTION(),
    )


def index_state(schema: str, name: str) -> str:
    """A statement that shows whether an index is valid, its size and its scans."""
    return (
        "SELECT i.indisvalid AS is_valid, pg_relation_size(i.indexrelid) AS size_bytes, s.idx_scan AS scans"
        " FROM pg_index AS i LEFT JOIN pg_stat_all_indexes AS s ON s.indexrelid = i.indexrelid"
        f" WHERE i.indexrelid = to_regclass({quote_literal(qualified(schema, name))});"
    )


def drop_index(schema: str, name: str, definition: str, *, caution: Message | None = None, risk: str = "low") -> Remedy:
    """Drop an index concurrently; the undo is its own definition, built concurrently."""
    index = qualified(schema, name)
    return Remedy(
        title=_DROP(index=index),
        statements=(f"DROP INDEX CONCURRENTLY {index};",),
        lock=_DROP_LOCK(),
        risk="medium" if risk == "medium" else "low",
        when="later",
        rollback=(concurrently(definition),),
        verify=_DROP_VERIFY(),
        verify_statement=f"SELECT to_regclass({quote_literal(index)}) IS NULL AS is_gone;",
        duration=MOMENT(),
        caution=caution,
    )


def concurrently(definition: str) -> str:
    """pg_get_indexdef's statement as one that blocks nobody."""
    for head in ("CREATE UNIQUE INDEX ", "CREATE INDEX "):
        if definition.startswith(head) and not definition.startswith(head + "CONCURRENTLY "):
            return f"{head}CONCURRENTLY {definition[len(head) :]};"
    return f"{definition.rstrip(';')};"


def rebuild_index(schema: str, name: str, size_bytes: float, *, when: str = "later") -> Remedy:
    index = qualified(schema, name)
    return Remedy(
        title=_REINDEX(index=index),
        statements=(f"REINDEX INDEX CONCURRENTLY {index};",),
        lock=LOCK_CONCURRENT(),
        risk="low",
        when="now" if when == "now" else "later",
        rollback=(),
        rollback_note=Say(
            en="nothing to undo: the old index stays until the new one is ready; a failed rebuild leaves one ending"
            " in _ccnew to drop",
            zh="无需回退：新索引就绪前旧索引一直可用；若失败会留下以 _ccnew 结尾的索引，删除即可",
        )(),
        verify=Say(en="the index is valid and smaller", zh="索引有效且变小")(),
        verify_statement=index_state(schema, name),
        duration=ABOUT(seconds=max(size_bytes / BUILD_BYTES_PER_SECOND, 1.0), size=size_bytes),
    )


def set_setting(
    name: str, value: str, old: str | None, *, restart: bool = False, caution: Message | None = None
) -> Remedy:
    """Change a setting of the server with ALTER SYSTEM."""
    undo = f"ALTER SYSTEM RESET {name};" if old is None else f"ALTER SYSTEM SET {name} = {quote_literal(old)};"
    reload = () if restart else (RELOAD,)
    return Remedy(
        title=_SET(name=name, value=value),
        statements=(f"ALTER SYSTEM SET {name} = {quote_literal(value)};", *reload),
        lock=_SET_RESTART_LOCK() if restart else _SET_LOCK(),
        risk="medium" if restart else "low",
        when="later" if restart else "now",
        rollback=(undo, *reload),
        verify=_SET_VERIFY(value=value),
        verify_statement=f"SHOW {name};",
        duration=MOMENT(),
        caution=caution,
    )


def reset_stored(name: str, value: str, database: str | None, role: str | None, scope: str) -> Remedy:
    """Take back a setting stored for a database, a role, or a role in a database."""
    if role is None and database is not None:
        owner = f"DATABASE {quote_identifier(database)}"
    else:
        owner = f"ROLE {quote_identifier(role) if role else 'ALL'}"
        owner += f" IN DATABASE {quote_identifier(database)}" if database else ""
    return Remedy(
        title=_RESET(name=name, scope=scope),
        statements=(f"ALTER {owner} RESET {name};",),
        lock=_RESET_LOCK(),
        risk="low",
        when="now",
        rollback=(f"ALTER {owner} SET {name} = {quote_literal(value)};",),
        verify=_SET_VERIFY(value="default"),
        verify_statement=f"SHOW {name};",
        duration=MOMENT(),
        caution=Say(
            en="Running sessions keep the old value until they reconnect: let the pool recycle them",
            zh="已有会话在重连之前仍使用旧值，请让连接池逐步更换连接",
        )(),
    )


def reset_tablespace(name: str, value: str, tablespace: str) -> Remedy:
    """Take back a cost that a tablespace sets for what lies in it."""
    owner = f"TABLESPACE {quote_identifier(tablespace)}"
    return Remedy(
        title=_RESET(name=name, scope=f"tablespace {tablespace}"),
        statements=(f"ALTER {owner} RESET ({name});",),
        lock=_RESET_TABLESPACE_LOCK(),
        risk="low",
        when="now",
        rollback=(f"ALTER {owner} SET ({name} = {quote_literal(value)});",),
        verify=_RESET_TABLESPACE_VERIFY(),
        verify_statement=(
            f"SELECT spcname, spcoptions FROM pg_tablespace WHERE spcname = {quote_literal(tablespace)};"
        ),
        duration=MOMENT(),
    )


def analyze_table(schema: str, table: str) -> Remedy:
    target = qualified(schema, table)
    return Remedy(
        title=_ANALYZE(table=target),
        statements=(f"ANALYZE {target};",),
        lock=LOCK_CONCURRENT(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=_ANALYZE_NOTE(),
        verify=_ANALYZE_VERIFY(),
        verify_statement=(
            "SELECT c.reltuples AS planner_rows, s.n_live_tup AS live_rows, s.n_mod_since_analyze AS changes"
            " FROM pg_class AS c JOIN pg_stat_all_tables AS s ON s.relid = c.oid"
            f" WHERE c.oid = to_regclass({quote_literal(target)});"
        ),
        duration=UNDER_A_MINUTE(),
    )


def evidence_of(*findings: Finding) -> tuple[Evidence, ...]:
    """The evidence of several findings, each value once."""
    found: dict[tuple[str, str], Evidence] = {}
    for finding in findings:
        for each in finding.evidence:
            found.setdefault((each.name, each.reading), each)
    return tuple(found.values())


def same_table(details: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (details.get("schema"), details.get("table")) == (other.get("schema"), other.get("table"))
