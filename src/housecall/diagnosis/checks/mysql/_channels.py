"""The channels of a replica, as the checks name them, and what each thread of one does."""

from collections.abc import Sequence

from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.replication import ApplierError, ReplicaStatus

_DELAYS = ("Waiting until MASTER_DELAY", "Waiting until SOURCE_DELAY")


def name_of(now: Snapshot, channel: str) -> str:
    """The instance for the only, nameless channel; else the channel."""
    return f"channel {channel}" if channel else now.instance


def waits_on_purpose(status: ReplicaStatus) -> bool:
    """Whether the applier waits because of the delay that was set."""
    return (status.sql_state or "").startswith(_DELAYS)


def applier_error(now: Snapshot, status: ReplicaStatus) -> tuple[int, str]:
    """The error that the applier stopped with: that of a worker where the server tells it."""
    found = now.get(ApplierError)
    workers: Sequence[ApplierError] = () if isinstance(found, Unavailable) else found
    own = next((row for row in workers if row.channel == status.channel), None)
    return (own.number, own.message) if own else (status.last_sql_error_number, status.last_sql_error)
