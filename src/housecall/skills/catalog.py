"""The built-in skills, read from `builtin/<name>/SKILL.md`: what each is for, and what to do per engine.

A file is front matter (see `front_matter`) and sections whose heading names the engines they are for, as
`# PostgreSQL` or `# MySQL, MariaDB`; an engine's content is all of its sections in the order of the file. The content
of another language lies beside it as `SKILL.<language>.md`, sections only, and an engine that it lacks is told in the
nearest language that has it.

A built-in skill that is not well-formed is a bug of this installation: reading it raises ValueError with the file.
"""

import importlib.resources
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from typing import Literal, cast, get_args

from housecall.errors import NotFound
from housecall.skills.front_matter import FrontMatter, read_front_matter
from housecall.wording import LANGUAGES, Language, Say

SkillEngine = Literal["PostgreSQL", "MySQL", "MariaDB"]
"""Database types as the wire names them."""
ENGINES: tuple[SkillEngine, ...] = get_args(SkillEngine)

Category = Literal["performance", "availability", "capacity", "maintenance", "security", "development"]
CATEGORIES: tuple[Category, ...] = get_args(Category)

_NEAREST: Mapping[Language, tuple[Language, ...]] = {
    "en": ("en",), "zh-CN": ("zh-CN", "zh-TW", "en"), "zh-TW": ("zh-TW", "zh-CN", "en"), "ja": ("ja", "en"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skill:
    """One playbook. `content` is its English text by engine, `translations` the same in other languages.

    `tools` and `checks` are all that the texts name; `checks` are ids as in `postgresql.unused_index`.
    """

    name: str
    title: Say
    description: Say
    category: Category
    engines: tuple[SkillEngine, ...]
    content: Mapping[SkillEngine, str]
    tools: tuple[str, ...]
    checks: tuple[str, ...]
    translations: Mapping[Language, Mapping[SkillEngine, str]]

    def content_in(self, language: Language) -> Mapping[SkillEngine, str]:
        """The text of every engine in this language, or in the nearest one that has it."""
        return {engine: self.text(engine, language) for engine in self.engines}

    def text(self, engine: SkillEngine, language: Language) -> str:
        by_language = {"en": self.content, **self.translations}
        found = (by_language[each][engine] for each in _NEAREST[language] if engine in by_language.get(each, {}))
        return next(found)


@cache
def builtin_skills() -> tuple[Skill, ...]:
    """Every built-in skill, sorted by name."""
    builtin = importlib.resources.files("housecall.skills") / "builtin"
    skills = (_read_skill(folder) for folder in builtin.iterdir() if folder.is_dir())
    return tuple(sorted(skills, key=lambda skill: skill.name))


def find_skill(name: str) -> Skill:
    """The built-in skill of this name.

    Raises:
        NotFound: code SkillNotFound, with the names that exist.
    """
    for skill in builtin_skills():
        if skill.name == name:
            return skill
    names = ", ".join(skill.name for skill in builtin_skills())
    raise NotFound(f"There is no built-in skill {name[:64]!r}; there are {names}", code="SkillNotFound")


def _read_skill(folder: Traversable) -> Skill:
    place = f"skills/builtin/{folder.name}/SKILL.md"
    head, body = read_front_matter((folder / "SKILL.md").read_text(encoding="utf-8"), place)
    name, category = head.text("name"), head.text("category")
    if name != folder.name or category not in CATEGORIES:
        raise ValueError(f"{place}: name must be {folder.name!r} and category one of {', '.join(CATEGORIES)}")
    engines = _engines(head.names("engines"), place)
    skill = Skill(
        name=name,
        title=_say(head, "title"),
        description=_say(head, "description"),
        category=category,
        engines=engines,
        content=_content(body, engines, place),
        tools=head.names("tools"),
        checks=head.names("checks"),
        translations=dict(_translations(folder, engines)),
    )
    head.refuse_unread()
    if set(skill.content) != set(engines):
        raise ValueError(f"{place}: there must be a section for each of {', '.join(engines)}")
    return skill


def _translations(
    folder: Traversable, engines: Iterable[SkillEngine]
) -> Iterator[tuple[Language, Mapping[SkillEngine, str]]]:
    for language in LANGUAGES:
        file = folder / f"SKILL.{language}.md"
        if file.is_file():
            yield language, _content(file.read_text(encoding="utf-8"), engines, f"{folder.name}/{file.name}")


def _say(head: FrontMatter, key: str) -> Say:
    return Say(en=head.text(key), zh=head.text(f"{key}.zh-CN"), tc=head.text(f"{key}.zh-TW"), ja=head.text(f"{key}.ja"))


def _engines(names: Iterable[str], place: str) -> tuple[SkillEngine, ...]:
    wanted = tuple(names)
    unknown = [name for name in wanted if name not in ENGINES]
    if unknown or not wanted:
        raise ValueError(f"{place}: engines must be some of {', '.join(ENGINES)}, not {', '.join(wanted)}")
    return cast(tuple[SkillEngine, ...], wanted)


def _content(body: str, engines: Iterable[SkillEngine], place: str) -> dict[SkillEngine, str]:
    """The text of each engine that has a section."""
    parts: dict[SkillEngine, list[str]] = {}
    for heading, text in _sections(body, place):
        for engine in _engines(heading.split(", "), place):
            if engine not in engines:
                raise ValueError(f"{place}: the section of {engine} is for no engine of this skill")
            parts.setdefault(engine, []).append(text)
    return {engine: "\n\n".join(texts) + "\n" for engine, texts in parts.items()}


def _sections(body: str, place: str) -> Iterator[tuple[str, str]]:
    """Headings of the first level and the text below each. A `#` inside a fenced block is no heading."""
    heading, lines, fenced = "", list[str](), False
    for line in [*body.splitlines(), "# "]:
        fenced ^= line.startswith("```")
        if line.startswith("# ") and not fenced:
            text = "\n".join(lines).strip()
            if heading:
                yield heading, text
            elif text:
                raise ValueError(f"{place}: text before the first heading")
            heading, lines = line[2:].strip(), []
        else:
            lines.append(line)
    if fenced:
        raise ValueError(f"{place}: a fenced block is not closed")
