"""Memory and I/O: cache, temporary files, checkpoints, the machine."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class DatabaseCounters(Row, reading="database_counters"):
    """Counters of the database since its statistics began. `reset_seconds_ago` is None when nobody ever reset them."""

    blocks_hit: int
    blocks_read: int
    temp_files: int
    temp_bytes: int
    checksum_failures: int | None
    commits: int
    rollbacks: int
    read_seconds: float
    reset_seconds_ago: float | None
    started_seconds_ago: float
    tables: int
    indexes: int
    heap_bytes: int
    index_bytes: int
    has_replica: bool

    @property
    def statistics_seconds(self) -> float:
        """How long the counters have surely run: since the reset, or at least since the server started.

        Statistics survive a clean restart from version 15 on, so without a reset they may be older.
        """
        return self.started_seconds_ago if self.reset_seconds_ago is None else self.reset_seconds_ago


@dataclass(frozen=True, slots=True)
class Checkpoints(Row, reading="checkpoints"):
    """Checkpoints since their statistics began: by time, and on demand (WAL volume or a command)."""

    timed: int
    requested: int
    write_seconds: float
    sync_seconds: float
    buffers_written: int
    reset_seconds_ago: float | None
    in_recovery: bool
    wal_position_bytes: float | None


@dataclass(frozen=True, slots=True)
class MachineMemory(Row, reading="machine_memory"):
    """Memory of the machine that the server runs on; a container's limit may be lower."""

    memory_bytes: int


@dataclass(frozen=True, slots=True)
class MachineLoad(Row, reading="machine_load"):
    """Processor time of the machine since it started, in ticks, and of this server's processes that live now.

    `running` counts processes that want a processor at this moment, `own_running` those of the server among them;
    `stolen_ticks` is what a hypervisor gave to other machines.
    """

    processors: int
    all_ticks: float
    idle_ticks: float
    stolen_ticks: float
    own_ticks: float
    load_1_minute: float
    running: int
    own_working: int
    own_running: int


@dataclass(frozen=True, slots=True)
class BufferWrites(Row, reading="buffer_writes"):
    """Changed blocks by who wrote them since the statistics began. Sessions write when no clean buffer is left."""

    by_checkpoints: int
    by_writer: int
    by_sessions: int
    syncs_by_sessions: int
    writer_stops: int
    statistics_seconds: float | None
