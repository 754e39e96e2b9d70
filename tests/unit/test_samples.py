"""Sample code: true to the SDK, parsed by each language's grammar, and harmless whatever the values hold."""

import ast
import inspect
import json
import re
import subprocess
from typing import Any

import pytest
import tree_sitter
import tree_sitter_go
import tree_sitter_java
import tree_sitter_typescript
from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from hypothesis import given
from hypothesis import strategies as st

from housecall.api.operation import all_operations, find_operation
from housecall.api.samples import LANGUAGES, Target, literals, samples, sdk
from housecall.errors import RequestError

EVERY = pytest.mark.parametrize("operation", all_operations(), ids=lambda each: each.name)
HOSTILE = [
    'it\'s "quoted"',
    "two\nlines\r\nand\ttabs",
    "$HOME $(id) `id` ${x} %s %n !! \\",
    "\\u000a\\u0022 \\\\u0041 \\x41",
    "数据库为什么慢？😀",
    "\u2028\u2029\ufeff\x7f\x01\x1b[31m",
    "*/ // # <!-- </script> ''' \"\"\" `",
    "--help",
    "-",
    " ",
    "EOF\n}\n'; rm -rf / #",
]
GRAMMARS = {
    "typescript": tree_sitter_typescript.language_typescript(),
    "java": tree_sitter_java.language(),
    "go": tree_sitter_go.language(),
}


def parse(language: str, text: str) -> tree_sitter.Node:
    parser = tree_sitter.Parser(tree_sitter.Language(GRAMMARS[language]))
    return parser.parse(text.encode()).root_node


def check_syntax(language: str, text: str) -> None:
    """Fails unless the text is the language's."""
    if language == "python":
        ast.parse(text)
    elif language in GRAMMARS:
        root = parse(language, text)
        assert not root.has_error, f"{language} cannot be parsed:\n{text}"
    else:
        subprocess.run(["bash", "-n"], input=text.encode(), check=True)


def strings_in(language: str, text: str) -> list[str]:
    """The source text of every string literal."""
    kinds = {"typescript": "string", "java": "string_literal", "go": "interpreted_string_literal"}
    found, waiting = [], [parse(language, text)]
    while waiting:
        node = waiting.pop()
        if node.type == kinds[language]:
            found.append(node.text.decode())
        waiting += node.children
    return found


def test_the_grammars_would_notice() -> None:
    for language in GRAMMARS:
        with pytest.raises(AssertionError):
            check_syntax(language, 'x = "unfinished')


@EVERY
def test_every_operation_has_samples_that_parse(operation) -> None:
    texts = samples(operation)
    assert set(texts) == {"curl"} if operation.takes_file else set(LANGUAGES) - set(texts) <= {"housecall"}
    for language, text in texts.items():
        check_syntax(language, text)


@EVERY
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_values(operation, value: str) -> None:
    parameters: dict[str, Any] = dict(operation.example or {})
    for name, each in parameters.items():
        if isinstance(each, str):
            parameters[name] = value
        elif isinstance(each, dict):
            parameters[name] = dict.fromkeys(each, value)
    for language, text in samples(operation, parameters).items():
        check_syntax(language, text)


def chat(value: str, language: str) -> str:
    return samples(find_operation("ChatMessages"), {"Query": value})[language]


@pytest.mark.parametrize("value", HOSTILE)
def test_python_means_the_value(value: str) -> None:
    call = next(
        node
        for node in ast.walk(ast.parse(chat(value, "python")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "ChatMessagesRequest"
    )
    assert ast.literal_eval(call.keywords[0].value) == value


@pytest.mark.parametrize("value", HOSTILE)
def test_typescript_means_the_value(value: str) -> None:
    assert value in [json.loads(each) for each in strings_in("typescript", chat(value, "typescript")) if each[0] == '"']


@pytest.mark.parametrize("value", HOSTILE)
def test_bash_means_the_value(value: str) -> None:
    words = chat(value, "housecall").replace("housecall ask -- ", "printf '%s' ", 1)
    assert subprocess.run(["bash", "-c", words], capture_output=True, check=True).stdout.decode() == value


JAVA_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
GO_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)", re.DOTALL)
SHORT = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60))
def test_a_java_literal_reads_back(value: str) -> None:
    source = literals.java_string(value)
    back = JAVA_ESCAPE.sub(lambda m: SHORT.get(m[1]) or chr(int(m[1], 8)), source[1:-1])
    assert back == value
    assert not re.search(r"(?<!\\)(?:\\\\)*\\u", source), "javac would read this before it looks for literals"
    assert "\n" not in source


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60))
def test_a_go_literal_reads_back(value: str) -> None:
    source = literals.go_string(value)
    assert GO_ESCAPE.sub(lambda m: SHORT.get(m[1]) or chr(int(m[1][1:], 16)), source[1:-1]) == value
    assert "\n" not in source


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_comment_is_one_line(value: str) -> None:
    assert len(literals.comment({"a": value}).splitlines()) == 1


def test_a_text_longer_than_a_java_constant_is_joined() -> None:
    source = literals.java_string("数" * 25_000)
    assert source.startswith('String.join("", ')
    assert max(len(each.encode()) for each in source.split('"')) < 65_535


def test_a_text_that_fits_is_one_literal() -> None:
    assert literals.java_string("x" * 10_000).count('"') == 2


@EVERY
def test_no_sample_holds_a_secret(operation) -> None:
    for language, text in samples(operation).items():
        if language != "housecall":
            assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in text


class TestTableOfTheSdk:
    """The table is what the installed SDK says."""

    @pytest.mark.parametrize("name", sorted(sdk.OPERATIONS))
    def test_every_method_is_there(self, name: str) -> None:
        assert hasattr(Client, f"{sdk.snake(name)}_with_options")

    @pytest.mark.parametrize("name", sorted(set(sdk.OPERATIONS) - sdk.WITHOUT_REQUEST))
    def test_every_parameter_is_there_with_its_type(self, name: str) -> None:
        signature = inspect.signature(getattr(models, f"{name}Request").__init__)
        declared = {
            each: _kind(parameter.annotation) for each, parameter in signature.parameters.items() if each != "self"
        }
        assert {sdk.snake(each): kind for each, kind in sdk.OPERATIONS[name].items()} == declared

    @pytest.mark.parametrize("name", sorted(sdk.WITHOUT_REQUEST))
    def test_a_method_without_a_request_takes_none(self, name: str) -> None:
        assert list(inspect.signature(getattr(Client, sdk.snake(name))).parameters) == ["self"]

    @pytest.mark.parametrize(
        ("kind", "model"), [("inputs", "ChatMessagesRequestInputs"), ("files", "ChatMessagesRequestFiles")]
    )
    def test_every_inner_field_is_there(self, kind: str, model: str) -> None:
        declared = set(inspect.signature(getattr(models, model).__init__).parameters) - {"self"}
        assert {sdk.snake(each) for each in sdk.INNER[kind]} == declared

    @EVERY
    def test_every_operation_that_the_sdk_has_is_in_the_table(self, operation) -> None:
        assert hasattr(Client, sdk.snake(operation.name)) == (operation.name in sdk.OPERATIONS)


def _kind(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = str(annotation) if "[" in str(annotation) else text
    if "ChatMessagesRequestInputs" in text:
        return "inputs"
    if "ChatMessagesRequestFiles" in text:
        return "files"
    return "list" if text.startswith(("List", "typing.List")) else "map" if "Dict" in text else text


def test_a_parameter_that_the_sdk_does_not_know_goes_by_its_generic_call() -> None:
    text = samples(find_operation("ChatMessages"), {"Query": "q", "ResponseMode": "blocking"})["python"]
    assert "call_api(" in text
    assert "'ResponseMode': 'blocking'" in text


def test_a_number_that_the_sdk_declares_as_text_is_text() -> None:
    assert "limit='5'" in samples(find_operation("GetConversations"), {"Limit": 5})["python"]
    assert "limit=5," in samples(find_operation("GetMessages"), {"ConversationId": "c", "Limit": 5})["python"]


def test_a_command_is_left_out_where_none_does_the_same() -> None:
    assert "housecall" not in samples(find_operation("GetMessages"))
    assert "housecall" not in samples(find_operation("ChatMessages"), {"Query": "q", "ParentMessageId": "m"})


@pytest.mark.parametrize("text", ["127.0.0.1:7432", "https://a.example.com", "[::1]:80", "http://db_1:65535/"])
def test_an_endpoint_is_a_host_with_or_without_a_scheme(text: str) -> None:
    assert Target.read(text).host in text


@pytest.mark.parametrize(
    "text", ["", "a b", "a/b", "http://", "ftp://a", "a:b", "a'b", "$(id)", "a\nb", "u:p@h", "a:123456"]
)
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="Endpoint"):
        Target.read(text)


@pytest.mark.parametrize(
    "parameters", [{"Query": "\x00"}, {"Query": "\ud800"}, {"Inputs": "{"}, {"Query": ["a"]}, {"query": "lower"}]
)
def test_what_cannot_be_written_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        samples(find_operation("ChatMessages"), parameters)
