"""Trust policies: who may assume a role. A policy document whose statements name Principals instead of resources.

    {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                    "Principal": {"RAM": ["acs:ram::<account>:user/<name>"]}}]}

`acs:ram::<account>:root` stands for every user of that account. Wildcards are not read: a role that everybody may
assume is nearly always a mistake. A Deny counts here as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from housecall.access.conditions import ContextValue
from housecall.access.policy import AccessRequest, Decision, Layers, Policy, evaluate, parse_policy
from housecall.access.policy_document import CODE
from housecall.errors import RequestError

ASSUME_ROLE = "sts:AssumeRole"
MAX_PRINCIPALS = 50
_PRINCIPAL = re.compile(r"acs:ram::[0-9]{1,20}:(root|user/[A-Za-z0-9][A-Za-z0-9._@-]{0,63})")


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Statements with the principals that each is about."""

    statements: tuple[tuple[frozenset[str], Policy], ...]


def parse_trust(document: object, role: str) -> TrustPolicy:
    """Raises RequestError (MalformedPolicyDocument) with the statement and what is allowed there."""
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(statements, list) or not statements:
        _refuse(role, "document", "must be an object with Version and a list Statement")
    read = []
    for number, statement in enumerate(statements, 1):
        if not isinstance(statement, Mapping):
            _refuse(role, f"statement {number}", "must be an object")
        if statement.get("Action") not in (ASSUME_ROLE, [ASSUME_ROLE]):
            _refuse(role, f"statement {number}, Action", f'must be "{ASSUME_ROLE}"')
        if "Resource" in statement or "NotResource" in statement:
            _refuse(role, f"statement {number}", "must have no Resource; it is about this role")
        principals = _principals(role, f"statement {number}, Principal", statement.get("Principal"))
        plain = {key: value for key, value in statement.items() if key != "Principal"} | {"Resource": "*"}
        policy = parse_policy(
            {**document, "Statement": [plain]},
            f"trust policy of {role}",
        )
        read.append((principals, policy))
    return TrustPolicy(tuple(read))


def trusts(trust: TrustPolicy, account_id: str, principal_arn: str, context: Mapping[str, ContextValue]) -> Decision:
    """Whether a principal of an account may assume the role, as far as the role is concerned."""
    names = {principal_arn, f"acs:ram::{account_id}:root"}
    policies = tuple(policy for principals, policy in trust.statements if principals & names)
    return evaluate(AccessRequest(ASSUME_ROLE, "*", context), Layers(identity=policies))


def _principals(role: str, where: str, value: Any) -> frozenset[str]:
    named = value.get("RAM") if isinstance(value, Mapping) and set(value) == {"RAM"} else None
    texts = [named] if isinstance(named, str) else named
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_PRINCIPALS:
        _refuse(role, where, """must be {"RAM": ["acs:ram::<account>:user/<name>", …]}""")
    for text in texts:
        if not isinstance(text, str) or not _PRINCIPAL.fullmatch(text):
            _refuse(
                role, where, f"{str(text)[:80]!r} must be acs:ram::<account>:root or acs:ram::<account>:user/<name>"
            )
    return frozenset(texts)


def _refuse(role: str, where: str, problem: str) -> Never:
    raise RequestError(f"Trust policy of role '{role}', {where}: {problem}.", code=CODE)
