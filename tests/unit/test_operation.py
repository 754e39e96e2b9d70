"""The registry of operations and the table of error codes that they answer with."""

import pytest

from housecall.api.error_codes import ERROR_CODES, failure_status, find_error_code, recommendation
from housecall.api.operation import all_operations, find_operation
from housecall.errors import HousecallError, NotFound

EVERY = pytest.mark.parametrize("operation", all_operations(), ids=lambda each: each.name)


def test_the_operations_of_chat_are_registered_once_each_and_sorted() -> None:
    names = [operation.name for operation in all_operations()]
    assert names == sorted(set(names))
    assert {"ChatMessages", "ChatMessagesTaskStop", "GetConversations", "GetMessages"} <= set(names)
    assert {"ModifyMessagesFeedbacks", "SubscribeMessage"} <= set(names)


@EVERY
def test_an_operation_says_what_it_does_and_what_may_go_wrong(operation) -> None:
    assert operation.summary.endswith(".")
    assert all(find_error_code(code) for code in operation.errors)


@EVERY
def test_an_operation_has_the_ram_action_of_its_name(operation) -> None:
    assert operation.ram_action in (f"{code}:{operation.name}" for code in ("rdsai", "ram", "sts"))


@EVERY
def test_wire_names_are_pascal_case(operation) -> None:
    names = [field.alias for field in operation.request.model_fields.values()]
    assert all(name[0].isupper() and "_" not in name for name in names)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("", "GetConversations"),
        ("GetConversation", "GetConversations"),
        ("CreateAgents", "CreateAccount"),
        ("x" * 1000, "Chat"),
    ],
)
def test_an_unknown_action_is_not_found_and_those_like_it_are_told(name: str, near: str) -> None:
    with pytest.raises(NotFound, match=near) as caught:
        find_operation(name)
    assert caught.value.wire_code == "InvalidAction.NotFound"
    assert len(caught.value.message) < 400


def subclasses(kind: type[HousecallError]) -> list[type[HousecallError]]:
    return [kind, *(each for direct in kind.__subclasses__() for each in subclasses(direct))]


@pytest.mark.parametrize("kind", subclasses(HousecallError))
def test_every_error_that_can_reach_a_caller_has_a_recommendation(kind: type[HousecallError]) -> None:
    if kind.code == "NotFound":
        pytest.skip("always raised with a code that says what was not found")
    assert kind.code in ERROR_CODES


def test_a_missing_parameter_is_recommended_to_be_sent() -> None:
    assert recommendation("MissingQuery") == ERROR_CODES["MissingParameter"].recommend


def test_a_run_that_failed_is_never_a_success() -> None:
    assert failure_status("ModelError") == 502
    assert failure_status("whatever a model said") == 500


@EVERY
def test_every_parameter_is_described(operation) -> None:
    fields = operation.request.model_fields
    assert [name for name, field in fields.items() if not (field.description or "").endswith(".")] == []
