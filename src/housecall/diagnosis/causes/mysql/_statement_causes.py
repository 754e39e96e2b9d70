"""What the causes about statements on MySQL and MariaDB share: how much of the time, changes of the application, the
remedy of a proposed index, and what explains what."""

from collections.abc import Mapping, Sequence
from typing import Any

from housecall.diagnosis.cause import Cause, Found
from housecall.diagnosis.causes._statements import CALLER as CALLER
from housecall.diagnosis.causes._statements import OVER as OVER
from housecall.diagnosis.causes._statements import SEEN as SEEN
from housecall.diagnosis.causes._statements import SHARE as SHARE
from housecall.diagnosis.causes._statements import STATEMENT as STATEMENT
from housecall.diagnosis.causes._statements import share_message as share_message
from housecall.diagnosis.causes.mysql._changes import create_index
from housecall.diagnosis.finding import Finding, ObjectKind
from housecall.diagnosis.remedy import Remedy
from housecall.engines.mysql.quoting import quote_identifier
from housecall.wording import Message, Say

_NO_LOCK = Say(en="none: the application changes", zh="无锁：只修改应用")
_NO_UNDO = Say(en="a change of the application, undone there", zh="应用侧修改，在应用侧回退")
_FASTER = Say(
    en="it looks at about as many rows as it returns, and its share of the time falls",
    zh="读取的行数与返回的行数相当，耗时占比下降",
)
ROWS = Say(
    en="Each call looks at {examined:count} row{examined:|s} and returns or changes {returned:number}.",
    zh="每次调用查看 {examined:count} 行，返回或修改 {returned:number} 行。",
)


def row_messages(details: Mapping[str, Any]) -> tuple[Message, ...]:
    """Rows looked at against rows returned; nothing where they were not counted."""
    if details.get("examined") is None:
        return ()
    return (ROWS(examined=details["examined"], returned=details["returned"] or 0.0),)


def top_statements(found: Found, identities: Sequence[str]) -> list[Finding]:
    """The findings about these statements."""
    return [each for each in found.of("mysql.top_statements") if each.details["identity"] in identities]


def index_remedy(finding: Finding, *, extra: Sequence[str] = ()) -> Remedy:
    """The index that a proposal asks for. `extra` are columns behind the proposed ones."""
    details = finding.details
    columns = [*details["keys"], *extra]
    backwards = [*details["descending"], *([False] * len(extra))]
    parts = [
        f"{quote_identifier(column)}{' DESC' if descending else ''}"
        for column, descending in zip(columns, backwards, strict=True)
    ]
    return create_index(
        details["schema"], details["table"], columns, taken_names=details["index_names"], key=", ".join(parts)
    )


def application_change(title: Message, caution: Message | None = None) -> Remedy:
    """A remedy without statements."""
    return Remedy(
        title=title, statements=(), lock=_NO_LOCK(), risk="low", when="later", rollback=(), verify=_FASTER(),
        rollback_note=_NO_UNDO(), caution=caution,
    )  # fmt: skip


def statement_cause(
    cause_id: str, finding: Finding, found: Found, summary: Message, remedies: tuple[Remedy, ...], *,
    confidence: float, because: tuple[Message, ...] = (), absorbs: Sequence[Finding] = (),
    object_name: str | None = None, object_kind: ObjectKind = "column",
) -> Cause:  # fmt: skip
    """A cause about how one statement is written."""
    details = finding.details
    explained = [*top_statements(found, [details["identity"]]), *absorbs]
    over = (OVER(),) if details["is_over"] else ()
    return Cause(
        id=cause_id,
        object=object_name or (details["tables"][0] if details["tables"] else finding.object),
        object_kind=object_kind if object_name else ("table" if details["tables"] else "statement"),
        severity=finding.severity,
        confidence=confidence,
        summary=summary,
        because=(share_message(details), STATEMENT(statement=details["text"]), *row_messages(details), *because, *over),
        evidence=finding.evidence,
        remedies=remedies,
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in explained),
        impact=details["share"],
        past=bool(details["is_over"]),
    )


def proposals_for(found: Found, finding: Finding) -> list[Finding]:
    """Index proposals that only this finding's statement asks for."""
    return [
        each
        for each in found.of("mysql.missing_index", "mysql.wrong_index_order")
        if set(each.details["statements"]) == {finding.details["identity"]}
    ]
