"""What went wrong on a MySQL or MariaDB server, in words that say which instance, which address and what to do next.

The one place where asyncmy's errors become ours. The servers' own messages hold no password, and the target is named
by its
address. Source of the numbers: MySQL and MariaDB manuals, "Server Error Message Reference".
"""

import ssl
from collections.abc import Mapping

from asyncmy.errors import MySQLError

from housecall.engines.engine import Reading, Target, Unavailable, UnavailableKind, not_a_host_name
from housecall.errors import (
    InstanceBusy,
    InstanceError,
    InstanceRefused,
    InstanceTimeout,
    InstanceUnreachable,
    StatementFailed,
)

_BUSY = {1040, 1203, 1226}
_REFUSED: Mapping[int, str] = {
    1044: "the account may not use this database: GRANT a privilege on it",
    1045: "check user, password, and the host that the account may come from",
    1049: "check the name of the database",
    1129: "the server blocks this host after failed logins: FLUSH HOSTS there",
    1130: "no account may log in from this host: CREATE USER for it",
    1251: "the account's login plugin is not one that Housecall speaks",
    1275: "the account's password has an old format: set it anew",
    1524: "the account's login plugin is not loaded on the server",
    1698: "check user, password, and the host that the account may come from",
    1820: "the account must set a new password first",
    1862: "the account's password has expired: set a new one",
    2026: "check ssl-mode and the certificates",
    2059: "use ssl-mode=REQUIRED, or give the account another login plugin",
    3118: "the account is locked",
    3159: "the server wants TLS: set ssl-mode=REQUIRED",
    4151: "the account is locked",
}
_ENDED = {1205, 1317, 1969, 3024, 3572}
_LOST = {0, 1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2055, 3169}
_NOT_ALLOWED = {1044, 1045, 1142, 1143, 1227, 1356, 1370}
_NOT_THERE = {1054, 1109, 1146, 1193, 1235, 1286, 1305}
_SWITCHED_OFF = {1290, 1381}


def error_number(error: MySQLError) -> int:
    """The server's number, or 0 when the driver itself gave up."""
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else 0


def is_ended(error: MySQLError) -> bool:
    """Whether the statement was ended before it was done: by its time limit, a lock wait limit or a KILL."""
    return error_number(error) in _ENDED


def connection_failure(error: Exception, instance_id: str, target: Target) -> InstanceError:
    """The error for a connection that could not be made."""
    if isinstance(error, UnicodeError):
        return not_a_host_name(instance_id, target)
    text, where = _one_line(error), f"Instance '{instance_id}' at {target.address}"
    number = error_number(error) if isinstance(error, MySQLError) else 0
    if number in _BUSY:
        return InstanceBusy(
            f"{where} has no connection left for user '{target.user}': {text}."
            " End idle sessions, or give Housecall an account of its own with a connection of its own"
        )
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return InstanceRefused(f"{where} and Housecall agree on no TLS: {text}; {_REFUSED[2026]}")
    if number in _REFUSED:
        return InstanceRefused(f"{where} refused user '{target.user}': {text}; {_REFUSED[number]}")
    return InstanceUnreachable(f"{where} cannot be reached: {text}; check address, port, firewall and that it runs")


def statement_failure(error: MySQLError, instance_id: str, target: Target) -> InstanceError:
    """The error for a free statement that the server did not carry out."""
    text, number = _one_line(error), error_number(error)
    if is_ended(error):
        return InstanceTimeout(f"Instance '{instance_id}': the statement was ended: {text}")
    if number in _LOST:
        return _lost(text, instance_id, target)
    return StatementFailed(f"Instance '{instance_id}': {text} (error {number})")


def unavailable(reading: Reading, error: MySQLError, instance_id: str, target: Target, account: str) -> Unavailable:
    """Why a reading could not be had. Raises InstanceUnreachable when it was the connection that failed."""
    text, number = _one_line(error), error_number(error)
    if number in _LOST:
        raise _lost(f"{text} (while reading {reading.name})", instance_id, target) from error
    if is_ended(error):
        return Unavailable(reading.name, "timeout", f"{reading.name} took longer than the probe allows", None)
    if number in _NOT_ALLOWED:
        reason = f"account {account} may not read {reading.name}: {text}"
        return Unavailable(reading.name, "privilege", reason, grants(reading, account))
    kind: UnavailableKind = "error"
    if number in _NOT_THERE:
        kind = "extension"
    elif number in _SWITCHED_OFF:
        kind = "setting"
    return Unavailable(reading.name, kind, f"{reading.name}: {text} (error {number})", None)


def grants(reading: Reading, account: str) -> str | None:
    """The exact statements that let this account have the reading, from its header; None when it needs none."""
    if reading.privilege == "none":
        return None
    return " ".join(f"GRANT {each.strip()} TO {account};" for each in reading.privilege.split(";") if each.strip())


def _lost(text: str, instance_id: str, target: Target) -> InstanceUnreachable:
    return InstanceUnreachable(f"Instance '{instance_id}' at {target.address}: connection lost: {text}")


def _one_line(error: Exception) -> str:
    """The message without the number, which asyncmy puts before it."""
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    return " ".join((text or type(error).__name__).split())[:400]
