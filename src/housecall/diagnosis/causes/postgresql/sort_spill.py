"""Sorts and hashes go through temporary files because work_mem is too small for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import reset_stored, set_setting
from housecall.diagnosis.checks.postgresql._settings import less_memory
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import RoleSetting
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="sort_spill",
    title=Say(en="Sorts on disk", zh="排序溢出到磁盘"),
    checks=("postgresql.temp_spills", "postgresql.memory_settings", "postgresql.top_statements"),
)
_MB = 1024 * 1024
MOST_WORK_MEM = 64 * _MB
"""Each sort of each session may take it; more than this is for a role or a statement, not for everybody."""
_SUMMARY = Say(
    en="Sorts and hashes do not fit into work_mem ({memory:bytes}) and go through temporary files: {size:bytes} so"
    " far.",
    zh="排序和哈希放不进 work_mem（{memory:bytes}），只能使用临时文件，目前累计 {size:bytes}。",
)
_SUMMARY_STORED = Say(
    en="Sorts and hashes do not fit into the work_mem of {scope} ({value}; the server's is {memory:bytes}) and go"
    " through temporary files: {size:bytes} so far.",
    zh="排序和哈希放不进 {scope} 的 work_mem（{value}；服务器的值为 {memory:bytes}），只能使用临时文件，目前累计"
    " {size:bytes}。",
)
_FILES = Say(
    en="{files:count} temporary file{files:|s} in {age:duration}, {each:bytes} each on average.",
    zh="{age:duration} 内 {files:count} 个临时文件，平均每个 {each:bytes}。",
)
_STATEMENT = Say(
    en="The statement that writes most of them: {statement:code}.",
    zh="产生临时文件最多的语句：{statement:code}。",
)
_STORED = Say(en="work_mem is set to {value} for {scope}.", zh="work_mem 在 {scope} 上设为 {value}。")
_CAUTION = Say(
    en="Every sort and hash of every session may take this much; for one heavy report set it for its role or"
    " transaction instead.",
    zh="每个会话的每次排序和哈希都可能占用这么多内存；若只是个别报表，请仅为其角色或事务设置。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    tiny = [each for each in found.of("postgresql.memory_settings") if each.object == "work_mem"]
    for finding in found.of("postgresql.temp_spills"):
        yield _cause(finding, tiny, found, now)


def _cause(finding: Finding, tiny: list[Finding], found: Found, now: Snapshot) -> Cause:
    details = finding.details
    spilling = sorted(
        (each for each in found.of("postgresql.top_statements") if each.details.get("temp_bytes", 0) > 0),
        key=lambda each: -each.details["temp_bytes"],
    )
    stored = less_memory("work_mem", now, details["work_mem"] or 4 * _MB)
    because: tuple[Message, ...] = (
        _FILES(files=details["files"], age=details["age_seconds"], each=details["bytes"] / max(details["files"], 1)),
    )
    if spilling:
        because += (_STATEMENT(statement=spilling[0].details["query"][:200]),)
    told = 1 if _is_less(details, stored) else 0
    because += tuple(_STORED(value=each.value, scope=scope_of(each)) for each in stored[told : told + 2])
    share = sum(each.details["share"] for each in spilling)
    return Cause(
        id=CAUSE.id,
        object="work_mem",
        object_kind="setting",
        severity=finding.severity,
        confidence=0.9 if details["is_tiny"] or spilling else 0.7,
        summary=_summary(details, stored),
        because=because,
        evidence=finding.evidence,
        remedies=tuple(_remedies(finding, stored)),
        rests_on=(finding.fingerprint, *(each.fingerprint for each in tiny)),
        absorbs=tuple(each.fingerprint for each in spilling),
        impact=min(share, 1.0) if finding.severity is not Severity.NOTICE else 0.0,
    )


def _summary(details: Mapping[str, Any], stored: list[RoleSetting]) -> Message:
    memory, size = details["work_mem"], details["bytes"]
    if not _is_less(details, stored):
        return _SUMMARY(memory=memory, size=size)
    return _SUMMARY_STORED(scope=scope_of(stored[0]), value=stored[0].value, memory=memory, size=size)


def _is_less(details: Mapping[str, Any], stored: list[RoleSetting]) -> bool:
    """Whether somebody has less than what this session sees, which is the server's value then."""
    return bool(stored) and (stored[0].memory_bytes() or 0.0) < (details["work_mem"] or 4 * _MB)


def _remedies(finding: Finding, stored: list[RoleSetting]) -> Iterator[Remedy]:
    for each in stored:
        yield reset_stored("work_mem", each.value, each.database_name, each.role_name, scope_of(each))
    if not stored:
        memory = finding.details["work_mem"] or 4 * _MB
        per_file = finding.details["bytes"] / max(finding.details["files"], 1)
        wanted = next(
            (size * _MB for size in (4, 8, 16, 32, 64) if size * _MB >= max(2 * per_file, 2 * memory)), MOST_WORK_MEM
        )
        if wanted > memory:
            yield set_setting("work_mem", f"{wanted // _MB}MB", f"{int(memory) // 1024}kB", caution=_CAUTION())
