"""The built-in skills: complete, exact, and naming only what exists."""

import re
from collections.abc import Iterator

import pytest
import sqlglot

from housecall.agent.tools.bounded import RESULT_TOKENS, estimate_tokens
from housecall.agent.tools.registry import all_tools
from housecall.diagnosis.check import all_checks
from housecall.engines.guard import guard
from housecall.errors import NotFound
from housecall.skills.catalog import ENGINES, Skill, builtin_skills, find_skill
from housecall.wording import LANGUAGES

WANTED = {
    "slow-query", "locks", "connections", "cpu", "memory", "disk-growth", "vacuum-and-bloat", "replication-lag",
    "index-tuning", "parameter-tuning", "backup-readiness", "security-review", "sql-review",
}  # fmt: skip
BLOCK = re.compile(r"^```(sql(?: change)?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"`([a-z0-9_]+)`")
SECTIONS = ("Look, in this order", "Never", "Verify")
BEYOND_THE_PARSER = ("PURGE BINARY LOGS ", "START REPLICA ", "STOP REPLICA ")
DIALECTS = {"PostgreSQL": "postgres", "MySQL": "mysql", "MariaDB": "mysql"}

every_skill = pytest.mark.parametrize("skill", builtin_skills(), ids=lambda skill: skill.name)


def texts(skill: Skill) -> Iterator[tuple[str, str, str]]:
    """Every text of a skill with its language and engine."""
    for language in ("en", *skill.translations):
        content = skill.content if language == "en" else skill.translations[language]
        for engine, text in content.items():
            yield language, engine, text


def blocks(skill: Skill, kind: str) -> Iterator[tuple[str, str]]:
    """The SQL of a skill: `sql` is to be run with query_sql, `sql change` is only proposed to a person."""
    for _language, engine, text in texts(skill):
        yield from ((engine, sql) for found, sql in BLOCK.findall(text) if found == kind)


def test_the_playbooks_that_are_wanted_are_there() -> None:
    assert {skill.name for skill in builtin_skills()} >= WANTED


def test_skills_are_sorted_by_name_and_found_by_it() -> None:
    names = [skill.name for skill in builtin_skills()]
    assert names == sorted(names)
    assert find_skill("locks").name == "locks"


def test_an_unknown_skill_is_not_found_and_the_known_ones_are_named() -> None:
    with pytest.raises(NotFound, match=r"'cooking'; there are backup-readiness, ") as caught:
        find_skill("cooking")
    assert caught.value.wire_code == "SkillNotFound"


@every_skill
class TestEverySkill:
    def test_has_a_name_as_the_wire_allows_it(self, skill: Skill) -> None:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", skill.name)

    def test_is_titled_and_described_in_four_languages(self, skill: Skill) -> None:
        for say in (skill.title, skill.description):
            assert len({say.template(language) for language in LANGUAGES}) >= 3
            assert all((say.en, say.zh, say.tc, say.ja))
            assert all(len(say.template(language)) <= 1000 for language in LANGUAGES)

    def test_tells_every_engine_what_to_look_at_never_to_do_and_how_to_verify(self, skill: Skill) -> None:
        assert skill.engines == ENGINES
        for engine in ENGINES:
            headings = re.findall(r"^## (.+)$", skill.content[engine], re.MULTILINE)
            assert all(heading in headings for heading in SECTIONS), (engine, headings)

    def test_names_tools_that_exist(self, skill: Skill) -> None:
        assert set(skill.tools) <= {tool.name for tool in all_tools()}

    def test_names_only_reading_tools(self, skill: Skill) -> None:
        kinds = {tool.name: tool.kind for tool in all_tools()}
        assert {kinds[name] for name in skill.tools} == {"read"}

    def test_names_checks_that_exist(self, skill: Skill) -> None:
        assert set(skill.checks) <= {each.check.id for each in all_checks()}

    def test_declares_the_tools_of_its_texts_and_no_others(self, skill: Skill) -> None:
        known = {tool.name for tool in all_tools()}
        named = {name for _language, _engine, text in texts(skill) for name in NAME.findall(text) if name in known}
        declared = set(skill.tools)
        if any(blocks(skill, "sql")):
            named.add("query_sql")
        assert named == declared

    def test_refers_to_skills_that_exist(self, skill: Skill) -> None:
        known = {each.name for each in builtin_skills()}
        for _language, _engine, text in texts(skill):
            for sentence in re.findall(r"(?:skills?|技能)\s?((?:`[a-z-]+`(?:, |、)?)+)", text):
                assert set(re.findall(r"`([a-z-]+)`", sentence)) <= known

    def test_fits_into_one_tool_result(self, skill: Skill) -> None:
        for language, engine, text in texts(skill):
            assert estimate_tokens(text) <= RESULT_TOKENS, (language, engine)

    def test_reads_postgresql_only_in_ways_that_the_guard_lets_through(self, skill: Skill) -> None:
        for engine, sql in blocks(skill, "sql"):
            if engine == "PostgreSQL":
                verdict = guard(sql, "postgresql")
                assert verdict.allowed, f"{verdict.reason}\n{sql}"

    def test_has_no_reading_statement_that_begins_otherwise(self, skill: Skill) -> None:
        for _engine, sql in blocks(skill, "sql"):
            assert sql.split()[0] in ("SELECT", "SHOW"), sql

    def test_writes_sql_that_can_be_parsed(self, skill: Skill) -> None:
        for engine, sql in [*blocks(skill, "sql"), *blocks(skill, "sql change")]:
            for statement in filter(None, map(str.strip, sql.split(";"))):
                if not statement.startswith(BEYOND_THE_PARSER):
                    parsed = sqlglot.parse(statement, dialect=DIALECTS[engine], error_level=sqlglot.ErrorLevel.RAISE)
                    assert len(parsed) == 1, statement

    def test_has_the_same_statements_and_headings_in_every_language(self, skill: Skill) -> None:
        for content in skill.translations.values():
            for engine, text in content.items():
                english = skill.content[engine]
                assert BLOCK.findall(text) == BLOCK.findall(english)
                assert text.count("\n## ") == english.count("\n## ")
                assert set(NAME.findall(text)) == set(NAME.findall(english))

    def test_shows_another_language_or_the_nearest(self, skill: Skill) -> None:
        for language in LANGUAGES:
            content = skill.content_in(language)
            assert set(content) == set(skill.engines)
            assert all(content.values())


@every_skill
def test_every_playbook_is_written_in_chinese_too(skill: Skill) -> None:
    for engine in skill.engines:
        assert skill.text(engine, "zh-CN") != skill.content[engine]
        assert skill.text(engine, "zh-TW") == skill.text(engine, "zh-CN")
        assert skill.text(engine, "ja") == skill.content[engine]
