"""Names of users, groups, roles and policies, and the resource names that are made of them.

Names stand in resource names and policies, so they hold no colon, slash or wildcard.
"""

import re

from housecall.errors import NotFound, RequestError

_NAMES = {
    "user": re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"),
    "group": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    "role": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    "policy": re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}"),
    "account": re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"),
    "session": re.compile(r"[A-Za-z0-9.@_-]{2,64}"),
}
_ALLOWED = {
    "user": "1 to 64 letters, digits, '.', '_', '@' and '-'",
    "group": "1 to 64 letters, digits, '.', '_' and '-'",
    "role": "1 to 64 letters, digits, '.', '_' and '-'",
    "policy": "1 to 128 letters, digits and '-'",
    "account": "1 to 64 letters, digits, '.', '_', '@' and '-'",
    "session": "2 to 64 letters, digits, '.', '_', '@' and '-'",
}


def check_name(kind: str, name: str) -> str:
    """The name. Raises RequestError saying what is allowed."""
    if not _NAMES[kind].fullmatch(name):
        raise RequestError(f"{name[:80]!r} cannot be the name of a {kind}: use {_ALLOWED[kind]}.")
    return name


def no_such(kind: str, name: str) -> NotFound:
    return NotFound(f"There is no {kind} {name[:80]!r} in this account.", code=f"EntityNotExist.{kind.capitalize()}")


def already_there(kind: str, name: str) -> RequestError:
    return RequestError(
        f"There is a {kind} {name!r} already; choose another name.",
        code=f"EntityAlreadyExists.{kind.capitalize()}",
        status=409,
    )


def root_arn(account_id: str) -> str:
    return f"acs:ram::{account_id}:root"


def user_arn(account_id: str, name: str) -> str:
    return f"acs:ram::{account_id}:user/{name}"


def role_arn(account_id: str, name: str) -> str:
    return f"acs:ram::{account_id}:role/{name}"


def session_arn(account_id: str, role: str, session: str) -> str:
    return f"acs:ram::{account_id}:assumed-role/{role}/{session}"
