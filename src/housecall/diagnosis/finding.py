"""What checks find: findings with evidence, and the checks that could not look."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from housecall.wording import Language, Message, Value

ObjectKind = Literal[
    "server", "database", "table", "index", "column", "constraint", "sequence", "session", "statement", "setting",
    "slot", "prepared_transaction", "role", "extension", "replica",
]  # fmt: skip


class Severity(StrEnum):
    """How bad it is. `info` and `notice` are hygiene; `warning` needs a person soon; `critical` needs one now."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One measured value: what it is, in which unit, and the reading it comes from."""

    name: str
    value: Value
    unit: str
    reading: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "unit": self.unit, "reading": self.reading}


@dataclass(frozen=True, slots=True)
class Finding:
    """One observed problem.

    `object` is the name as a person would write it in SQL (`public.orders`, `public.orders(customer_id)`, `pid 4711`).
    `details` is for the causes that build on this finding: names, columns, session ids, statements, in plain values.
    """

    check: str
    item: str
    severity: Severity
    object: str
    object_kind: ObjectKind
    message: Message
    evidence: tuple[Evidence, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""

    @property
    def fingerprint(self) -> str:
        """Stable across wording, severity and values: the check and what it is about. Set `identity` where the object's
        name changes from one look to the next (a session id)."""
        return hashlib.sha256(f"{self.check}|{self.identity or self.object}".encode()).hexdigest()[:12]

    def to_json(self, language: Language) -> dict[str, Any]:
        return {
            "check": self.check,
            "item": self.item,
            "severity": self.severity.value,
            "object": self.object,
            "object_kind": self.object_kind,
            "summary": self.message.render(language),
            "evidence": [evidence.to_json() for evidence in self.evidence],
            "fingerprint": self.fingerprint,
        }


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A check that could not look, and what would let it: a statement or a sentence. Never reported as healthy."""

    check: str
    reason: Message
    remedy: Message | str | None = None

    def to_json(self, language: Language) -> dict[str, Any]:
        remedy = self.remedy.render(language) if isinstance(self.remedy, Message) else self.remedy
        return {"check": self.check, "reason": self.reason.render(language), "remedy": remedy}
