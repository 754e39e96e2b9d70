"""What the causes about statements share: the remedy of a proposed index, a change of the application, and what
explains what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from housecall.diagnosis.cause import Cause, Found
from housecall.diagnosis.causes._statements import CALLER as CALLER
from housecall.diagnosis.causes._statements import OVER as OVER
from housecall.diagnosis.causes._statements import SEEN as SEEN
from housecall.diagnosis.causes._statements import SHARE as SHARE
from housecall.diagnosis.causes._statements import STATEMENT as STATEMENT
from housecall.diagnosis.causes._statements import share_message as share_message
from housecall.diagnosis.causes.postgresql._changes import create_index, index_partitions, same_table
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.engines.postgresql.quoting import qualified, quote_identifier
from housecall.wording import Message, Say

_TOGETHER = Say(
    en="Build an index on {table} for each side of the OR, which needs all of them: {columns}",
    zh="在 {table} 上为 OR 的每一侧各建一个索引（缺一不可）：{columns}",
)
_NO_LOCK = Say(en="none: the application changes", zh="无锁：只修改应用")
_NO_UNDO = Say(en="a change of the application, undone there", zh="应用侧修改，在应用侧回退")
_FASTER = Say(en="its share of the time falls in pg_stat_statements", zh="在 pg_stat_statements 中其耗时占比下降")


def top_statements(found: Found, identities: Sequence[str]) -> list[Finding]:
    """The findings about these statements."""
    return [each for each in found.of("postgresql.top_statements") if each.details["identity"] in identities]


def scans_of_table(found: Found, finding: Finding) -> list[Finding]:
    """The scans of the finding's table, or of its partitions."""
    details = finding.details
    leaves = {(details.get("schema"), name) for name in details.get("partitions", ())}
    return [
        each
        for each in found.of("postgresql.hot_sequential_scans")
        if same_table(each.details, details) or (each.details["schema"], each.details["table"]) in leaves
    ]


MOST_OF_SPILLS = 0.8
"""Of the bytes in temporary files: what else spills would hardly be noticed."""


def spills_of(found: Found, identities: Sequence[str]) -> list[Finding]:
    """That statements go through temporary files, where these do nearly all of it and work_mem is not tiny: a planner
    that expects few rows makes hash tables of the wrong side."""
    written = {
        each.details["identity"]: each.details.get("temp_bytes") or 0 for each in found.of("postgresql.top_statements")
    }
    own = sum(written.get(each, 0) for each in set(identities))
    if not own or own < MOST_OF_SPILLS * sum(written.values()):
        return []
    return [each for each in found.of("postgresql.temp_spills") if not each.details["is_tiny"]]


def index_remedy(finding: Finding, *, extra: Sequence[str] = ()) -> Remedy:
    """The index that a proposal asks for, concurrently built, with those that must stand beside it. `extra` are columns
    behind the proposed ones."""
    details = finding.details
    own = [*_parts(details), *(quote_identifier(name) for name in extra)]
    remedy = _built(details, own, details.get("method", "btree"))
    beside = [_built(details, _parts(each), each["method"]) for each in details.get("partners", ())]
    if not beside:
        return remedy
    keys = [", ".join(own), *(", ".join(_parts(each)) for each in details["partners"])]
    return replace(
        remedy,
        title=_TOGETHER(table=qualified(details["schema"], details["table"]), columns="; ".join(keys)),
        statements=tuple(text for each in (remedy, *beside) for text in each.statements),
        rollback=tuple(text for each in (remedy, *beside) for text in each.rollback),
    )


def _parts(details: Mapping[str, Any]) -> list[str]:
    """The parts of a key as SQL."""
    parts = []
    for text, operators, descending in zip(
        details["columns"], details["operator_classes"], details["descending"], strict=True
    ):
        key = text if text.startswith("(") else quote_identifier(text)
        parts.append(" ".join(word for word in (key, operators, "DESC" if descending else None) if word))
    return parts


def _built(details: Mapping[str, Any], parts: Sequence[str], method: str) -> Remedy:
    if details.get("partitions"):
        return index_partitions(
            details["schema"], details["table"], parts, details["partitions"], details["size_bytes"],
            method=method, taken_names=details["index_names"], built=details.get("built", {}),
        )  # fmt: skip
    return create_index(
        details["schema"], details["table"], parts, details["size_bytes"],
        keys_are_sql=True, method=method, taken_names=details["index_names"],
    )  # fmt: skip


def application_change(title: Message, caution: Message | None = None) -> Remedy:
    """A remedy without statements."""
    return Remedy(
        title=title, statements=(), lock=_NO_LOCK(), risk="low", when="later", rollback=(), verify=_FASTER(),
        rollback_note=_NO_UNDO(), caution=caution,
    )  # fmt: skip


def statement_cause(
    cause_id: str, finding: Finding, found: Found, summary: Message, remedies: tuple[Remedy, ...], *,
    confidence: float, because: tuple[Message, ...] = (), absorbs: Sequence[Finding] = (),
    object_name: str | None = None,
) -> Cause:  # fmt: skip
    """A cause about how one statement is written."""
    details = finding.details
    explained = [*top_statements(found, [details["identity"]]), *absorbs]
    return Cause(
        id=cause_id,
        object=object_name or (details["tables"][0] if details["tables"] else finding.object),
        object_kind="table" if object_name is None and details["tables"] else "statement",
        severity=finding.severity,
        confidence=confidence,
        summary=summary,
        because=(share_message(details), STATEMENT(statement=details["text"]), *because),
        evidence=finding.evidence,
        remedies=remedies,
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in explained),
        impact=details["share"],
        past=bool(details["is_over"]),
    )
