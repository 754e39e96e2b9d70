"""Dropping a replication slot that nobody uses. What it kept for its consumer is gone, so only a person decides."""

from typing import Any

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.postgresql.changes._common import Arguments, one
from housecall.engines.postgresql.quoting import quote_literal
from housecall.errors import NotFound, RequestError
from housecall.wording import Say

_SLOT = """
SELECT s.slot_name::text AS slot_name, s.slot_type, s.plugin::text AS plugin, s.database::text AS database, s.active,
    s.restart_lsn::text AS restart_lsn,
    pg_catalog.pg_wal_lsn_diff(
        CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn()
            ELSE pg_catalog.pg_current_wal_lsn() END, s.restart_lsn)::bigint AS retained_bytes
FROM pg_catalog.pg_replication_slots AS s
WHERE s.slot_name = %s
"""

TITLE = Say(
    "Drop replication slot {name} ({type}, inactive), which keeps {bytes:bytes} of WAL",
    "删除复制槽 {name}（{type}，未使用），它保留了 {bytes:bytes} 的 WAL",
)
LOCK = Say("takes no lock that others wait for", "不加他人会等待的锁")
DURATION = Say("at once; the WAL files go with the next checkpoint", "立即生效；WAL 文件在下一次检查点后删除")
LOST = Say("cannot be undone: a consumer that comes back must be set up anew", "无法撤销：消费端若恢复，需要重新建立")
OWNER = Say("make sure that the replica or subscription behind it is gone for good", "请确认其后的备库或订阅已永久停用")
VERIFY = Say("the slot is gone and no WAL is kept for it", "复制槽已消失，不再为其保留 WAL")


class SlotArguments(Arguments):
    """One slot by name."""

    slot: str


async def compose(probe: Probe, arguments: SlotArguments, instance_id: str) -> Change:
    slot = await _slot(probe, arguments.slot)
    if slot is None:
        raise NotFound(f"There is no replication slot {arguments.slot[:63]!r}")
    if slot["active"]:
        raise RequestError(f"Replication slot {arguments.slot!r} is in use at this moment; it is not dropped")
    lsn = "IS NULL" if slot["restart_lsn"] is None else f"= {quote_literal(slot['restart_lsn'])}::pg_lsn"
    statement = (
        "SELECT pg_catalog.pg_drop_replication_slot(slot_name)\nFROM pg_catalog.pg_replication_slots\n"
        f"WHERE slot_name = {quote_literal(slot['slot_name'])} AND NOT active AND restart_lsn {lsn}"
    )
    return Change(
        tool="drop_replication_slot",
        instance_id=instance_id,
        arguments=arguments.model_dump(),
        statements=(statement,),
        title=TITLE(name=slot["slot_name"], type=slot["slot_type"], bytes=slot["retained_bytes"] or 0),
        lock=LOCK(),
        duration=DURATION(),
        risk="high",
        verify=VERIFY(),
        state={name: slot[name] for name in ("slot_name", "active", "restart_lsn", "plugin", "database")},
        facts={"drops": True},
        rollback_note=LOST(),
        caution=OWNER(),
        size_bytes=slot["retained_bytes"],
    )


async def _slot(probe: Probe, name: str) -> dict[str, Any] | None:
    return await one(probe, _SLOT, (name,))


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    slot = await _slot(probe, str(change.arguments["slot"]))
    return {"slot_exists": slot is not None, "retained_bytes": slot["retained_bytes"] if slot else 0}


async def look_up(probe: Probe, _tool: str, arguments: Json, _state: Json, _since: str) -> Told:
    slot = await _slot(probe, str(arguments["slot"]))
    if slot is None:
        return Told("happened", f"Slot {arguments['slot']} is gone.")
    return Told("not_happened", f"Slot {arguments['slot']} is still there.")
