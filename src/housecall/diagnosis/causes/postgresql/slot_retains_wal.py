"""A replication slot keeps WAL, and perhaps old rows, for a consumer that does not come.

The slot is never dropped without asking: its consumer cannot go on without it and must be built anew.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK, fingerprints, held_back
from housecall.diagnosis.causes.postgresql._vacuum import SETTING_LOCK
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="slot_retains_wal",
    title=Say("A replication slot keeps WAL", "复制槽占用 WAL"),
    checks=("postgresql.inactive_slots", "postgresql.old_xmin_holders"),
)

_UNUSED = Say(
    "Nobody reads from replication slot '{slot}' ({type}, plugin {plugin}); it keeps {retained:bytes} of WAL.",
    "复制槽 '{slot}'（{type}，插件 {plugin}）无人消费，保留了 {retained:bytes} WAL。",
)
_UNUSED_PHYSICAL = Say(
    "Nobody reads from replication slot '{slot}' ({type}); it keeps {retained:bytes} of WAL.",
    "复制槽 '{slot}'（{type}）无人消费，保留了 {retained:bytes} WAL。",
)
_SLOW = Say(
    "The consumer of replication slot '{slot}' is {retained:bytes} of WAL behind.",
    "复制槽 '{slot}' 的消费者落后 {retained:bytes} WAL。",
)
_LOST = Say(
    "Replication slot '{slot}' is invalid ({status}): its consumer cannot go on and must be built anew.",
    "复制槽 '{slot}' 已失效（{status}）：其消费者无法继续，必须重建。",
)
_NO_LIMIT = Say(
    "max_slot_wal_keep_size sets no limit, so it grows until the disk is full.",
    "max_slot_wal_keep_size 未设上限，会一直增长到磁盘写满。",
)
_SINCE = Say("It has been unused for {seconds:duration}.", "已闲置 {seconds:duration}。")
_HOLDS = Say(
    "It also keeps rows that died during the last {age:count} transaction{age:|s}.",
    "它还使最近 {age:count} 个事务产生的死元组无法清理。",
)
_DROP = Say(
    "Ask whose slot '{slot}' is; only when its consumer is gone for good, drop it",
    "先确认复制槽 '{slot}' 属于谁；仅当其消费者确定不再使用时才删除",
)
_DROP_CAUTION = Say(
    "A standby, subscriber or change-data-capture job that comes back without its slot must be built anew. If it is to"
    " come back, start it instead: it will fetch the WAL and the slot frees it.",
    "备库、订阅端或 CDC 任务恢复后若没有该槽就必须重建。若它还会恢复，应启动它：取走 WAL 后空间会自动释放。",
)
_RECREATE = Say(
    "Not to be undone: a new slot starts at the present, what it kept is gone.",
    "不可撤销：新建的槽从当前位置开始，原先保留的 WAL 已不在。",
)
_DROPPED = Say(
    "The slot is gone, and the next checkpoint removes WAL it kept.", "槽已不存在，下一次检查点会清除其保留的 WAL。"
)
_CAP = Say(
    "Bound what any slot may keep: max_slot_wal_keep_size = {limit}",
    "限制复制槽可保留的 WAL：max_slot_wal_keep_size = {limit}",
)
_CAP_CAUTION = Say(
    "A consumer that falls behind by more than this loses its slot and must be built anew.",
    "落后超过该上限的消费者会丢失其槽，必须重建。",
)
_CAPPED = Say("Every slot's safe_wal_size is a number.", "每个槽的 safe_wal_size 都有值。")
_SLOTS = (
    "SELECT slot_name, active, wal_status, safe_wal_size, pg_catalog.pg_wal_lsn_diff("
    "pg_catalog.pg_current_wal_lsn(), restart_lsn) AS retained_bytes FROM pg_catalog.pg_replication_slots"
)

FILLS_BYTES = 100 * 1024 * 1024
"""A slot that keeps less than six files of WAL does not fill a disk by itself."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    holders = {
        each.object: each for each in found.of("postgresql.old_xmin_holders") if each.details["holder"] == "slot"
    }
    slots = found.of("postgresql.inactive_slots")
    for finding in slots:
        holder = holders.get(finding.object)
        if finding.severity.rank >= Severity.NOTICE.rank or (holder and not finding.details["active"]):
            yield _cause(finding, holder, found)


def _cause(finding: Finding, holder: Finding | None, found: Found) -> Cause:
    details = finding.details
    severity = max((each.severity for each in (finding, holder) if each), key=lambda each: each.rank)
    say = (
        _LOST if details["lost"] else _SLOW if details["active"] else _UNUSED if details["plugin"] else _UNUSED_PHYSICAL
    )
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="slot",
        severity=severity,
        confidence=0.7 if details["active"] else 0.95,
        summary=say(
            slot=finding.object,
            type=details["slot_type"],
            plugin=details["plugin"],
            retained=details["retained_bytes"],
            status=details["status"],
        ),
        because=_because(finding, holder),
        evidence=finding.evidence,
        remedies=((_cap(finding),) if details["active"] else (_drop(finding), _cap(finding))),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints([*held_back(found, holder=finding.object), *_filled_disk(finding, found)]),
    )


def _filled_disk(finding: Finding, found: Found) -> list[Finding]:
    """That the disk of the WAL is full, when the slot keeps enough of it to fill one."""
    if (finding.details["retained_bytes"] or 0) < FILLS_BYTES:
        return []
    return [each for each in found.of("postgresql.disk_full") if each.object in ("pg_wal", "data directory")]


def _because(finding: Finding, holder: Finding | None) -> tuple[Message, ...]:
    details = finding.details
    because: list[Message] = []
    if details["inactive_seconds"] is not None:
        because.append(_SINCE(seconds=details["inactive_seconds"]))
    if details["keep_limit_megabytes"] < 0:
        because.append(_NO_LIMIT())
    if holder:
        because.append(_HOLDS(age=holder.details["xmin_age"]))
    return tuple(because)


def _drop(finding: Finding) -> Remedy:
    slot = finding.object
    return Remedy(
        title=_DROP(slot=slot),
        statements=(f"SELECT pg_catalog.pg_drop_replication_slot({quote_literal(slot)})",),
        lock=NO_LOCK(),
        risk="high",
        when="now",
        rollback=(),
        rollback_note=_RECREATE(),
        verify=_DROPPED(),
        verify_statement=f"{_SLOTS} WHERE slot_name = {quote_literal(slot)}",
        caution=_DROP_CAUTION(),
    )


def _cap(finding: Finding) -> Remedy:
    """At least twice what the slot keeps now, so that the limit itself breaks nobody."""
    gigabytes = max(10, -(-2 * finding.details["retained_bytes"] // 1024**3))
    return Remedy(
        title=_CAP(limit=f"{gigabytes} GB"),
        statements=(
            f"ALTER SYSTEM SET max_slot_wal_keep_size = '{gigabytes}GB'",
            "SELECT pg_catalog.pg_reload_conf()",
        ),
        lock=SETTING_LOCK(),
        risk="medium",
        when="later",
        rollback=("ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_catalog.pg_reload_conf()"),
        verify=_CAPPED(),
        verify_statement=_SLOTS,
        caution=_CAP_CAUTION(),
    )
