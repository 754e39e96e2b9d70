"""Replication: slots, standbys, subscriptions, and archiving of WAL."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class ReplicationSlot(Row, reading="replication_slots"):
    """A slot. `inactive_seconds` is None before version 17 and while in use; a keep limit of -1 means none.

    `read_epoch` is as in Session.
    """

    slot_name: str
    slot_type: str
    plugin: str | None
    database: str | None
    temporary: bool
    active: bool
    active_pid: int | None
    xmin_age: int | None
    catalog_xmin_age: int | None
    retained_bytes: int | None
    wal_status: str | None
    safe_bytes: int | None
    inactive_seconds: float | None
    invalidation_reason: str | None
    keep_limit_megabytes: int
    read_epoch: float
    slot_total: int


@dataclass(frozen=True, slots=True)
class Standby(Row, reading="standbys"):
    """A connected receiver of WAL. Without the privilege to see it, `visible` is false and most values are None."""

    pid: int
    user_name: str | None
    application: str | None
    client: str | None
    state: str | None
    sync_state: str | None
    send_lag_bytes: int | None
    flush_lag_bytes: int | None
    replay_lag_bytes: int | None
    replay_lag_seconds: float | None
    reply_age_seconds: float | None
    connected_seconds: float | None
    xmin_age: int | None
    is_logical: bool
    visible: bool


@dataclass(frozen=True, slots=True)
class ReplicaStatus(Row, reading="replica_status"):
    """Always one row. On a primary the values about recovery are None."""

    in_recovery: bool
    replay_paused: bool | None
    unreplayed_bytes: int | None
    last_replayed_seconds: float | None
    receiver_status: str | None
    receiver_running: bool
    last_message_seconds: float | None
    has_primary: bool | None
    apply_delay_seconds: float
    standby_feedback: bool
    standby_delay_seconds: float
    synchronous_standby_names: str
    synchronous_commit: str
    recovery_conflicts: int


@dataclass(frozen=True, slots=True)
class Archiver(Row, reading="archiver"):
    """Always one row: the archiver's record since its statistics were reset."""

    enabled: bool
    has_command: bool
    library: str | None
    archived_files: int
    failures: int
    last_archived_seconds: float | None
    last_failed_file: str | None
    last_failed_seconds: float | None
    statistics_seconds: float | None


@dataclass(frozen=True, slots=True)
class WalFiles(Row, reading="wal_files"):
    """Always one row: WAL on disk and files that wait for the archiver."""

    files: int
    size_bytes: int
    ready_files: int
    max_wal_bytes: int


@dataclass(frozen=True, slots=True)
class Subscription(Row, reading="subscriptions"):
    """A subscription of this database."""

    name: str
    enabled: bool
    running: bool
    slot_name: str | None
    subscription_total: int
