"""Replication: what this server follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class ReplicaStatus(Row, reading="replica_status"):
    """One channel from a source. `seconds_behind` is None while the SQL thread does not run or is not connected.

    `delay_seconds` is set on purpose (SOURCE_DELAY); a lag of that size is no fault. `position_gap_bytes` is None when
    the thread that applies is in another file than the one that reads.
    """

    channel: str
    source_host: str
    source_port: int | None
    io_running: bool
    io_state: str
    sql_running: bool
    sql_state: str | None
    seconds_behind: float | None
    delay_seconds: int
    last_io_error_number: int
    last_io_error: str
    last_sql_error_number: int
    last_sql_error: str
    position_gap_bytes: int | None
    relay_log_bytes: int | None
    uses_gtid: bool
    uses_tls: bool

    @classmethod
    def from_server(cls, found: Sequence[Mapping[str, Any]]) -> "list[ReplicaStatus]":
        return [_channel(row) for row in found]


def _channel(row: Mapping[str, Any]) -> ReplicaStatus:
    behind = row.get("seconds_behind_source")
    read_file, applied_file = row.get("source_log_file"), row.get("relay_source_log_file")
    read_at, applied_at = row.get("read_source_log_pos"), row.get("exec_source_log_pos")
    same_file = read_file == applied_file and read_at is not None and applied_at is not None
    return ReplicaStatus(
        channel=str(row.get("channel_name") or row.get("connection_name") or ""),
        source_host=str(row.get("source_host") or ""),
        source_port=_number(row.get("source_port")),
        io_running=row.get("replica_io_running") == "Yes",
        io_state=str(row.get("replica_io_state") or row.get("replica_io_running") or ""),
        sql_running=row.get("replica_sql_running") == "Yes",
        sql_state=row.get("replica_sql_running_state"),
        seconds_behind=None if behind is None else float(behind),
        delay_seconds=_number(row.get("sql_delay")) or 0,
        last_io_error_number=_number(row.get("last_io_errno")) or 0,
        last_io_error=str(row.get("last_io_error") or "")[:500],
        last_sql_error_number=_number(row.get("last_sql_errno")) or 0,
        last_sql_error=str(row.get("last_sql_error") or "")[:500],
        position_gap_bytes=(_number(read_at) or 0) - (_number(applied_at) or 0) if same_file else None,
        relay_log_bytes=_number(row.get("relay_log_space")),
        uses_gtid=str(row.get("auto_position") or row.get("using_gtid") or "0") not in ("0", "No"),
        uses_tls=row.get("source_ssl_allowed") == "Yes",
    )


def _number(value: Any) -> int | None:
    return int(value) if value not in (None, "") else None


@dataclass(frozen=True, slots=True)
class ApplierError(Row, reading="applier_errors"):
    """What a worker of a channel stopped with, in full: SHOW REPLICA STATUS only says that a worker did (MySQL)."""

    channel: str
    number: int
    message: str
