"""Policy documents: the JSON that people write, strictly read, and the same JSON of a policy.

A document that is not exactly right is refused with its place and what is allowed there, because a policy that is
understood differently than it was meant is worse than none. Refused are therefore also unknown elements, doubled
ones (JSON readers keep the last in silence) and the known condition keys in another spelling.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Never

from housecall.access.conditions import COMMON_KEYS, OPERATORS, Condition, unreadable
from housecall.access.statements import ARN_PARTS, ActionPattern, Policy, ResourcePattern, Statement, arn_parts
from housecall.errors import RequestError

CODE = "MalformedPolicyDocument"
VERSION = "1"
MAX_CHARACTERS = 32 * 1024
"""Room for about 200 statements; a request evaluates every policy of its caller, so their size is everybody's time."""
MAX_STATEMENTS = 200
MAX_VALUES = 200

_ELEMENTS = ("Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
_ACTION = re.compile(r"\*+|[A-Za-z0-9*?-]+:[A-Za-z0-9*?_./-]+")
_KEY = re.compile(r"[a-z][a-z0-9-]*:[^\s*?]+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_ACTIONS = '"*" or <service>:<action>, as rdsai:Get*'
_RESOURCES = '"*" or acs:<service>:<region>:<account>:<relative id>'
_SPELLING = {key.lower(): key for key in COMMON_KEYS}


def parse_policy(document: object, name: str = "") -> Policy:
    """The policy of a document: JSON text, or the object it stands for.

    Raises:
        RequestError: code MalformedPolicyDocument, with the statement and element and what is allowed there.
    """
    return _Reader(name).policy(document)


def dump_policy(policy: Policy) -> dict[str, Any]:
    """The document of a policy; parsing it gives the same policy again."""
    return {"Version": VERSION, "Statement": [_dumped(statement) for statement in policy.statements]}


def _dumped(statement: Statement) -> dict[str, Any]:
    document: dict[str, Any] = {
        "Effect": statement.effect,
        "NotAction" if statement.not_actions else "Action": [pattern.text for pattern in statement.actions],
        "NotResource" if statement.not_resources else "Resource": [pattern.text for pattern in statement.resources],
    }
    for condition in statement.conditions:
        by_key = document.setdefault("Condition", {}).setdefault(condition.operator, {})
        by_key[condition.key] = list(condition.values)
    return document


class _Reader:
    """Reads one document. `where` is the place within it, for messages."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self, where: str, problem: str) -> Never:
        policy = f"Policy '{self._name}'" if self._name else "The policy"
        raise RequestError(f"{policy}, {where}: {problem}", code=CODE)

    def policy(self, document: object) -> Policy:
        parsed = self._mapping("document", self._parsed(document), ("Version", "Statement"))
        if parsed.get("Version") != VERSION:
            self._refuse("Version", f'must be the text "{VERSION}", not {_shown(parsed.get("Version"))}')
        statements = parsed.get("Statement")
        if not isinstance(statements, list) or not 1 <= len(statements) <= MAX_STATEMENTS:
            self._refuse("Statement", f"must be a list of 1 to {MAX_STATEMENTS} statements")
        read = (self._statement(f"statement {number}", each) for number, each in enumerate(statements, 1))
        return Policy(self._name, tuple(read))

    def _parsed(self, document: object) -> object:
        try:
            text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
            if len(text) > MAX_CHARACTERS:
                self._refuse("document", f"has {len(text)} characters; {MAX_CHARACTERS} are allowed")
            return json.loads(text, object_pairs_hook=self._once)
        except json.JSONDecodeError as error:
            self._refuse(f"line {error.lineno}, column {error.colno}", f"is not JSON: {error.msg}")
        except (TypeError, ValueError, RecursionError) as error:
            self._refuse("document", f"cannot be read as JSON: {type(error).__name__}")

    def _once(self, pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
        members: dict[str, object] = {}
        for key, value in pairs:
            if key in members:
                self._refuse("document", f"the element {_shown(key)} stands twice in one object")
            members[key] = value
        return members

    def _mapping(self, where: str, value: object, allowed: Iterable[str]) -> Mapping[str, object]:
        if not isinstance(value, dict):
            self._refuse(where, f"must be an object with {', '.join(allowed)}, not {_shown(value)}")
        for key in value:
            if key == "Principal":
                self._refuse(f"{where}, Principal", "belongs in trust policies only; attach the policy instead")
            if key not in allowed:
                self._refuse(f"{where}, {_shown(key)}", f"is no element here; allowed are {', '.join(allowed)}")
        return value

    def _statement(self, where: str, value: object) -> Statement:
        document = self._mapping(where, value, _ELEMENTS)
        effect = document.get("Effect")
        if effect != "Allow" and effect != "Deny":
            self._refuse(f"{where}, Effect", f'must be "Allow" or "Deny", not {_shown(effect)}')
        return Statement(
            effect="Allow" if effect == "Allow" else "Deny",
            actions=tuple(map(ActionPattern, self._patterns(where, document, "Action", _is_action, _ACTIONS))),
            resources=tuple(
                map(ResourcePattern, self._patterns(where, document, "Resource", _is_resource, _RESOURCES))
            ),
            conditions=tuple(self._conditions(f"{where}, Condition", document.get("Condition", {}))),
            not_actions="NotAction" in document,
            not_resources="NotResource" in document,
        )

    def _patterns(
        self, where: str, document: Mapping[str, object], element: str, right: Callable[[str], bool], allowed: str
    ) -> tuple[str, ...]:
        """The values of an element or of its Not form, of which exactly one is there."""
        negative = f"Not{element}"
        if (element in document) == (negative in document):
            self._refuse(where, f"must have either {element} or {negative}, and not both")
        present = negative if negative in document else element
        values = self._texts(f"{where}, {present}", document[present])
        wrong = next((value for value in values if not right(value)), None)
        if wrong is not None:
            self._refuse(f"{where}, {present}", f"{_shown(wrong)} is not allowed; write {allowed}")
        return values

    def _texts(self, where: str, value: object) -> tuple[str, ...]:
        """One text or a list of them; one text is the same as a list of it."""
        if value is None or isinstance(value, bool | int | float):
            self._refuse(where, f'{_shown(value)} must be a text in quotes, as "10" or "true"')
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not 1 <= len(values) <= MAX_VALUES:
            self._refuse(where, f"must be a text or a list of 1 to {MAX_VALUES} texts")
        for each in values:
            if not isinstance(each, str):
                self._refuse(where, f'{_shown(each)} must be a text in quotes, as "10" or "true"')
            if not _is_plain(each):
                self._refuse(where, f"{_shown(each)} has control characters or half of a surrogate pair")
        return tuple(values)

    def _conditions(self, where: str, value: object) -> Iterable[Condition]:
        for operator, keys in self._mapping(where, value, tuple(OPERATORS)).items():
            place = f"{where}.{operator}"
            if not isinstance(keys, dict) or not keys:
                self._refuse(place, "must be an object of condition keys and their values")
            for key, values in keys.items():
                yield self._condition(place, operator, key, values)

    def _condition(self, where: str, operator: str, key: str, value: object) -> Condition:
        known = _SPELLING.get(key.lower(), key)
        if known != key:
            self._refuse(where, f"the key {_shown(key)} is spelt {known}")
        if not _KEY.fullmatch(key) or not _is_plain(key):
            self._refuse(where, f"{_shown(key)} is no condition key; write <service>:<key>, as acs:SourceIp")
        values = self._texts(f"{where}.{key}", value)
        wrong = unreadable(operator, values)
        if wrong is not None:
            self._refuse(f"{where}.{key}", f"{_shown(wrong)} is not {OPERATORS[operator].allowed}")
        return Condition(operator, key, values)


def _is_action(text: str) -> bool:
    return _ACTION.fullmatch(text) is not None


def _is_resource(text: str) -> bool:
    parts = arn_parts(text)
    whole = len(parts) == ARN_PARTS and parts[0] == "acs" and bool(parts[1]) and bool(parts[4])
    return whole or ResourcePattern(text).means_all


def _is_plain(text: str) -> bool:
    """Whether text can be stored and shown: no control characters, no halves of surrogate pairs."""
    return _UNPRINTABLE.search(text) is None


def _shown(value: object) -> str:
    """A value as a message shows it: as JSON, short, and in characters that any terminal and encoding takes."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
