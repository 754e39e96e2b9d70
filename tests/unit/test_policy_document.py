"""What a policy document may say, and what is told when it says something else."""

import json

import pytest

from housecall.access.policy import dump_policy, parse_policy
from housecall.access.policy_document import MAX_CHARACTERS, MAX_STATEMENTS, MAX_VALUES
from housecall.errors import RequestError

GOOD = {"Effect": "Allow", "Action": "rdsai:*", "Resource": "*"}


def refusal(document: object) -> str:
    with pytest.raises(RequestError) as caught:
        parse_policy(document, "readers")
    assert caught.value.wire_code == "MalformedPolicyDocument"
    assert caught.value.http_status == 400
    return caught.value.message


def with_statement(**changes: object) -> dict:
    statement = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return {"Version": "1", "Statement": [GOOD, statement]}


def test_text_and_object_are_the_same_document() -> None:
    document = with_statement()
    assert parse_policy(json.dumps(document)) == parse_policy(document)


def test_one_text_is_the_same_as_a_list_of_it() -> None:
    single = with_statement(Condition={"StringEquals": {"acs:SourceVpc": "vpc-1"}})
    listed = with_statement(
        Action=["rdsai:*"], Resource=["*"], Condition={"StringEquals": {"acs:SourceVpc": ["vpc-1"]}}
    )
    assert parse_policy(single) == parse_policy(listed)


def test_an_empty_condition_is_none() -> None:
    assert parse_policy(with_statement(Condition={})) == parse_policy(with_statement())


@pytest.mark.parametrize("version", [1, "2", None, "", ["1"]])
def test_the_version_is_the_text_one(version: object) -> None:
    assert 'Version: must be the text "1"' in refusal({"Version": version, "Statement": [GOOD]})


@pytest.mark.parametrize("statements", [None, [], GOOD, "x", [GOOD] * (MAX_STATEMENTS + 1)])
def test_there_is_a_list_of_statements_of_bounded_length(statements: object) -> None:
    assert refusal({"Version": "1", "Statement": statements}).startswith("Policy 'readers', Statement: must be a list")


def test_as_many_statements_as_allowed_are_read() -> None:
    policy = parse_policy({"Version": "1", "Statement": [GOOD] * MAX_STATEMENTS})
    assert len(policy.statements) == MAX_STATEMENTS


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Effect": "allow"}, 'statement 2, Effect: must be "Allow" or "Deny", not "allow"'),
        ({"Effect": None}, "statement 2, Effect: must be"),
        ({"Effect": ["Allow"]}, "statement 2, Effect: must be"),
        ({"action": "x:y"}, '"action": is no element here; allowed are Effect, Action, NotAction'),
        ({"Sid": "1"}, 'statement 2, "Sid": is no element here'),
        ({"Principal": "*"}, "trust policies only"),
        ({"NotAction": "x:y"}, "statement 2: must have either Action or NotAction, and not both"),
        ({"Action": None}, "statement 2: must have either Action or NotAction"),
        ({"Resource": None}, "statement 2: must have either Resource or NotResource"),
        ({"NotResource": "*"}, "statement 2: must have either Resource or NotResource"),
        ({"Action": []}, f"statement 2, Action: must be a text or a list of 1 to {MAX_VALUES} texts"),
        ({"Action": ["x:y"] * (MAX_VALUES + 1)}, "statement 2, Action: must be a text or a list"),
        ({"Action": {}}, "statement 2, Action: must be a text or a list"),
        ({"Action": ["x:y", 7]}, "statement 2, Action: 7 must be a text in quotes"),
        ({"Action": "ChatMessages"}, '"ChatMessages" is not allowed; write "*" or <service>:<action>'),
        ({"Action": "rdsai:"}, "is not allowed"),
        ({"Action": "rdsai:Chat Messages"}, "is not allowed"),
        ({"Action": ""}, "is not allowed"),
        ({"Action": "rdsai:Chat\u0000"}, "control characters"),
        ({"Resource": "rm-1"}, '"rm-1" is not allowed; write "*" or acs:<service>:<region>:<account>:<relative id>'),
        ({"Resource": "arn:rds:*:*:x"}, "is not allowed"),
        ({"Resource": "acs:rds:*:*"}, "is not allowed"),
        ({"Resource": "acs:rds:*:*:"}, "is not allowed"),
        ({"Resource": "acs:rds:*:*:\ud800"}, "surrogate"),
        ({"Condition": []}, "statement 2, Condition: must be an object with"),
        ({"Condition": {"stringEquals": {"acs:A": "b"}}}, 'Condition, "stringEquals": is no element here'),
        ({"Condition": {"Bool": {}}}, "Condition.Bool: must be an object of condition keys"),
        ({"Condition": {"Bool": "true"}}, "Condition.Bool: must be an object of condition keys"),
        ({"Condition": {"Bool": {"acs:MFAPresent": True}}}, 'true must be a text in quotes, as "10" or "true"'),
        ({"Condition": {"Bool": {"acs:MFAPresent": "1"}}}, 'Condition.Bool.acs:MFAPresent: "1" is not true or false'),
        ({"Condition": {"Bool": {"acs:mfapresent": "true"}}}, "is spelt acs:MFAPresent"),
        ({"Condition": {"Bool": {"SecureTransport": "true"}}}, "is no condition key"),
        ({"Condition": {"IpAddress": {"acs:SourceIp": ["::1", "10.0.0.0/99"]}}}, '"10.0.0.0/99" is not an IPv4'),
        ({"Condition": {"DateLessThan": {"acs:CurrentTime": "tomorrow"}}}, "is not a moment such as 2026"),
        ({"Condition": {"StringLike": {"acs:SourceVpc": []}}}, "must be a text or a list"),
    ],
)  # fmt: skip
def test_a_wrong_statement_is_refused_with_its_place_and_what_is_allowed(changes: dict, told: str) -> None:
    message = refusal(with_statement(**changes))
    assert told in message
    assert message.startswith("Policy 'readers', ")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 20_000, '{"Version": NaN}', '{"Version": ' + "9" * 5_000 + "}", '"text"', "null", "[]"],
    ids=["empty", "open", "deep", "nan", "huge number", "text", "null", "list"],
)  # fmt: skip
def test_what_is_no_document_is_refused(text: str) -> None:
    assert refusal(text)


def test_a_syntax_error_is_told_with_its_line() -> None:
    assert "line 2, column 15: is not JSON" in refusal('{"Version": "1",\n "Statement": }')


def test_an_element_that_stands_twice_is_refused() -> None:
    text = '{"Version":"1","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}'
    assert '"Effect" stands twice' in refusal(text)


@pytest.mark.parametrize("value", [{1, 2}, b"x", object()])
def test_an_object_that_is_no_json_is_refused(value: object) -> None:
    assert "cannot be read as JSON" in refusal({"Version": "1", "Statement": value})


def test_an_object_that_holds_itself_is_refused() -> None:
    document: dict = {"Version": "1"}
    document["Statement"] = document
    assert "cannot be read as JSON" in refusal(document)


def test_the_size_is_limited_on_both_sides_of_the_boundary() -> None:
    text = json.dumps(with_statement())
    assert parse_policy(text + " " * (MAX_CHARACTERS - len(text)))
    assert f"{MAX_CHARACTERS} are allowed" in refusal(text + " " * (MAX_CHARACTERS - len(text) + 1))


def test_the_cloud_policy_for_reading_everything_is_understood() -> None:
    actions = ["*:Describe*", "*:List*", "*:Get*", "*:BatchGet*", "*:Query*", "oss:GetObject", "dm:Desc*"]
    policy = parse_policy(with_statement(Action=actions))
    assert dump_policy(policy)["Statement"][1]["Action"] == actions
