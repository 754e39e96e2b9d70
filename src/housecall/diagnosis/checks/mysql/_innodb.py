"""Counts of InnoDB that the two servers keep in different places: deadlocks, lock wait timeouts, the history list."""

from housecall.diagnosis.checks.mysql._measured import counter
from housecall.diagnosis.snapshot import ReadingUnavailable, Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.innodb import InnodbStatus
from housecall.engines.mysql.rows.server import InnodbMetric


def metric(now: Snapshot, name: str) -> float | None:
    """A counter of INNODB_METRICS, or None when it is off or may not be seen."""
    found = now.get(InnodbMetric)
    return None if isinstance(found, Unavailable) else next((row.value for row in found if row.name == name), None)


def deadlocks(now: Snapshot) -> float:
    """Since the server started. Raises ReadingUnavailable where neither server's counter can be had."""
    counted = counter(now, "Innodb_deadlocks")
    return counted if counted is not None else needed_metric(now, "lock_deadlocks")


def needed_metric(now: Snapshot, name: str) -> float:
    """As `metric`, for a check that cannot do without. Raises ReadingUnavailable."""
    now.rows(InnodbMetric)
    value = metric(now, name)
    if value is None:
        missing = Unavailable("innodb_metrics", "setting", f"the counter {name} of INNODB_METRICS is off",
                              f"SET GLOBAL innodb_monitor_enable = '{name}';")  # fmt: skip
        raise ReadingUnavailable(missing)
    return value


def history_list_length(now: Snapshot) -> float:
    """Raises ReadingUnavailable where it can be had nowhere."""
    counted = counter(now, "Innodb_history_list_length")
    counted = counted if counted is not None else metric(now, "trx_rseg_history_len")
    if counted is not None:
        return counted
    length = now.row(InnodbStatus).history_list_length
    if length is None:
        missing = Unavailable("innodb_status", "error", "InnoDB's report has no history list length")
        raise ReadingUnavailable(missing)
    return float(length)
