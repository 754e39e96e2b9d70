"""Statements, and the tables they read."""

from dataclasses import dataclass

from housecall.engines.engine import Row
from housecall.engines.mysql.explainable import with_schema


@dataclass(frozen=True, slots=True)
class TopStatement(Row, reading="top_statements"):
    """Statements of one digest since the server started (or the digests were truncated). `sample` is one of them as
    it was sent
    (MySQL only, and only when the server keeps it). `full_joins` read the joined table whole for want of an index,
    `full_range_joins` a range of it. `all_seconds` is the sum over all digests."""

    digest: str | None
    schema_name: str | None
    query: str
    sample: str | None
    calls: int
    total_seconds: float
    max_seconds: float
    lock_seconds: float
    errors: int
    warnings: int
    rows_affected: int
    rows_sent: int
    rows_examined: int
    tmp_disk_tables: int
    tmp_tables: int
    full_joins: int
    full_range_joins: int
    scans: int
    sort_merge_passes: int
    sort_rows: int
    no_index_used: int
    no_good_index_used: int
    first_seen_seconds: float | None
    last_seen_seconds: float | None
    all_seconds: float
    digests: int

    @property
    def explainable(self) -> str:
        """What the probe's `explain` takes: a sample when it is whole, else the digest, with its database."""
        whole = self.sample is not None and not self.sample.endswith("...")
        return with_schema(self.schema_name, self.sample if whole and self.sample else self.query)


@dataclass(frozen=True, slots=True)
class HotTable(Row, reading="hot_tables"):
    """Rows read and written since the server started; `rows_read_without_index` went by a scan of the whole table."""

    schema_name: str
    table_name: str
    rows_read: int
    rows_read_without_index: int
    rows_inserted: int
    rows_updated: int
    rows_deleted: int
    io_seconds: float
    all_rows_read: int
    tables: int
