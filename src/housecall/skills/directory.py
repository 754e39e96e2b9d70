"""Which skills an account has: the seam between who keeps them and who follows them.

Skills of the system are the built-in ones, the same for every account and never changed. Skills of users are kept by
the store; `chat.skills` is the directory of an installation, `BuiltinSkills` that of a question without one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Literal, Protocol

from housecall.skills.catalog import ENGINES, Skill, SkillEngine, builtin_skills
from housecall.wording import Language, Say

SkillType = Literal["system", "user"]
SYSTEM_PREFIX = "sys-"


@dataclass(frozen=True, slots=True)
class KnownSkill:
    """A skill that an account may use. A user's has one language; times are None for those of the system."""

    id: str
    name: str
    skill_type: SkillType
    title: Say
    description: Say
    engines: tuple[SkillEngine, ...]
    content: Mapping[SkillEngine, str]
    builtin: Skill | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    category: str | None = field(default=None)

    def content_in(self, language: Language) -> Mapping[SkillEngine, str]:
        return self.builtin.content_in(language) if self.builtin else self.content

    def text(self, engine: SkillEngine | None, language: Language) -> str:
        """What to do on this engine; for an engine that the skill is not written for, or None, all that it says."""
        content = self.content_in(language)
        if engine == "MariaDB" and engine not in content:
            engine = "MySQL"
        if engine is not None and engine in content:
            return content[engine]
        texts: dict[str, list[str]] = {}
        for each, text in content.items():
            texts.setdefault(text, []).append(each)
        return "\n\n".join(f"# {', '.join(engines)}\n\n{text}" for text, engines in texts.items())


class SkillDirectory(Protocol):
    """The skills of accounts. Another account's skill is not there."""

    async def list_skills(self, account_id: str) -> tuple[KnownSkill, ...]:
        """All of them, sorted by name; those of the account before one of the system of the same name."""

    async def find_by_name(self, account_id: str, name: str) -> KnownSkill | None:
        """The account's own skill before the system's; None when there is neither."""


class BuiltinSkills:
    """The directory where there is no store: the built-in skills alone."""

    async def list_skills(self, account_id: str) -> tuple[KnownSkill, ...]:  # noqa: ARG002 - the same for all
        return system_skills()

    async def find_by_name(self, account_id: str, name: str) -> KnownSkill | None:  # noqa: ARG002
        return system_skill_named(name)


@cache
def system_skills() -> tuple[KnownSkill, ...]:
    """The built-in skills as any account knows them, sorted by name."""
    return tuple(
        KnownSkill(
            id=SYSTEM_PREFIX + each.name,
            name=each.name,
            skill_type="system",
            title=each.title,
            description=each.description,
            engines=each.engines,
            content=each.content,
            builtin=each,
            category=each.category,
        )
        for each in builtin_skills()
    )


def system_skill_named(name: str) -> KnownSkill | None:
    return next((each for each in system_skills() if each.name == name), None)


def engine_of(engine: str, version: str | None) -> SkillEngine:
    """The name that skills have for an engine; MariaDB tells itself in its version."""
    if engine == "postgresql":
        return "PostgreSQL"
    return "MariaDB" if version and "mariadb" in version.lower() else "MySQL"


__all__ = [
    "ENGINES",
    "BuiltinSkills",
    "KnownSkill",
    "SkillDirectory",
    "SkillType",
    "engine_of",
    "system_skill_named",
    "system_skills",
]
