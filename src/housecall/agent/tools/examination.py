"""The examination of an instance, as a bounded tool result: causes in full, findings in one line each.

The diagnosis itself is `diagnosis/examine.py`. A result stays below the token limit on a server of any size: causes
come strongest first, so what is cut is the weakest, and every list tells how much there was.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from housecall.agent.context import RunContext
from housecall.agent.tools.bounded import RESULT_TOKENS, clip, estimate_tokens
from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult
from housecall.agent.tools.registry import ToolSpec
from housecall.agent.tools.topics import Topic, belongs, check_belongs
from housecall.diagnosis.check import checks_of
from housecall.diagnosis.examine import examine
from housecall.diagnosis.unavailable import by_root
from housecall.engines.instance import Instance
from housecall.errors import NotFound
from housecall.wording import Language, Say

_LEVELS = ((6, 20, 20), (5, 20, 12), (5, 12, 6), (4, 12, 4), (4, 8, 2), (3, 6, 0), (2, 4, 0), (1, 3, 0), (0, 3, 0))
"""How many causes in full, causes in one line and findings: the first level that fits is used."""


class RemedyResult(ToolResult):
    title: str
    statements: list[str]
    lock: str | None = None
    risk: str
    when: str
    duration: str | None = None
    caution: str | None = None
    rollback: list[str] = Field(default_factory=list)
    rollback_note: str | None = None
    verify: str | None = None
    verify_statement: str | None = None


class CauseResult(ToolResult):
    """A cause. `reference` is its name for read_finding; `evidence` lists values as `name: value unit`."""

    rank: int
    reference: str
    id: str
    object: str
    object_kind: str
    severity: str
    confidence: float
    past: bool
    summary: str
    because: list[str]
    evidence: list[str]
    remedies: list[RemedyResult]
    symptoms: list[str]


class CauseLine(ToolResult):
    rank: int
    reference: str
    id: str
    object: str
    severity: str
    past: bool
    summary: str


class FindingLine(ToolResult):
    check: str
    severity: str
    object: str
    summary: str
    fingerprint: str


class NotLooked(ToolResult):
    """Checks that could not look, by what stopped them."""

    reason: str
    remedy: str | None
    checks: list[str]
    checks_total: int


class Examination(ToolResult):
    instance_id: str
    engine: str
    version: str
    database: str
    taken_at: str
    language: str
    focus: str | None
    checks_total: int
    checks_not_evaluated: int
    causes: list[CauseResult]
    more_causes: list[CauseLine]
    causes_total: int
    findings: list[FindingLine]
    findings_total: int
    findings_by_severity: dict[str, int]
    not_evaluated: list[NotLooked]
    looked_at: dict[str, str]


class FoundInFull(ToolResult):
    instance_id: str
    taken_at: str
    language: str
    cause: CauseResult | None = None
    finding: dict[str, Any] | None = None


async def examine_instance(
    ctx: Context,
    instance_id: InstanceId = None,
    focus: Annotated[Topic | None, Field(description="Put this topic first; everything is examined anyway")] = None,
) -> Examination:
    run = ctx.deps
    instance = await run.instance(instance_id)
    diagnosis = await examined(run, instance)
    return summarised(diagnosis, run.language, len(checks_of(instance.engine)), focus)


async def read_finding(
    ctx: Context,
    reference: Annotated[str, Field(description="Reference of a cause or fingerprint of a finding")],
    instance_id: InstanceId = None,
) -> FoundInFull:
    run = ctx.deps
    instance = await run.instance(instance_id)
    diagnosis = run.diagnoses.get(instance.id) or await examined(run, instance)
    head = {"instance_id": instance.id, "taken_at": diagnosis["taken_at"], "language": run.language}
    for rank, cause in enumerate(diagnosis["causes"], 1):
        if reference in (reference_of(cause), cause["id"], f"{cause['id']}:{cause['object']}"):
            return FoundInFull(**head, cause=_cause(rank, cause, remedies=4, evidence=20))
    for finding in diagnosis["findings"]:
        if finding["fingerprint"] == reference:
            return FoundInFull(**head, finding=finding)
    raise NotFound(
        f"Instance '{instance.id}' shows no cause or finding {reference[:40]!r} any more;"
        " examine_instance gives the present ones"
    )


async def examined(run: RunContext, instance: Instance) -> dict[str, Any]:
    """The diagnosis as JSON, in the language of the turn; kept for the other tools of this turn."""
    async with run.open_probe(instance) as probe:
        diagnosis = await examine(probe, instance.id, run.engines.engine(instance.engine), clock=run.clock)
    run.diagnoses[instance.id] = diagnosis.to_json(run.language)
    return diagnosis.to_json(run.language)


def reference_of(cause: dict[str, Any]) -> str:
    """A short name of a cause that the next examination gives it again: what it is and what it is about."""
    return hashlib.sha256(f"{cause['id']}|{cause['object']}".encode()).hexdigest()[:8]


def summarised(diagnosis: dict[str, Any], language: Language, checks_total: int, focus: Topic | None) -> Examination:
    """The diagnosis within the token limit, causes of the focus first."""
    ranked = list(enumerate(diagnosis["causes"], 1))
    if focus:
        ranked.sort(key=lambda each: (not _first(focus, each[1]), each[0]))
    findings = diagnosis["findings"]
    if focus:
        findings = sorted(findings, key=lambda each: not check_belongs(focus, each["check"], each["item"]))
    result = None
    for level in _LEVELS:
        result = _at(level, diagnosis, ranked, findings, language, checks_total, focus)
        if estimate_tokens(result.model_dump(mode="json", exclude_none=True)) <= RESULT_TOKENS:
            break
    assert result is not None
    return result


def _first(focus: Topic, cause: dict[str, Any]) -> bool:
    """Whether the focus puts a cause first. For slowness only urgent ones: hygiene must not stand before a danger."""
    urgent = cause["severity"] in ("critical", "warning") and not cause["past"]
    return belongs(focus, cause["id"]) and (focus != "slowness" or urgent)


def _at(
    level: tuple[int, int, int],
    diagnosis: dict[str, Any],
    ranked: Sequence[tuple[int, dict[str, Any]]],
    findings: Sequence[dict[str, Any]],
    language: Language,
    checks_total: int,
    focus: Topic | None,
) -> Examination:
    full, lines, finding_lines = level
    by_severity: dict[str, int] = defaultdict(int)
    for finding in findings:
        by_severity[finding["severity"]] += 1
    missed = diagnosis["not_evaluated"]
    return Examination(
        instance_id=diagnosis["instance"],
        engine=diagnosis["engine"],
        version=diagnosis["version"],
        database=diagnosis["database"],
        taken_at=diagnosis["taken_at"],
        language=language,
        focus=focus,
        checks_total=checks_total,
        checks_not_evaluated=len({each["check"] for each in missed}),
        causes=[_cause(rank, cause) for rank, cause in ranked[:full]],
        more_causes=[_line(rank, cause) for rank, cause in ranked[full : full + lines]],
        causes_total=len(ranked),
        findings=[_finding(each) for each in findings[:finding_lines]],
        findings_total=len(findings),
        findings_by_severity=dict(by_severity),
        not_evaluated=_not_looked(missed, language),
        looked_at=diagnosis.get("looked_at", {}),
    )


def _cause(rank: int, cause: dict[str, Any], *, remedies: int = 2, evidence: int = 4) -> CauseResult:
    return CauseResult(
        rank=rank,
        reference=reference_of(cause),
        id=cause["id"],
        object=clip(cause["object"], 160),
        object_kind=cause["object_kind"],
        severity=cause["severity"],
        confidence=cause["confidence"],
        past=cause["past"],
        summary=clip(cause["summary"]),
        because=[clip(each) for each in cause["because"][:4]],
        evidence=[_evidence(each) for each in cause["evidence"][:evidence]],
        remedies=[_remedy(each) for each in cause["remedies"][:remedies]],
        symptoms=[clip(each, 120) for each in cause["symptoms"][:4]],
    )


MOST_OF_A_KIND = 5
MOST_STEPS = 40


def _evidence(evidence: dict[str, Any]) -> str:
    return clip(f"{evidence['name']}: {evidence['value']} {evidence['unit']}".strip(), 160)


def _remedy(remedy: dict[str, Any]) -> RemedyResult:
    """Statements stay whole: a cut statement must not be run."""
    return RemedyResult(
        title=clip(remedy["title"]),
        statements=_listed(remedy["statements"]),
        lock=clip(remedy["lock"]),
        risk=remedy["risk"],
        when=remedy["when"],
        duration=clip(remedy["duration"]) if remedy["duration"] else None,
        caution=clip(remedy["caution"]) if remedy["caution"] else None,
        rollback=_listed(remedy["rollback"]),
        rollback_note=clip(remedy["rollback_note"]) if remedy["rollback_note"] else None,
        verify=clip(remedy["verify"]),
        verify_statement=remedy["verify_statement"],
    )


def _listed(statements: list[str]) -> list[str]:
    """A too long list of one kind is the first few and a count. Steps of several kinds belong together and stay
    together: who runs the first half of them alone is left without a foreign key, or without a table."""
    most = MOST_OF_A_KIND if len({_kind(each) for each in statements}) <= 1 else MOST_STEPS
    left = len(statements) - most
    return [*statements[:most], *([f"-- {left} more"] if left > 0 else [])]


def _kind(statement: str) -> str:
    """`ALTER TABLE DROP FOREIGN` for ALTER TABLE orders DROP FOREIGN KEY fk; `KILL CONNECTION` for each KILL."""
    words = statement.replace(";", " ").split()
    kept = [*words[:2], *(words[3:5] if words[:1] == ["ALTER"] else [])]
    return " ".join(kept).upper()


def _line(rank: int, cause: dict[str, Any]) -> CauseLine:
    return CauseLine(
        rank=rank,
        reference=reference_of(cause),
        id=cause["id"],
        object=clip(cause["object"], 100),
        severity=cause["severity"],
        past=cause["past"],
        summary=clip(cause["summary"], 180),
    )


def _finding(finding: dict[str, Any]) -> FindingLine:
    return FindingLine(
        check=finding["check"],
        severity=finding["severity"],
        object=clip(finding["object"], 100),
        summary=clip(finding["summary"], 160),
        fingerprint=finding["fingerprint"],
    )


def _not_looked(missed: Sequence[dict[str, Any]], language: Language) -> list[NotLooked]:
    """Grouped by what would let them look, most checks first."""
    groups = by_root(((each["check"], each["reason"], each["remedy"]) for each in missed), language)
    return [
        NotLooked(
            reason=clip(reason, 200), remedy=clip(remedy, 400) if remedy else None, checks=checks[:8],
            checks_total=len(checks),
        )
        for reason, remedy, checks in groups[:8]
    ]  # fmt: skip


TOOLS = (
    ToolSpec(
        "examine_instance",
        "read",
        Say(
            en="Examines an instance with every check: ranked root causes with evidence and remedies, findings, and"
            " what could not be looked at. The tool for slowness, trouble of any kind and health checks.",
            zh="用全部检查项诊断实例：按重要性排序的根因（含证据和处理办法）、发现，以及无法检查的内容。用于变慢、各类故障和健康检查。",
            tc="以全部檢查項目診斷執行個體：依重要性排序的根因（含證據與處理方式）、發現，以及無法檢查的內容。用於變慢、各類故障與健康檢查。",
            ja="全チェックでインスタンスを診断：順位付けした根本原因（証拠と対処）、検出事項、確認できなかった点。遅延・障害・健全性確認に使用。",
        ),
        examine_instance,
    ),
    ToolSpec(
        "read_finding",
        "read",
        Say(
            en="One cause or finding of the examination in full, by its reference or fingerprint.",
            zh="按引用号或指纹读取诊断中的某个根因或发现的完整内容。",
            tc="依參照號或指紋讀取診斷中某個根因或發現的完整內容。",
            ja="診断の原因または検出事項一件の全文（参照番号またはフィンガープリント指定）。",
        ),
        read_finding,
    ),
)
