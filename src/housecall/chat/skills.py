"""The skills of an account: its own, kept in the store, and those of the system, which nobody changes.

It is with conversations because that is where skills are loaded: `/name` at the start of a question. Names are unique
within an account and none of the system's may be taken, so a name means one skill.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from housecall.chat.questions import is_id
from housecall.errors import NotFound, RequestError
from housecall.skills.catalog import ENGINES, SkillEngine
from housecall.skills.directory import SYSTEM_PREFIX, KnownSkill, system_skill_named, system_skills
from housecall.store.database import Database
from housecall.store.tables.agents import SkillRow
from housecall.wording import Language, Say

Scope = Literal["all", "private", "system"]

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_NAME = 64
MAX_DESCRIPTION = 1000
MAX_CONTENT = 200_000
MAX_TOLD = 200
"""Skills of an account that a model is told of; any other is loaded by its name."""


@dataclass(frozen=True, slots=True)
class SkillPage:
    """Some skills and how many there are in all."""

    items: tuple[KnownSkill, ...]
    total: int


class Skills:
    """Implements SkillDirectory, and keeps the skills of users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        account_id: str,
        user_id: str,
        *,
        name: str,
        description: str,
        engines: Sequence[str],
        content: Mapping[str, str] | None = None,
    ) -> KnownSkill:
        """Raises RequestError (InvalidParameter; SkillAlreadyExists for a name that is taken)."""
        values = {
            "name": _checked_name(name),
            "description": _checked_description(description),
            "engines": list(checked := _checked_engines(engines)),
            "content": _checked_content(content or {}, checked),
        }
        statement = upsert(SkillRow).values(id=str(uuid.uuid4()), account_id=account_id, user_id=user_id, **values)
        async with self._database.begin("storing a skill") as connection:
            stored = await connection.execute(
                statement.on_conflict_do_nothing(index_elements=["account_id", "name"]).returning(SkillRow.__table__)
            )
            row = stored.one_or_none()
        if row is None:
            raise _taken(name)
        return _skill(row)

    async def get(self, account_id: str, skill_id: str) -> KnownSkill:
        """An own skill or one of the system. Raises NotFound (SkillNotFound)."""
        (found,) = await self.get_all(account_id, [skill_id])
        return found

    async def get_all(self, account_id: str, skill_ids: Sequence[str]) -> tuple[KnownSkill, ...]:
        """The skills of these ids, in their order. Raises NotFound (SkillNotFound) for the first that is not there."""
        found = await self.those_of(account_id, skill_ids)
        for skill_id in skill_ids:
            if skill_id not in found:
                raise _not_found(skill_id)
        return tuple(found[skill_id] for skill_id in skill_ids)

    async def those_of(self, account_id: str, skill_ids: Sequence[str]) -> dict[str, KnownSkill]:
        """The skills of those ids that are there, by id."""
        by_id = {each.id: each for each in system_skills()}
        own = [skill_id for skill_id in skill_ids if is_id(skill_id)]
        found = {skill_id: by_id[skill_id] for skill_id in skill_ids if skill_id in by_id}
        if own:
            async with self._database.begin("reading skills") as connection:
                rows = await connection.execute(
                    select(SkillRow.__table__).where(_own(account_id), SkillRow.id.in_(own))
                )
                known = {row.id: _skill(row) for row in rows}
            found |= {skill_id: known[skill_id.lower()] for skill_id in own if skill_id.lower() in known}
        return found

    async def page(
        self,
        account_id: str,
        *,
        language: Language,
        query: str | None = None,
        scope: Scope = "all",
        page_number: int = 1,
        page_size: int = 20,
    ) -> SkillPage:
        """A page: the system's by name, then the account's in the order in which they were made.

        In this order a page stays what it is while skills are added. `query` is looked for in names and descriptions.
        """
        system = [] if scope == "private" else [each for each in system_skills() if _speaks_of(each, query, language)]
        start = (page_number - 1) * page_size
        items = system[start : start + page_size]
        own_total = 0
        if scope != "system":
            where = and_(_own(account_id), *_matches(query))
            async with self._database.begin("listing skills") as connection:
                count = select(func.count()).select_from(SkillRow).where(where)
                own_total = (await connection.execute(count)).scalar_one()
                rows = await connection.execute(
                    select(SkillRow.__table__)
                    .where(where)
                    .order_by(SkillRow.number)
                    .offset(max(0, start - len(system)))
                    .limit(page_size - len(items))
                )
                items += [_skill(row) for row in rows]
        return SkillPage(tuple(items), len(system) + own_total)

    async def update(
        self,
        account_id: str,
        skill_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        engines: Sequence[str] | None = None,
        content: Mapping[str, str] | None = None,
    ) -> KnownSkill:
        """Change what is given. Raises NotFound (SkillNotFound), RequestError also for a skill of the system."""
        _refuse_system(skill_id, "changed")
        if not is_id(skill_id):
            raise _not_found(skill_id)
        async with self._database.begin("changing a skill") as connection:
            mine = and_(_own(account_id), SkillRow.id == skill_id)
            row = (await connection.execute(select(SkillRow.__table__).where(mine).with_for_update())).one_or_none()
            if row is None:
                raise _not_found(skill_id)
            wanted = _checked_engines(row.engines if engines is None else engines)
            changes: dict[str, Any] = {
                "name": row.name if name is None else _checked_name(name),
                "description": row.description if description is None else _checked_description(description),
                "engines": list(wanted),
                "content": _checked_content(row.content if content is None else content, wanted),
                "updated_at": func.now(),
            }
            if changes["name"] != row.name:
                others = select(SkillRow.id).where(_own(account_id), SkillRow.name == changes["name"])
                if (await connection.execute(others)).one_or_none() is not None:
                    raise _taken(changes["name"])
            changed = await connection.execute(
                update(SkillRow).where(mine).values(**changes).returning(SkillRow.__table__)
            )
            return _skill(changed.one())

    async def delete(self, account_id: str, skill_id: str) -> None:
        """Raises NotFound (SkillNotFound), RequestError for a skill of the system."""
        _refuse_system(skill_id, "deleted")
        if is_id(skill_id):
            async with self._database.begin("deleting a skill") as connection:
                gone = await connection.execute(
                    delete(SkillRow).where(_own(account_id), SkillRow.id == skill_id).returning(SkillRow.id)
                )
                if gone.one_or_none() is not None:
                    return
        raise _not_found(skill_id)

    async def list_skills(self, account_id: str) -> tuple[KnownSkill, ...]:
        """Those that a model is told of, without their texts."""
        columns = [column for column in SkillRow.__table__.columns if column.name != "content"]
        async with self._database.begin("listing skills") as connection:
            rows = await connection.execute(
                select(*columns).where(_own(account_id)).order_by(SkillRow.name).limit(MAX_TOLD)
            )
            own = {row.name: _skill(row) for row in rows}
        system = {each.name: each for each in system_skills()}
        merged = {**system, **own}
        return tuple(merged[name] for name in sorted(merged))

    async def find_by_name(self, account_id: str, name: str) -> KnownSkill | None:
        async with self._database.begin("reading a skill") as connection:
            rows = await connection.execute(select(SkillRow.__table__).where(_own(account_id), SkillRow.name == name))
            row = rows.one_or_none()
        return _skill(row) if row is not None else system_skill_named(name)


def _own(account_id: str) -> ColumnElement[bool]:
    return SkillRow.account_id == account_id


def _speaks_of(skill: KnownSkill, query: str | None, language: Language) -> bool:
    if not query:
        return True
    texts = (skill.name, skill.title().render(language), skill.description().render(language))
    return any(query.lower() in text.lower() for text in texts)


def _matches(query: str | None) -> list[ColumnElement[bool]]:
    if not query:
        return []
    return [
        or_(SkillRow.name.icontains(query, autoescape=True), SkillRow.description.icontains(query, autoescape=True))
    ]


def _skill(row: Any) -> KnownSkill:
    return KnownSkill(
        id=row.id,
        name=row.name,
        skill_type="user",
        title=Say.verbatim(row.name),
        description=Say.verbatim(row.description),
        engines=tuple(row.engines),
        content=getattr(row, "content", {}),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _invalid(parameter: str, why: str) -> RequestError:
    return RequestError(f"The provided parameter is invalid. {parameter}: {why}.")


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise _invalid(
            "Name",
            f"{name[:80]!r} is not allowed; it must be up to {MAX_NAME} lower-case letters, digits and hyphens between"
            " them, as in sql-review",
        )
    if system_skill_named(name) is not None:
        raise _taken(name)
    return name


def _checked_description(description: str) -> str:
    if len(description) > MAX_DESCRIPTION:
        raise _invalid("Description", f"it has {len(description)} characters and may have {MAX_DESCRIPTION}")
    return description


def _checked_engines(engines: Sequence[str]) -> tuple[SkillEngine, ...]:
    by_name = {each.lower(): each for each in ENGINES}
    found = dict.fromkeys(by_name.get(each.lower(), each) for each in engines)
    unknown = [each for each in found if each not in ENGINES]
    if unknown or not found:
        what = f"{unknown[0][:60]!r} is no database type" if unknown else "it must name a database type"
        raise _invalid("Dbtypes", f"{what}; there are {', '.join(ENGINES)}")
    return cast(tuple[SkillEngine, ...], tuple(found))


def _checked_content(content: Mapping[str, str], engines: Sequence[SkillEngine]) -> dict[str, str]:
    by_name = {each.lower(): each for each in engines}
    checked: dict[str, str] = {}
    for name, text in content.items():
        engine = by_name.get(name.lower())
        if engine is None or engine in checked:
            what = "is there twice" if engine else f"is none of Dbtypes ({', '.join(engines)})"
            raise _invalid("Content", f"{name[:60]!r} {what}")
        checked[engine] = text
    size = sum(len(text) for text in checked.values())
    if size > MAX_CONTENT:
        raise _invalid("Content", f"it has {size} characters in all and may have {MAX_CONTENT}")
    return checked


def _refuse_system(skill_id: str, what: str) -> None:
    if skill_id.startswith(SYSTEM_PREFIX):
        raise _invalid("SkillId", f"{skill_id[:80]!r} is a skill of the system, which cannot be {what}")


def _taken(name: str) -> RequestError:
    return RequestError(
        f"There is a skill {name[:MAX_NAME]!r} already; choose another name.", code="SkillAlreadyExists", status=409
    )


def _not_found(skill_id: str) -> NotFound:
    return NotFound(f"There is no skill {skill_id[:80]!r}; ListSkill has those that there are.", code="SkillNotFound")
