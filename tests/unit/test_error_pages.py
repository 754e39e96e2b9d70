"""Every code that is raised anywhere stands in the table, every code of the table can occur, and people can read it."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

import housecall
from housecall.api.error_codes import ERROR_CODES, find_error_code
from housecall.cli.main import app
from housecall.cli.pages import errors_page

SOURCE = Path(housecall.__file__).parent
NOT_ON_THE_WIRE = frozenset({"NotFound"})
"""Codes that only commands meet, and the class that is always raised with a code of its own."""


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """Every module of the source."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")}


@pytest.fixture(scope="module")
def raising(trees: dict[Path, ast.Module]) -> list[ast.AST]:
    """The parts of every module but the table's."""
    return [node for path, tree in trees.items() if path.name != "error_codes.py" for node in ast.walk(tree)]


@pytest.fixture(scope="module")
def codes_given(trees: dict[Path, ast.Module], raising: list[ast.AST]) -> list[ast.expr]:
    """What stands after `code=` in a call that makes an error, and after `code =` in a class of errors."""
    return list(find_codes(raising, error_classes(trees.values())))


@pytest.fixture(scope="module")
def patterns(codes_given: list[ast.expr]) -> list[re.Pattern[str]]:
    return [pattern_of(value) for value in codes_given if isinstance(value, ast.JoinedStr)]


def find_codes(nodes: Iterable[ast.AST], classes: set[str]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, ast.Call):
            made = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if made and made[0].isupper() and made in classes:
                yield from (each.value for each in node.keywords if each.arg == "code")
        if isinstance(node, ast.ClassDef) and node.name in classes:
            for each in node.body:
                if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
                    target = each.targets[0] if isinstance(each, ast.Assign) else each.target
                    if getattr(target, "id", "") == "code":
                        yield each.value


def error_classes(trees: Iterable[ast.Module]) -> set[str]:
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known, before = {"HousecallError"}, 0
    while len(known) != before:
        before = len(known)
        known |= {node.name for node in classes if any(getattr(base, "id", "") in known for base in node.bases)}
    return known


def pattern_of(value: ast.JoinedStr) -> re.Pattern[str]:
    parts = [re.escape(part.value) if isinstance(part, ast.Constant) else "[A-Za-z.]+" for part in value.values]
    return re.compile("".join(parts))


def texts_of(nodes: Sequence[ast.AST]) -> set[str]:
    """Every text constant outside of what operations merely list."""
    listed = {
        id(inner)
        for node in nodes
        if isinstance(node, ast.keyword) and node.arg == "errors"
        for inner in ast.walk(node.value)
    }
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in listed
    }


def test_every_code_that_is_raised_stands_in_the_table(codes_given: list[ast.expr]) -> None:
    raised = {each.value for each in codes_given if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    assert len(raised) > 50
    assert [each for each in sorted(raised - NOT_ON_THE_WIRE) if not find_error_code(each)] == []


def test_every_family_of_codes_has_members_in_the_table(patterns: list[re.Pattern[str]]) -> None:
    assert patterns
    assert [each for each in patterns if not any(each.fullmatch(code) for code in ERROR_CODES)] == []


def test_every_code_of_the_table_can_occur(raising: list[ast.AST], patterns: list[re.Pattern[str]]) -> None:
    texts = texts_of(raising)
    never = [code for code in ERROR_CODES if code not in texts and not any(each.fullmatch(code) for each in patterns)]
    assert never == [], "nothing raises these"


@pytest.mark.parametrize("each", ERROR_CODES.values(), ids=lambda each: each.code)
def test_every_entry_says_message_cause_and_cure_in_sentences(each) -> None:
    assert each.message
    assert each.meaning.endswith(".")
    assert each.recommend.endswith(".")
    assert 400 <= each.status < 600


@pytest.mark.parametrize("status", [404, 405, 413, 414, 500, 503])
def test_every_status_of_http_has_a_code(status: int) -> None:
    assert status in {each.status for each in ERROR_CODES.values()}


def test_a_missing_parameter_is_found_by_its_own_name() -> None:
    assert find_error_code("MissingQuery") is ERROR_CODES["MissingParameter"]
    assert find_error_code("Nothing") is None


def test_the_page_has_every_code_with_message_cause_and_cure() -> None:
    page = errors_page()
    assert "| Code | Status | Message | Cause | Cure |" in page
    assert all(f"| `{code}` |" in page for code in ERROR_CODES)


class TestCommand:
    def test_it_lists_every_code(self) -> None:
        result = CliRunner().invoke(app, ["errors"])
        assert result.exit_code == 0
        assert all(code in result.output for code in ERROR_CODES)

    def test_it_shows_one_whatever_its_case(self) -> None:
        result = CliRunner().invoke(app, ["errors", "signaturenonceused"])
        assert "HTTP 400" in result.output
        assert "Cure:" in result.output

    def test_its_json_has_cause_and_cure(self) -> None:
        import json

        told = json.loads(CliRunner().invoke(app, ["errors", "--json"]).output)["errors"]
        assert {each["code"] for each in told} == set(ERROR_CODES)
        assert set(told[0]) == {"code", "status", "message", "cause", "cure"}

    def test_an_unknown_code_is_told(self) -> None:
        result = CliRunner().invoke(app, ["errors", "Nothing"])
        assert "no error code" in str(result.exception)


class TestSampleCommand:
    def test_it_prints_the_example_in_python(self) -> None:
        result = CliRunner().invoke(app, ["sample", "GetMessages"])
        assert "models.GetMessagesRequest(" in result.output

    def test_it_takes_parameters_and_a_language(self) -> None:
        words = ["sample", "ChatMessages", "Query=a=b", 'Inputs={"Language":"en-US"}', "--language", "housecall"]
        assert CliRunner().invoke(app, words).output == "housecall ask --language en-US -- a=b\n"

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["GetMessages", "--language", "cobol"], "cobol"),
            (["GetMessages", "--language", "housecall"], "there are samples in python"),
            (["GetMessages", "Limit"], "Name=Value"),
            (["GetMessages", "Colour=red"], "Colour"),
            (["Nothing"], "Nothing"),
            (["GetMessages", "--endpoint", "a b"], "Endpoint"),
        ],
    )
    def test_a_mistake_is_told(self, words: list[str], told: str) -> None:
        assert told in str(CliRunner().invoke(app, ["sample", *words]).exception)
