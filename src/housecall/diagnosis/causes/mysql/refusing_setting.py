"""A setting of MySQL or MariaDB refuses what the application does, again and again: read_only on a primary that was
left so, max_join_size, sql_safe_updates, a sort buffer too small for a row.
"""

from collections.abc import Iterator, Mapping

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, advice, set_variables
from housecall.diagnosis.checks.mysql.failing_statements import JOIN_SIZE, READ_ONLY, SAFE_UPDATES, SORT_MEMORY
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="dangerous_setting",
    title=Say("A setting that refuses the application's statements", "拒绝应用语句的参数设置"),
    checks=("mysql.failing_statements", "mysql.top_statements"),
)
MB = 1024 * 1024
NO_LIMIT = "18446744073709551615"
_SUMMARIES: Mapping[str, Say] = {
    READ_ONLY: Say(
        "{name} is {value} on a server that replicates from no other: changes are refused ({times:count} so far).",
        "{name} 为 {value}，而该服务器并不从其他服务器复制：写入被拒绝（目前 {times:count} 次）。",
    ),
    JOIN_SIZE: Say(
        "max_join_size is {value}: statements that may look at more rows are refused ({times:count} so far).",
        "max_join_size 为 {value}：可能读取更多行的语句被拒绝（目前 {times:count} 次）。",
    ),
    SAFE_UPDATES: Say(
        "sql_safe_updates refuses changes whose condition names no key ({times:count} so far).",
        "sql_safe_updates 拒绝条件中没有键的修改（目前 {times:count} 次）。",
    ),
    SORT_MEMORY: Say(
        "sort_buffer_size is {value} bytes, too small for the rows that are sorted: statements fail ({times:count} so"
        " far).",
        "sort_buffer_size 为 {value} 字节，放不下要排序的行：语句执行失败（目前 {times:count} 次）。",
    ),
}  # fmt: skip
_CAUTIONS: Mapping[str, Say] = {
    READ_ONLY: Say(
        "First make sure that it is meant to take writes: after a failover another server may be the primary by now,"
        " and two that are written to drift apart. Then point the application there instead.",
        "请先确认它确实应该接受写入：故障切换后主库可能已是另一台服务器，两台同时写入会导致数据分叉；"
        "如果是这样，请让应用连接那一台。",
    ),
    JOIN_SIZE: Say(
        "It protects the server from joins without a condition: look at the statement first.",
        "它用于防止没有条件的连接拖垮服务器：请先检查该语句。",
    ),
    SAFE_UPDATES: Say(
        "It protects from an UPDATE or DELETE without a condition: better give the statement a key in its WHERE.",
        "它用于防止没有条件的 UPDATE 或 DELETE：更好的办法是在 WHERE 中使用键。",
    ),
    SORT_MEMORY: Say(
        "Each session that sorts may take it; better fetch fewer and narrower columns where rows are sorted.",
        "每个排序的会话都可能占用它；更好的办法是排序时少取、少用宽列。",
    ),
}  # fmt: skip
_SAYS = Say("The server says: {text}", "服务器的提示：{text}")
_CONCLUDED = Say(
    "The server keeps no error of it; it is concluded from the setting and from the statement that fails at every"
    " call.",
    "服务器没有保留错误信息；这是根据该参数以及每次都失败的语句推断的。",
)
_STATEMENT = Say(
    "{errors:count} of {calls:count} call{calls:|s} failed: {statement:code}",
    "{calls:count} 次调用中有 {errors:count} 次失败：{statement:code}",
)
_LOOK = Say(
    "Find who set {name} and why, and let the application do without what it refuses",
    "查明是谁、为何设置了 {name}，并让应用避免被它拒绝的操作",
)
_NO_MORE = Say("no further statement is refused so", "不再有语句因此被拒绝")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.failing_statements"):
        details = finding.details
        if details["setting"] is None or details["kind"] not in _SUMMARIES:
            continue
        if details["kind"] == READ_ONLY and details["on_replica"]:
            continue  # a replica is meant to be so: what writes to it is wrong
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9 if details["is_seen"] else 0.7,
            summary=_SUMMARIES[details["kind"]](
                name=finding.object, value=details["value"] or "ON", times=details["times"]
            ),
            because=because(finding),
            evidence=finding.evidence,
            remedies=(_remedy(finding, now),),
            rests_on=(finding.fingerprint,),
        )


def because(finding: Finding) -> tuple[Message, ...]:
    """What the server says of it, and the statement that fails."""
    details = finding.details
    said = _SAYS(text=details["text"]) if details["is_seen"] else _CONCLUDED()
    if details["statement"] is None:
        return (said,)
    return (
        said, _STATEMENT(errors=details["errors"], calls=details["calls"], statement=details["statement"]),
    )  # fmt: skip


def _remedy(finding: Finding, now: Snapshot) -> Remedy:
    details, name = finding.details, finding.object
    changes = _changes(name, details["value"])
    caution = _CAUTIONS[details["kind"]]()
    if not changes:
        return advice(_LOOK(name=name), _NO_MORE(), when="now", caution=caution)
    return set_variables(now.facts.version, changes, when="now", caution=caution)


def _changes(name: str, value: str | None) -> list[Change]:
    if name == "super_read_only":
        return [Change("super_read_only", "OFF", "ON"), Change("read_only", "OFF", "ON")]
    if name in ("read_only", "sql_safe_updates"):
        return [Change(name, "OFF", "ON")]
    if name == "max_join_size":
        return [Change(name, NO_LIMIT, value)]
    if name == "sort_buffer_size":
        size = int(value) if value and value.isdigit() else 0
        return [Change(name, str(max(MB, 4 * size)), value)]
    return []
