"""Replication slots that keep WAL which nobody fetches.

Why it matters: a slot keeps every WAL file since its consumer stopped, until the disk is full and the server stops.
How to fix: bring the consumer back; when it is gone for good, and its owner says so, drop the slot.
max_slot_wal_keep_size bounds the damage at the price of the consumer.
Cannot see: whose the slot is; how long it has been unused, before version 17.
Source: PostgreSQL manual, "Replication Slots" and pg_replication_slots; see also check_pgactivity. Four WAL segments
(64 MB) tell a slot without consumer from a standby that restarts.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.replication import ReplicationSlot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.inactive_slots",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Slots that keep WAL", "占用 WAL 的复制槽"),
    thresholds=[
        Threshold("warning_inactive_bytes", 64 * 1024**2, "four segments: more than a restart of a standby leaves"),
        Threshold(
            "warning_active_bytes", 10 * 1024**3, "a consumer in use may be behind; this far it hardly catches up"
        ),
        Threshold("notice_active_bytes", 1024**3, "common practice"),
        Threshold("critical_bytes", 50 * 1024**3, "at a usual rate of WAL the disk is next"),
    ],
)

_INACTIVE = Say(
    "Slot '{slot}' has no consumer and keeps {retained:bytes} of WAL.",
    "复制槽 '{slot}' 没有消费者，保留了 {retained:bytes} WAL。",
)
_ACTIVE = Say(
    "The consumer of slot '{slot}' is {retained:bytes} of WAL behind.",
    "复制槽 '{slot}' 的消费者落后 {retained:bytes} WAL。",
)
_LOST = Say(
    "Slot '{slot}' has lost WAL it needed ({status}): its consumer must be built anew.",
    "复制槽 '{slot}' 所需的 WAL 已丢失（{status}）：其消费者必须重建。",
)
_READING = "replication_slots"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    for slot in now.rows(ReplicationSlot):
        severity = None if slot.temporary else _severity(slot, limits)
        if severity:
            yield _finding(slot, severity)


def _severity(slot: ReplicationSlot, limits: Limits) -> Severity | None:
    retained = slot.retained_bytes or 0
    if slot.wal_status == "lost" or slot.invalidation_reason:
        return Severity.WARNING
    if slot.wal_status == "unreserved" or retained >= limits["critical_bytes"]:
        return Severity.CRITICAL
    if slot.active:
        if retained >= limits["warning_active_bytes"]:
            return Severity.WARNING
        return Severity.NOTICE if retained >= limits["notice_active_bytes"] else None
    return Severity.WARNING if retained >= limits["warning_inactive_bytes"] else Severity.INFO


def _finding(slot: ReplicationSlot, severity: Severity) -> Finding:
    retained = slot.retained_bytes or 0
    lost = slot.wal_status == "lost" or bool(slot.invalidation_reason)
    say = _LOST if lost else _ACTIVE if slot.active else _INACTIVE
    status = slot.invalidation_reason or slot.wal_status
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=severity,
        object=slot.slot_name,
        object_kind="slot",
        message=say(slot=slot.slot_name, retained=retained, status=status),
        evidence=(
            Evidence("retained_wal", slot.retained_bytes, "bytes", _READING),
            Evidence("active", slot.active, "flag", _READING),
            Evidence("type", slot.slot_type, "text", _READING),
            Evidence("plugin", slot.plugin, "text", _READING),
            Evidence("database", slot.database, "text", _READING),
            Evidence("wal_status", slot.wal_status, "text", _READING),
            Evidence("inactive_for", slot.inactive_seconds, "seconds", _READING),
            Evidence("xmin_age", slot.xmin_age, "transactions", _READING),
            Evidence("catalog_xmin_age", slot.catalog_xmin_age, "transactions", _READING),
            Evidence("max_slot_wal_keep_size", slot.keep_limit_megabytes, "MB (-1: no limit)", _READING),
        ),
        details={
            "slot": slot.slot_name,
            "active": slot.active,
            "lost": lost,
            "status": status,
            "slot_type": slot.slot_type,
            "plugin": slot.plugin,
            "database": slot.database,
            "retained_bytes": retained,
            "inactive_seconds": slot.inactive_seconds,
            "keep_limit_megabytes": slot.keep_limit_megabytes,
        },
    )
