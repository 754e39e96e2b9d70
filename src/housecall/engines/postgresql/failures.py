"""What went wrong on a PostgreSQL server, in words that say which instance, which address and what to do next.

The one place where psycopg's errors become ours. No message holds a password: libpq's own texts never do, and the
target is named by its address.
"""

import re

import psycopg
from psycopg import errors

from housecall.engines.engine import Reading, ServerFacts, Target, Unavailable, not_a_host_name
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.errors import (
    InstanceBusy,
    InstanceError,
    InstanceRefused,
    InstanceTimeout,
    InstanceUnreachable,
    StatementFailed,
)

_BUSY = ("too many clients", "remaining connection slots", "too many connections")
_REFUSED = (
    ("password authentication failed", "check user and password"),
    ("no password supplied", "the server wants a password: put one into the DSN"),
    ("no pg_hba.conf entry", "let this address in with a line in pg_hba.conf, or use TLS (sslmode=require)"),
    ("does not exist", "check the names of database and role"),
    ("not permitted to log in", "the role needs LOGIN"),
    ("permission denied for database", "the role needs CONNECT on the database"),
    ("certificate", "check sslmode and the certificates"),
    ("ssl", "check sslmode: the server may not offer TLS, or may demand it"),
    ("starting up", "the server is starting: try again shortly"),
    ("shutting down", "the server is shutting down"),
)


def connection_failure(error: psycopg.Error | UnicodeError, instance_id: str, target: Target) -> InstanceError:
    """The error for a connection that could not be made."""
    if isinstance(error, UnicodeError):
        return not_a_host_name(instance_id, target)
    text = _one_line(error)
    where = f"Instance '{instance_id}' at {target.address}"
    lowered = text.lower()
    of_whom = re.search(r'too many connections for (database|role) "(.+?)"', text)
    if of_whom:
        return InstanceBusy(
            f"{where} has no connection left for role '{target.user}': {text}. That limit is the {of_whom[1]}'s own:"
            f" end idle sessions, raise it (ALTER {of_whom[1].upper()} {quote_identifier(of_whom[2])} CONNECTION LIMIT"
            " ...), or connect as a superuser, whom it does not concern"
        )
    if any(sign in lowered for sign in _BUSY):
        return InstanceBusy(
            f"{where} has no connection left for role '{target.user}': {text}."
            " End idle sessions, or connect as a role with reserved connections"
        )
    if "timeout expired" in lowered:
        return InstanceTimeout(f"{where} did not accept a connection in time; check address and firewall")
    for sign, advice in _REFUSED:
        if sign in lowered:
            return InstanceRefused(f"{where} refused role '{target.user}': {text}; {advice}")
    return InstanceUnreachable(f"{where} cannot be reached: {text}; check address, port, firewall and that it runs")


def statement_failure(error: psycopg.Error, instance_id: str, target: Target) -> InstanceError:
    """The error for a free statement that the server did not carry out."""
    text = _one_line(error)
    if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable):
        return InstanceTimeout(f"Instance '{instance_id}': the statement was ended: {text}")
    if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
        return InstanceUnreachable(f"Instance '{instance_id}' at {target.address}: connection lost: {text}")
    return StatementFailed(f"Instance '{instance_id}': {text} (SQLSTATE {error.sqlstate})")


def unavailable(
    reading: Reading, error: psycopg.Error, instance_id: str, target: Target, facts: ServerFacts
) -> Unavailable:
    """Why a reading could not be had. Raises InstanceUnreachable when it was the connection that failed."""
    text = _one_line(error)
    if isinstance(error, errors.InsufficientPrivilege):
        return Unavailable(
            reading.name,
            "privilege",
            f"role '{facts.user}' may not read {reading.name}: {text}",
            f"{reading.privilege}; for most readings: GRANT pg_monitor TO {facts.user};",
        )
    if isinstance(error, errors.UndefinedTable | errors.UndefinedFunction | errors.UndefinedColumn):
        return Unavailable(reading.name, "extension", f"{reading.name}: {text}", reading.privilege)
    if isinstance(error, errors.ObjectNotInPrerequisiteState | errors.FeatureNotSupported):
        return Unavailable(reading.name, "setting", f"{reading.name}: {text}", reading.privilege)
    if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable):
        return Unavailable(reading.name, "timeout", f"{reading.name} took longer than the probe allows", None)
    if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
        raise InstanceUnreachable(
            f"Instance '{instance_id}' at {target.address}: connection lost while reading {reading.name}: {text}"
        ) from error
    return Unavailable(reading.name, "error", f"{reading.name}: {text} (SQLSTATE {error.sqlstate})", None)


def _one_line(error: psycopg.Error) -> str:
    primary = error.diag.message_primary
    return " ".join((primary or str(error) or type(error).__name__).split())[:400]
