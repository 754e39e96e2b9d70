"""What the causes on MySQL and MariaDB share: remedies that change a table or an index, with what they lock."""

from collections.abc import Collection, Sequence

from housecall.diagnosis.remedy import Remedy
from housecall.engines.engine import Flavour
from housecall.engines.mysql.quoting import MAX_IDENTIFIER_CHARACTERS, qualified, quote_identifier
from housecall.wording import Message, Say

ONLINE = Say(
    en="Reads and writes of {table} go on; at its start and end it needs the table's metadata lock for a moment.",
    zh="{table} 的读写不受影响，只在开始和结束时短暂需要元数据锁。",
)
SHARED = Say(
    en="Writes of {table} wait while the index is built; reads go on.",
    zh="建索引期间 {table} 的写入需要等待，读取不受影响。",
)
COPIES = Say(
    en="Copies {table} while its writes wait; reads go on.", zh="复制 {table} 期间写入需要等待，读取不受影响。"
)
ANALYZE_LOCK = Say(
    en="Reads a sample of pages; reads and writes go on. It waits for statements that run on the table longer than it.",
    zh="读取部分页面作为样本，读写不受影响；会等待该表上正在运行的长语句。",
)
WAIT_SHORTLY = Say(
    en="Run SET SESSION lock_wait_timeout = 5 first, so that it does not queue behind a long transaction and"
    " everybody behind it.",
    zh="请先执行 SET SESSION lock_wait_timeout = 5，避免排在长事务之后并堵住后面的所有会话。",
)
MOMENT = Say(en="a moment", zh="一瞬间")
_CREATE = Say(en="Create the index {index} on {table}", zh="在 {table} 上创建索引 {index}")
_CREATED = Say(en="the statement examines as many rows as it returns", zh="该语句读取的行数与返回的行数相当")
_HIDE = Say(
    en="Hide the index {index} from the optimizer, and watch for a week",
    zh="先对优化器隐藏索引 {index}，观察一周",
)
_SHOW = Say(en="Let the optimizer use the index {index} again", zh="重新允许优化器使用索引 {index}")
_HIDDEN = Say(en="no statement got slower", zh="没有语句变慢")
_DROP = Say(en="Drop the index {index}", zh="删除索引 {index}")
_DROPPED = Say(en="the index is gone and no statement got slower", zh="索引已删除，且没有语句变慢")


def create_index(
    schema: str, table: str, columns: list[str], *, taken_names: Collection[str] = (), key: str | None = None,
    is_functional: bool = False,
) -> Remedy:  # fmt: skip
    """`key` is the text in the brackets, where it is more than the names of columns. An index on an expression is built
    in place, too, but writes wait (error 1846 for LOCK=NONE on MySQL 8 and 9)."""
    name = quote_identifier(free_index_name(table, columns, taken_names))
    target, lock = qualified(schema, table), "SHARED" if is_functional else "NONE"
    listed = key or ", ".join(quote_identifier(column) for column in columns)
    return Remedy(
        title=_CREATE(index=name, table=target),
        statements=(f"ALTER TABLE {target} ADD INDEX {name} ({listed}), ALGORITHM=INPLACE, LOCK={lock};",),
        lock=(SHARED if is_functional else ONLINE)(table=target),
        risk="medium" if is_functional else "low",
        when="now",
        rollback=(f"ALTER TABLE {target} DROP INDEX {name};",),
        verify=_CREATED(),
        verify_statement=f"SHOW INDEX FROM {target};",
        caution=WAIT_SHORTLY(),
    )


def free_index_name(table: str, columns: Sequence[str], taken_names: Collection[str]) -> str:
    """`ix_orders_customer_id`, cut to what the server takes and numbered when the table has an index of that name."""
    whole = "_".join(["ix", table, *columns])
    taken = {name.lower() for name in taken_names}
    number, name = 1, whole[:MAX_IDENTIFIER_CHARACTERS]
    while name.lower() in taken:
        number += 1
        suffix = f"_{number}"
        name = whole[: MAX_IDENTIFIER_CHARACTERS - len(suffix)] + suffix
    return name


def show_index(schema: str, table: str, index: str, flavour: Flavour) -> Remedy:
    """Let the optimizer use an index again that was hidden from it: a change of the dictionary alone."""
    target, name = qualified(schema, table), quote_identifier(index)
    hide, show = ("IGNORED", "NOT IGNORED") if flavour == "mariadb" else ("INVISIBLE", "VISIBLE")
    return Remedy(
        title=_SHOW(index=name),
        statements=(f"ALTER TABLE {target} ALTER INDEX {name} {show};",),
        lock=ONLINE(table=target), risk="low", when="now",
        rollback=(f"ALTER TABLE {target} ALTER INDEX {name} {hide};",),
        verify=_CREATED(), verify_statement=f"SHOW INDEX FROM {target};", duration=MOMENT(), caution=WAIT_SHORTLY(),
    )  # fmt: skip


def drop_index(
    schema: str,
    table: str,
    index: str,
    columns: list[str],
    flavour: Flavour,
    *,
    is_unique: bool,
    caution: Message | None,
) -> tuple[Remedy, Remedy]:
    """Hide it first, drop it later: hiding is undone in a moment, dropping by building the index again."""
    target, name = qualified(schema, table), quote_identifier(index)
    hide, show = ("IGNORED", "NOT IGNORED") if flavour == "mariadb" else ("INVISIBLE", "VISIBLE")
    listed = ", ".join(quote_identifier(column) for column in columns)
    kind = "UNIQUE INDEX" if is_unique else "INDEX"
    return (
        Remedy(
            title=_HIDE(index=name),
            statements=(f"ALTER TABLE {target} ALTER INDEX {name} {hide};",),
            lock=ONLINE(table=target), risk="low", when="later",
            rollback=(f"ALTER TABLE {target} ALTER INDEX {name} {show};",),
            verify=_HIDDEN(), verify_statement=f"SHOW INDEX FROM {target};", duration=MOMENT(), caution=WAIT_SHORTLY(),
        ),
        Remedy(
            title=_DROP(index=name),
            statements=(f"ALTER TABLE {target} DROP INDEX {name}, ALGORITHM=INPLACE, LOCK=NONE;",),
            lock=ONLINE(table=target), risk="medium", when="later",
            rollback=(f"ALTER TABLE {target} ADD {kind} {name} ({listed}), ALGORITHM=INPLACE, LOCK=NONE;",),
            verify=_DROPPED(), verify_statement=f"SHOW INDEX FROM {target};", duration=MOMENT(),
            caution=caution or WAIT_SHORTLY(),
        ),
    )  # fmt: skip
