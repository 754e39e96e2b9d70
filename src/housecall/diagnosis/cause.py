"""Causes: what explains the findings, ranked.

A cause module below `causes/<engine>/` has a docstring (its page), a `CAUSE` (a CauseRule) and `conclude(found, now)`.
It looks at the findings of its checks and yields Causes. Causes do not know each other: `absorbs` names the
fingerprints of findings that this cause explains, and the ranking drops a weaker cause that rests only on findings
which a stronger one explains, and lists it there as a symptom.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from housecall.diagnosis.check import modules_below
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, ObjectKind, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Language, Message, Say


@dataclass(frozen=True, slots=True)
class Cause:
    """A root cause.

    `summary` says what is wrong in one sentence; `because` gives the two or three decisive figures as sentences.
    `impact` orders causes of one severity: the share (0 to 1) of the instance's time or sessions that it costs, 0 when
    not measured. `holds_up` is the share of the sessions with work that wait for this cause: what the others do is a
    share of the rest, so the ranking takes it in place of `impact`, and lowers the others' by it. `rests_on` are the
    findings it was concluded from, `absorbs` further findings that it explains.
    """

    id: str
    object: str
    object_kind: ObjectKind
    severity: Severity
    confidence: float
    summary: Message
    because: tuple[Message, ...]
    evidence: tuple[Evidence, ...]
    remedies: tuple[Remedy, ...]
    rests_on: tuple[str, ...]
    absorbs: tuple[str, ...] = ()
    impact: float = 0.0
    holds_up: float = 0.0
    past: bool = False
    symptoms: tuple[str, ...] = ()

    def to_json(self, language: Language) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": self.object,
            "object_kind": self.object_kind,
            "severity": self.severity.value,
            "confidence": round(self.confidence, 2),
            "past": self.past,
            "summary": self.summary.render(language),
            "because": [message.render(language) for message in self.because],
            "evidence": [evidence.to_json() for evidence in self.evidence],
            "remedies": [remedy.to_json(language) for remedy in self.remedies],
            "symptoms": list(self.symptoms),
            "findings": list(self.rests_on),
        }


class Found:
    """The findings of one examination, to be asked by check id."""

    def __init__(self, findings: list[Finding], not_evaluated: list[NotEvaluated]) -> None:
        self.findings = tuple(findings)
        self.not_evaluated = tuple(not_evaluated)
        self._by_check: dict[str, list[Finding]] = {}
        for finding in findings:
            self._by_check.setdefault(finding.check, []).append(finding)

    def of(self, *check_ids: str) -> tuple[Finding, ...]:
        """The findings of these checks, in the order of the ids."""
        return tuple(finding for check_id in check_ids for finding in self._by_check.get(check_id, ()))

    def not_looked(self, check_id: str) -> NotEvaluated | None:
        """Why a check could not look, or None when it could."""
        return next((each for each in self.not_evaluated if each.check == check_id), None)


Conclude = Callable[[Found, Snapshot], Iterator[Cause]]


@dataclass(frozen=True, slots=True)
class CauseRule:
    """What a cause is: its id from the list of causes, its name for people, and the checks it builds on."""

    id: str
    title: Say
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisteredCause:
    rule: CauseRule
    conclude: Conclude
    page: str
    module: str


@cache
def all_causes() -> tuple[RegisteredCause, ...]:
    """Every cause rule, sorted by id and module."""
    from housecall.diagnosis import causes

    registered = [
        RegisteredCause(module.CAUSE, module.conclude, module.__doc__ or "", module.__name__)
        for module in modules_below(causes)
        if not module.__name__.rpartition(".")[2].startswith("_")
    ]
    return tuple(sorted(registered, key=lambda each: (each.rule.id, each.module)))


NO_TROUBLE = frozenset({"weak_authentication"})
"""Causes that ask for attention and explain no trouble that anybody feels."""


def strength(cause: Cause) -> tuple[bool, int, float, bool, float]:
    """The order of causes: present before past, then severity, impact, confidence. Of two that weigh the same, what
    slows nothing down comes last, however sure it is."""
    is_trouble = cause.id not in NO_TROUBLE
    return (not cause.past, cause.severity.rank, cause.impact, is_trouble, cause.confidence)


def rank(causes: list[Cause]) -> tuple[Cause, ...]:
    """Causes from the strongest to the weakest, with those that a stronger one explains folded into its symptoms."""
    causes = _weighed(causes)
    ordered = sorted(causes, key=strength, reverse=True)
    kept: list[Cause] = []
    folded: dict[int, list[str]] = {}
    for cause in ordered:
        root = next((other for other in causes if other is not cause and _explains(other, cause)), None)
        if root is None:
            kept.append(cause)
        else:
            folded.setdefault(id(root), []).append(f"{cause.id}: {cause.object}")
    return tuple(_with_symptoms(cause, folded.get(id(cause), [])) for cause in kept)


def _weighed(causes: list[Cause]) -> list[Cause]:
    """The causes with one measure: of all sessions with work, the share that each costs."""
    held = max((each.holds_up for each in causes if not each.past), default=0.0)
    if not held:
        return causes
    return [replace(each, impact=each.holds_up or min(each.impact, each.impact * (1 - held))) for each in causes]


def _explains(root: Cause, cause: Cause) -> bool:
    """Whether `root` accounts for everything that `cause` rests on.

    Two causes never explain each other away, and what is over explains nothing that goes on.
    """
    if root.past and not cause.past:
        return False
    if not cause.rests_on or not set(cause.rests_on) <= set(root.absorbs):
        return False
    return not set(root.rests_on) <= set(cause.absorbs) or strength(root) > strength(cause)


def _with_symptoms(cause: Cause, symptoms: list[str]) -> Cause:
    if not symptoms:
        return cause
    return replace(cause, symptoms=(*cause.symptoms, *symptoms))


@dataclass(frozen=True, slots=True)
class Titles:
    """Names of causes for people, by id."""

    by_id: Mapping[str, Say] = field(default_factory=lambda: {each.rule.id: each.rule.title for each in all_causes()})
