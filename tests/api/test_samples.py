"""The Python and curl samples of every operation, executed against a running server.

Operations that make things are tried before those that use them, and those that take them away come last. A sample has
done its work when the operation itself answered: with success, or with one of its own documented errors (an example
may name something that is not there). Anything that the edge refuses is a fault of the sample.
"""

import contextlib
import io
import json
import os
import subprocess
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from housecall.api.operation import Operation, all_operations
from housecall.api.samples import Target, samples

FIRST = ("Create", "Register", "Add", "Attach")
LAST = ("Remove", "Detach", "Deregister", "Delete")
SECONDS = 120
ASKS_FOR_MORE = {"AssumeRole": "NoPermission", "DecodeDiagnosticMessage": "InvalidParameter"}
"""What root may not do, and what takes a text that only a server can have made."""


def place(operation: Operation) -> tuple[int, str]:
    if operation.name.startswith(FIRST):
        return 0, operation.name
    return (2 if operation.name.startswith(LAST) else 1), operation.name


EVERY = pytest.mark.parametrize("operation", sorted(all_operations(), key=place), ids=lambda each: each.name)


@pytest.fixture(scope="module")
def seen(whole) -> dict[str, str]:
    """Ids of a question that was asked."""
    with whole.stream("ChatMessages", f"/?Query={whole.script('Hello.').replace(' ', '+')}") as frames:
        first, *_ = [frames.next(), *frames.rest()]
    return {name: first[name] for name in ("ConversationId", "MessageId", "TaskId")}


def example_of(operation: Operation, seen: dict[str, str]) -> dict[str, Any]:
    assert operation.example is not None or not any(
        field.is_required() for field in operation.request.model_fields.values()
    ), f"{operation.name} needs parameters and has no example; give its Operation one"
    example = dict(operation.example or {})
    return {name: seen.get(name, value) for name, value in example.items()}


def environment(whole) -> dict[str, str]:
    return os.environ | {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": whole.key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": whole.key.secret.get_secret_value(),
    }


def check_refusal(operation: Operation, code: str, told: str) -> None:
    own = (*operation.errors, ASKS_FOR_MORE.get(operation.name))
    assert code in own, f"{operation.name} answered {code}, which is none of its own errors: {told}"


@EVERY
def test_the_python_sample_reaches_the_operation(whole, seen, monkeypatch, operation) -> None:
    if operation.takes_file:
        pytest.skip("the SDK has no call with a file")
    text = samples(operation, example_of(operation, seen), Target.read(whole.url))["python"]
    for name, value in environment(whole).items():
        monkeypatch.setenv(name, value)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(text, f"{operation.name}.py", "exec"), {"__name__": "__main__"})
    except AlibabaCloudException as error:
        check_refusal(operation, error.code, str(error))
    except Exception as error:
        inner = getattr(error, "inner_exception", None)
        if inner is None:
            raise
        check_refusal(operation, inner.code, str(inner))
    else:
        assert "RequestId" in printed.getvalue()


@EVERY
def test_the_curl_sample_reaches_the_operation(whole, seen, tmp_path, operation) -> None:
    text = samples(operation, example_of(operation, seen), Target.read(whole.url))["curl"]
    sent = tmp_path / "slow.log"
    sent.write_text("duration: 5000.1 ms  statement: SELECT 1\n")
    words = ["bash", "-s", *([str(sent)] if operation.takes_file else [])]
    done = subprocess.run(
        words, input=text.encode(), env=environment(whole), capture_output=True, timeout=SECONDS, check=False
    )
    answer = done.stdout.decode()
    if done.returncode == 0:
        assert "RequestId" in answer, done.stderr
    else:
        body = json.loads(answer)
        check_refusal(operation, body["Code"], body["Message"])


@pytest.mark.parametrize("value", ['it\'s $HOME `id` "x" \\n', "两行\n换行 & % + = #", "数" * 20_000])
def test_a_hostile_question_arrives_as_it_is(whole, value: str) -> None:
    chat = next(each for each in all_operations() if each.name == "ChatMessages")
    texts = samples(chat, {"Query": value, "ResponseMode": "blocking"}, Target.read(whole.url))
    done = subprocess.run(
        ["bash", "-s"], input=texts["curl"].encode(), env=environment(whole), capture_output=True, check=True
    )
    assert json.loads(done.stdout)["Answer"] == value
