"""Policy evaluations a second, with 200 statements as a company writes them."""

import time
from typing import Any

from housecall.access.policy import AccessRequest, Layers, evaluate, instance_resource, parse_policy

STATEMENTS = 200
POLICIES = 4
SECONDS = 1.0


def _statement(number: int, *, conditions: bool) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Deny" if number % 3 == 0 else "Allow",
        "Action": [f"rdsai:Get*Thing{number}", f"rds:Describe{number}*", f"ecs:*{number}"],
        "Resource": [f"acs:rds:*:1:dbinstance/rm-{number}*", "acs:ecs:*:*:x"],
    }
    if conditions:
        statement["Condition"] = {
            "IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "192.168.0.0/16", "2001:db8::/32"]},
            "DateLessThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"},
        }
    return statement


def _applying(number: int) -> dict[str, Any]:
    """A statement whose conditions must be looked at every time, since action and resource fit."""
    denied = {"Effect": "Deny", "Action": "rds:*", "Resource": "acs:rds:*:1:dbinstance/*"}
    return (
        _statement(number, conditions=True)
        | denied
        | {
            "Condition": {
                "IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]},
                "Bool": {"acs:MFAPresent": "true"},
            }
        }
    )


def measure() -> list[dict[str, Any]]:
    """One row a kind of policy."""
    kinds = {
        "actions and resources": [_statement(number, conditions=False) for number in range(STATEMENTS)],
        "with conditions": [_statement(number, conditions=True) for number in range(STATEMENTS)],
        "every condition looked at": [_applying(number) for number in range(STATEMENTS)],
    }
    return [_row(name, statements) for name, statements in kinds.items()]


def _row(name: str, statements: list[dict[str, Any]]) -> dict[str, Any]:
    size = STATEMENTS // POLICIES
    policies = tuple(
        parse_policy({"Version": "1", "Statement": statements[first : first + size]}, f"policy {first}")
        for first in range(0, STATEMENTS, size)
    )
    context = {"acs:SourceIp": "10.1.2.3", "acs:CurrentTime": "2026-11-23T03:08:47Z", "acs:MFAPresent": "false"}
    request = AccessRequest("rds:DescribeDBInstances", instance_resource("local", "1", "rm-x"), context)
    layers, done, started = Layers(policies), 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        evaluate(request, layers)
        done += 1
    seconds = time.perf_counter() - started
    return {
        "policies_of_200_statements": name,
        "evaluations_per_second": round(done / seconds),
        "microseconds_each": seconds / done * 1e6,
    }
