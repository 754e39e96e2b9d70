"""A replica of MySQL or MariaDB does not fetch or does not apply the changes of its source. The error tells what to do.

Errors are never skipped here: a row that is there already, or is missing, means that the two differ, and skipping makes
the difference last.
"""

from collections.abc import Iterator
from dataclasses import replace

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import NO_LOCK, application_change, fingerprints
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Flavour
from housecall.engines.mysql.quoting import quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="replica_stopped",
    title=Say("Replication stands still", "复制中断"),
    checks=("mysql.replica_stopped",),
)
_GAP = Say("{gap:bytes} have been fetched and not applied.", "已接收但未应用的日志有 {gap:bytes}。")
_BOTH = Say("Neither the receiver nor the applier runs.", "接收线程和应用线程都没有运行。")
_START = Say("Start it again", "重新启动")
_START_AFTER = Say("When that is done, start replication again", "处理完成后重新启动复制")
_START_CAUTION = Say(
    "Somebody stopped it, perhaps for a backup or to look at data as it was: ask first.",
    "可能有人为备份或查看历史数据而有意停止，请先确认。",
)
_AFTER_CAUTION = Say(
    "Started before the difference is mended it stops at the same place. Do not skip the event: the two would differ"
    " from then on.",
    "在修复差异之前启动会在同一位置再次停止。不要跳过该事件，否则两边数据会一直不一致。",
)
_RUNS = Say("both threads run and the lag falls", "两个线程都在运行且延迟下降")

_DUPLICATE = Say(
    "The row is on the replica already: compare it with the source, and remove or correct the replica's copy if the"
    " source is right; then look who writes to the replica, and set read_only and super_read_only there",
    "该行在从库上已存在：与主库对比，若以主库为准则删除或更正从库上的行；并查明谁在从库写入，在从库设置 read_only 和"
    " super_read_only",
)
_MISSING = Say(
    "The row is missing on the replica: copy it from the source; check the whole table (pt-table-checksum), since one"
    " difference is seldom alone",
    "从库缺少该行：从主库补回；并用 pt-table-checksum 检查整张表，差异往往不止一处",
)
_PURGED = Say(
    "The source no longer has the log that the replica needs: build the replica anew from a backup or a clone, and keep"
    " binary logs longer on the source",
    "主库已没有从库需要的日志：用备份或克隆重建从库，并在主库延长 binlog 保留时间",
)
_LOGIN = Say(
    "The source refuses the login: check user, password and host of the replication account on the source, then change"
    " it here with CHANGE REPLICATION SOURCE TO (CHANGE MASTER TO on MariaDB)",
    "主库拒绝登录：在主库检查复制账号的用户名、密码和来源主机，再在本机用 CHANGE REPLICATION SOURCE TO"
    "（MariaDB 为 CHANGE MASTER TO）修改",
)
_NETWORK = Say(
    "The source cannot be reached: check that it runs, its address and port, and the firewall between",
    "无法连接主库：检查主库是否运行、地址和端口以及中间的防火墙",
)
_SAME_ID = Say(
    "Source and replica have the same server_id (or server_uuid): give the replica one of its own",
    "主从的 server_id（或 server_uuid）相同：请为从库设置唯一值",
)
_RELAY = Say(
    "The relay log is damaged: let the replica fetch it again from the position that was applied (STOP REPLICA, RESET"
    " REPLICA keeps no position without GTID: note it first)",
    "中继日志损坏：让从库从已应用的位点重新拉取（无 GTID 时先记下位点再 RESET REPLICA）",
)
_OBJECT = Say(
    "The statement fails on the replica alone: compare the objects that the error names on both sides, and mend the"
    " replica's",
    "该语句只在从库失败：对比两边错误中提到的对象并修复从库",
)
_NO_OBJECT = Say(
    "What the error names does not exist on the replica, or exists there already: compare it with the source (SHOW"
    " CREATE TABLE on both), and bring the replica's to the source's state; a missing table needs its rows too, from a"
    " dump of the source",
    "错误中提到的对象在从库不存在，或已经存在：与主库对比（两边执行 SHOW CREATE TABLE），使从库与主库一致；"
    "缺失的表还要从主库导出并补回数据",
)
_ADVICE: dict[int, Say] = {
    1062: _DUPLICATE, 1032: _MISSING, 1236: _PURGED, 13114: _PURGED, 1045: _LOGIN, 1044: _LOGIN, 1130: _LOGIN,
    1698: _LOGIN, 2061: _LOGIN, 1227: _LOGIN, 2003: _NETWORK, 2002: _NETWORK, 2005: _NETWORK, 2013: _NETWORK,
    1049: _NO_OBJECT, 1050: _NO_OBJECT, 1051: _NO_OBJECT, 1054: _NO_OBJECT, 1060: _NO_OBJECT, 1061: _NO_OBJECT,
    1091: _NO_OBJECT, 1146: _NO_OBJECT, 1007: _NO_OBJECT, 1008: _NO_OBJECT,
    1593: _SAME_ID, 13117: _SAME_ID, 1594: _RELAY, 13121: _RELAY,
}  # fmt: skip
_STATUS = "SHOW REPLICA STATUS;"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.replica_stopped"):
        details = finding.details
        lag = [each for each in found.of("mysql.replica_lag") if each.object == finding.object]
        gap = (_GAP(gap=details["gap"]),) if details["gap"] else ()
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="replica",
            severity=finding.severity,
            confidence=0.95,
            summary=finding.message,
            because=(*gap, *((_BOTH(),) if details["both"] else ())),
            evidence=finding.evidence,
            remedies=_remedies(finding, now.facts.version.flavour),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints(lag),
        )


def _remedies(finding: Finding, flavour: Flavour) -> tuple[Remedy, ...]:
    number = finding.details["number"]
    if not number:
        return (_start(finding, flavour, _START(), _START_CAUTION()),)
    advice = replace(application_change(_ADVICE.get(number, _OBJECT)(), _RUNS(), _STATUS), when="now")
    return (advice, replace(_start(finding, flavour, _START_AFTER(), _AFTER_CAUTION()), when="later"))


def _start(finding: Finding, flavour: Flavour, title: Message, caution: Message) -> Remedy:
    threads = "" if finding.details["both"] else {"applier": " SQL_THREAD", "receiver": " IO_THREAD"}[
        finding.details["what"]
    ]  # fmt: skip
    return Remedy(
        title=title,
        statements=(replica_command("START", threads, finding.details["channel"], flavour),),
        lock=NO_LOCK(),
        risk="medium",
        when="now",
        rollback=(replica_command("STOP", threads, finding.details["channel"], flavour),),
        verify=_RUNS(),
        verify_statement=_STATUS,
        caution=caution,
    )


def replica_command(verb: str, threads: str, channel: str, flavour: Flavour) -> str:
    """START or STOP of one channel: MariaDB names it first, MySQL last."""
    if not channel:
        return f"{verb} REPLICA{threads};"
    if flavour == "mariadb":
        return f"{verb} REPLICA {quote_literal(channel)}{threads};"
    return f"{verb} REPLICA{threads} FOR CHANNEL {quote_literal(channel)};"
