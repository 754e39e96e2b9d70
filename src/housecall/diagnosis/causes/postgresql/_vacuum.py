"""What the causes about vacuum share: the remedies that vacuum a table, and how to see that it helped."""

from housecall.diagnosis.remedy import Remedy
from housecall.engines.postgresql.quoting import qualified, quote_literal
from housecall.wording import Say

VACUUM_LOCK = Say(
    "ShareUpdateExclusive on the table: reads and writes go on; other vacuums and schema changes wait.",
    "表上的 ShareUpdateExclusive 锁：读写照常，其他 vacuum 和 DDL 需等待。",
)
NOTHING_TO_UNDO = Say("Nothing to undo: vacuum changes no rows.", "无需回滚：vacuum 不改变数据。")
NO_DEAD_ROWS = Say("The count of dead rows of {table} falls to near 0.", "{table} 的死元组数降到接近 0。")
SETTING_LOCK = Say("Takes no lock; holds from the reload on.", "不加锁，重新加载配置后生效。")
_VACUUM = Say("Vacuum {table} now", "立即 VACUUM {table}")
_DURATION = Say(
    "One read of the table and its indexes: about {seconds:duration} for {size:bytes} at 100 MB/s.",
    "需读一遍表和索引：{size:bytes} 按 100 MB/s 估算约 {seconds:duration}。",
)
_BYTES_PER_SECOND = 100 * 1024**2


def vacuum_table(schema: str, table: str, size_bytes: int | None = None) -> Remedy:
    name = qualified(schema, table)
    return Remedy(
        title=_VACUUM(table=name),
        statements=(f"VACUUM (ANALYZE) {name}",),
        lock=VACUUM_LOCK(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=NOTHING_TO_UNDO(),
        verify=NO_DEAD_ROWS(table=name),
        verify_statement=dead_rows_of(schema, table),
        duration=_DURATION(size=size_bytes, seconds=size_bytes / _BYTES_PER_SECOND) if size_bytes else None,
    )


def dead_rows_of(schema: str, table: str) -> str:
    return (
        "SELECT n_live_tup, n_dead_tup, last_vacuum, last_autovacuum FROM pg_catalog.pg_stat_all_tables"
        f" WHERE schemaname = {quote_literal(schema)} AND relname = {quote_literal(table)}"
    )
