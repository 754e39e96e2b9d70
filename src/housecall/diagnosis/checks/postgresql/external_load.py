"""Processors that other programs keep busy, so that the server's own work waits.

Why it matters: every statement is slower and nothing in the database explains it.
How to fix: find the other program (top, pidstat) and move or limit it; with stolen time, ask the host's owner.
Cannot see: without the right to read /proc nothing; in a container the machine's processors are seen, not the
container's share. Processes of sessions that ended within the window count as others'.
Source: Linux manual, proc(5): /proc/stat, /proc/[pid]/stat.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.memory import MachineLoad
from housecall.wording import Message, Say

CHECK = Check(
    id="postgresql.external_load",
    item="resource_usage",
    severity=Severity.NOTICE,
    title=Say("Processors busy with other programs", "处理器被其他程序占用"),
    thresholds=[
        Threshold("min_busy", 0.9, "of all processor time; below it there is always a free processor"),
        Threshold("max_own", 0.35, "of the busy time is this server's own: others take twice as much"),
        Threshold("min_stolen", 0.15, "of all processor time given to other machines by the hypervisor"),
        Threshold("min_ticks", 80, "of a hundredth of a second, over all processors: shorter windows are chance"),
        Threshold("waiting_a_processor", 1.5, "processes that want one for each there is: look a second time"),
    ],
    needs_window=True,
)
_OTHERS = Say(
    "The machine's {processors:count} processor{processors:|s} are {busy:percent} busy, {others:percent} of that with"
    " other programs than this server.",
    "机器的 {processors:count} 个处理器繁忙度为 {busy:percent}，其中 {others:percent} 被本数据库之外的程序占用。",
)
_STOLEN = Say(
    "The hypervisor gave {stolen:percent} of the processor time to other machines.",
    "虚拟化平台把 {stolen:percent} 的处理器时间分给了其他虚拟机。",
)
_CROWDED = Say(
    "{running:count} processes want one of {processors:count} processors; {own:count} of them are this server's.",
    "有 {running:count} 个进程在争用 {processors:count} 个处理器，其中属于本数据库的有 {own:count} 个。",
)
_MAY_NOT = Say("role '{user}' may not read the load of the machine", "角色 '{user}' 无权读取机器负载")


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    rows = now.get(MachineLoad)
    if isinstance(rows, Unavailable):
        if rows.kind == "privilege":
            user = quote_identifier(now.facts.user)
            remedy = (
                f"GRANT pg_read_server_files TO {user};"
                f" GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text, bigint, bigint, boolean) TO {user};"
            )
            yield NotEvaluated(CHECK.id, _MAY_NOT(user=now.facts.user), remedy)
        return
    before = earlier.get(MachineLoad) if earlier else ()
    for row in rows:
        if isinstance(before, Unavailable) or not before:
            yield from _at_once(row, limits)
        else:
            yield from _over(before[0], row, limits)


def _at_once(row: MachineLoad, limits: Limits) -> Iterator[Finding]:
    others = row.running - row.own_running - 1
    if others >= limits["waiting_a_processor"] * row.processors:
        yield _finding(
            Severity.INFO,
            _CROWDED(running=row.running, processors=row.processors, own=row.own_running),
            row,
            None,
            None,
        )


def _over(before: MachineLoad, row: MachineLoad, limits: Limits) -> Iterator[Finding]:
    ticks = row.all_ticks - before.all_ticks
    if ticks < limits["min_ticks"]:
        return
    busy = max(ticks - (row.idle_ticks - before.idle_ticks), 1.0)
    own = min(max(row.own_ticks - before.own_ticks, 0.0) / busy, 1.0)
    stolen = (row.stolen_ticks - before.stolen_ticks) / ticks
    if stolen >= limits["min_stolen"]:
        yield _finding(Severity.NOTICE, _STOLEN(stolen=stolen), row, busy / ticks, own)
    elif busy / ticks >= limits["min_busy"] and own <= limits["max_own"]:
        message = _OTHERS(processors=row.processors, busy=busy / ticks, others=1 - own)
        yield _finding(Severity.NOTICE, message, row, busy / ticks, own)


def _finding(severity: Severity, message: Message, row: MachineLoad, busy: float | None, own: float | None) -> Finding:
    evidence = measured(
        MachineLoad,
        processors=(row.processors, "count"),
        busy_share=(busy and round(busy, 3), "share"),
        own_share_of_busy=(own if own is None else round(own, 3), "share"),
        load_of_the_last_minute=(row.load_1_minute, "processes"),
        processes_running=(row.running, "processes"),
        own_processes_running=(row.own_running, "processes"),
    )
    return Finding(
        CHECK.id, CHECK.item, severity, "machine", "server", message,
        tuple(each for each in evidence if each.value is not None),
        details={
            "processors": row.processors, "busy": busy, "own": own, "load": row.load_1_minute,
            "working": row.own_working,
        },
    )  # fmt: skip
