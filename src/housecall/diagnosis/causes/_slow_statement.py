"""One statement takes most of the time, slowly, and nothing else that was found says why: alike on every engine.

It is told, since "nothing is wrong" would be no answer to who waits for it, and it is a notice, since it may be the
work that the server is there for. What its text and its plan give away is told with it: how it is written, and the
step that costs most.
"""

from collections.abc import Callable, Sequence

from sqlglot import exp

from housecall.advisor.plan import Plan
from housecall.advisor.plan_words import weak_points
from housecall.diagnosis.cause import Cause
from housecall.diagnosis.causes._statement_forms import FELT_SECONDS, FELT_SECONDS_OF_JOINED_ROWS, forms_of
from housecall.diagnosis.causes._statements import STATEMENT, share_message
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.wording import Message, Say

TITLE = Say("A slow statement without a known cause", "原因不明的慢语句")
MIN_SHARE = 0.3
"""Of the time of all statements: the server does hardly anything else."""
MIN_CALLS = 5
"""Fewer are somebody's report."""
MOST_REMARKS = 2
"""On the plan: the answer is short."""
WORK = ("SELECT", "WITH", "INSERT", "REPLACE", "MERGE", "UPDATE", "DELETE", "CALL", "EXECUTE")
WRITES = ("INSERT", "REPLACE", "MERGE", "UPDATE", "DELETE")
_WAITS_BY_ITSELF = ("sleep(", "sleep (", "get_lock", "pg_advisory", "pg_sleep", "waitfor")

_SUMMARY = Say(
    "One statement takes {share:percent} of all statement time, {mean:duration} a call, and nothing that was looked at"
    " says why.",
    "有一条语句占全部语句耗时的 {share:percent}，每次 {mean:duration}，已检查的各项都没有给出原因。",
)
_BY_ITS_FORM = Say(
    "One statement takes {share:percent} of all statement time, {mean:duration} a call, for the way it is written.",
    "有一条语句占全部语句耗时的 {share:percent}，每次 {mean:duration}，原因在于它的写法。",
)


def is_felt(finding: Finding, tree: exp.Expr | None, *, in_vain: bool = False) -> bool:
    """Whether somebody waits for it again and again, and it works instead of waiting. `tree` is the statement's;
    `in_vain`: it looks at very many rows for each that it returns, so that it will take longer as they grow."""
    details = finding.details
    text = details["text"].lower()
    felt = [FELT_SECONDS_OF_JOINED_ROWS if in_vain else FELT_SECONDS, *(each.felt_seconds for each in forms_of(tree))]
    return (
        details["kind"] in WORK
        and not any(word in text for word in _WAITS_BY_ITSELF)
        and not details["is_over"]
        and details["share"] >= MIN_SHARE
        and (details["calls"] or 0) >= MIN_CALLS
        and (details["mean_seconds"] or 0.0) >= min(felt)
    )


def slow_statement_cause(
    finding: Finding, tree: exp.Expr | None, plan: Plan | None, change: Callable[[Message], Remedy], measure: Message,
    rows: Sequence[Message] = (),
) -> Cause:  # fmt: skip
    """The cause, with what text and plan give away. `change` makes a remedy of a sentence, `measure` says how to find
    the step that takes the time, `rows` is what the engine counts of the rows."""
    details = finding.details
    forms = forms_of(tree)
    remarks = weak_points(plan)[:MOST_REMARKS] if plan is not None else ()
    say = _BY_ITS_FORM if forms else _SUMMARY
    return Cause(
        id="unknown",
        object=details["tables"][0] if details["tables"] else finding.object,
        object_kind="table" if details["tables"] else "statement",
        severity=Severity.NOTICE,
        confidence=0.6 if forms else 0.3,
        summary=say(share=details["share"], mean=details["mean_seconds"]),
        because=(
            *(each.why() for each in forms), share_message(details), STATEMENT(statement=details["text"]),
            *rows, *remarks,
        ),
        evidence=finding.evidence,
        remedies=(*(change(each.instead()) for each in forms), change(measure)),
        rests_on=(finding.fingerprint,),  # without impact: whatever else is found goes first
    )  # fmt: skip
