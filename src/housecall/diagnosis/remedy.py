"""What to do about a cause: exact statements and what they cost, risk and undo."""

from dataclasses import dataclass
from typing import Any, Literal

from housecall.wording import Language, Message

Risk = Literal["low", "medium", "high"]
When = Literal["now", "later"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to mend a cause.

    `statements` are exact and quoted for the engine and version, in order; empty when the remedy is a change of the
    application (then `title` says which). `lock` names the lock level and whom it blocks. `rollback` undoes the
    statements; empty with a `rollback_note` that says why nothing can or need be undone. `verify` says how to see that
    it helped, `verify_statement` is a read-only statement for it.
    """

    title: Message
    statements: tuple[str, ...]
    lock: Message
    risk: Risk
    when: When
    rollback: tuple[str, ...]
    verify: Message
    verify_statement: str | None = None
    rollback_note: Message | None = None
    duration: Message | None = None
    caution: Message | None = None

    def to_json(self, language: Language) -> dict[str, Any]:
        return {
            "title": self.title.render(language),
            "statements": [_ended(statement) for statement in self.statements],
            "lock": self.lock.render(language),
            "risk": self.risk,
            "when": self.when,
            "duration": self.duration.render(language) if self.duration else None,
            "caution": self.caution.render(language) if self.caution else None,
            "rollback": [_ended(statement) for statement in self.rollback],
            "rollback_note": self.rollback_note.render(language) if self.rollback_note else None,
            "verify": self.verify.render(language),
            "verify_statement": _ended(self.verify_statement) if self.verify_statement else None,
        }


def _ended(statement: str) -> str:
    """With its semicolon, so that several can be pasted at once."""
    return statement if statement.rstrip().endswith(";") else f"{statement.rstrip()};"
