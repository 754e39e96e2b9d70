"""The shape of the project: a part that is unregistered, undocumented or untested fails here.

Parts: operations, readings, checks, causes, tools, settings, errors, engines.
"""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import housecall
from housecall.agent.tools import all_tools
from housecall.api.operation import all_operations
from housecall.diagnosis.cause import all_causes
from housecall.diagnosis.check import all_checks
from housecall.engines.postgresql import ENGINE
from housecall.wording import LANGUAGES, Say

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "housecall"
CAUSE_NAME = re.compile(r"^[a-z][a-z_]+$")


def text_below(folder: Path, pattern: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob(pattern)))


TESTS = text_below(ROOT / "tests", "test_*.py")
LIVE_TESTS = "\n".join(text_below(ROOT / "tests" / folder, "test_*.py") for folder in ("live", "live_mysql"))
REFERENCE = text_below(ROOT / "docs" / "reference", "*.md")


def modules() -> list[str]:
    return [
        found.name for found in pkgutil.walk_packages(housecall.__path__, "housecall.") if "versions" not in found.name
    ]


@pytest.mark.parametrize("name", modules())
def test_every_module_says_what_it_is_for(name: str) -> None:
    if name.endswith("env"):
        pytest.skip("alembic runs this file itself")
    path = SOURCE.parent / Path(*name.split("."))
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), f"{name} has no docstring"


@pytest.mark.parametrize("check", all_checks(), ids=lambda each: each.check.id)
class TestEveryCheck:
    def test_has_a_page_with_why_how_and_source(self, check) -> None:
        for heading in ("Why it matters:", "How to fix:", "Source:"):
            assert heading in check.page, f"{check.module}: the docstring lacks {heading!r}"

    def test_names_the_reason_of_each_threshold(self, check) -> None:
        assert all(len(threshold.why) > 10 for threshold in check.check.thresholds)

    def test_has_its_id_in_the_file_name(self, check) -> None:
        assert check.check.id == f"{check.module.split('.')[-2]}.{check.module.split('.')[-1]}"

    def test_is_tested_by_rows_and_on_real_servers(self, check) -> None:
        name = check.module.rpartition(".")[2]
        assert name in TESTS, f"no test names {name}"
        assert name in LIVE_TESTS, f"no live test names {name}"

    def test_is_documented(self, check) -> None:
        assert check.check.id in REFERENCE

    def test_is_titled_in_both_languages(self, check) -> None:
        assert speaks(check.check.title, "zh-CN")


@pytest.mark.parametrize("cause", all_causes(), ids=lambda each: each.rule.id)
class TestEveryCause:
    def test_builds_on_checks_that_exist(self, cause) -> None:
        known = {each.check.id for each in all_checks()}
        assert cause.rule.checks
        assert set(cause.rule.checks) <= known

    def test_has_a_page_a_good_name_and_both_languages(self, cause) -> None:
        assert len(cause.page) > 40
        assert CAUSE_NAME.match(cause.rule.id)
        assert speaks(cause.rule.title, "zh-CN")

    def test_is_tested_and_documented(self, cause) -> None:
        assert cause.rule.id in TESTS
        assert cause.rule.id in REFERENCE


@pytest.mark.parametrize("reading", ENGINE.readings, ids=lambda each: f"{each.name}-{each.since}")
class TestEveryReading:
    def test_has_columns_that_its_row_type_names(self, reading) -> None:
        assert set(reading.row.__dataclass_fields__)

    def test_is_judged_by_a_check_or_a_tool(self, reading) -> None:
        users = text_below(SOURCE / "diagnosis", "*.py") + text_below(SOURCE / "agent", "*.py")
        assert reading.row.__name__ in users, f"nothing uses {reading.name}"

    def test_is_documented(self, reading) -> None:
        assert reading.name in REFERENCE


@pytest.mark.parametrize("tool", all_tools(), ids=lambda each: each.name)
class TestEveryTool:
    def test_is_described_in_four_languages(self, tool) -> None:
        assert all(speaks(tool.descriptions, language) for language in LANGUAGES)

    def test_is_tested(self, tool) -> None:
        assert tool.name in TESTS


@pytest.mark.parametrize("operation", all_operations(), ids=lambda each: each.name)
def test_every_operation_is_documented_and_tested(operation) -> None:
    assert operation.summary
    assert operation.name in TESTS
    assert operation.name in REFERENCE


def test_every_setting_is_documented() -> None:
    from dataclasses import fields

    from housecall.settings import PREFIX, Settings

    for item in fields(Settings):
        assert item.metadata["help"]
        assert PREFIX + item.name.upper() in REFERENCE


def test_every_error_class_explains_itself() -> None:
    errors = importlib.import_module("housecall.errors")
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(error.__doc__ and error.__name__ in REFERENCE for error in classes)


def test_nothing_carries_an_index_address_or_an_unfinished_mark() -> None:
    forbidden = re.compile("TO" + "DO|FIX" + "ME|XX" + "X|index" + "-url|files.python" + "hosted")
    for path in [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.sql"), *ROOT.glob("*.lock")]:
        found = forbidden.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.relative_to(ROOT)}: {found[0] if found else ''}"


def speaks(say: Say, language: str) -> bool:
    return bool({"en": say.en, "zh-CN": say.zh, "zh-TW": say.tc, "ja": say.ja}[language])
