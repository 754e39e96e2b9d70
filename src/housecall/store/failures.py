"""What a failure of the state database means, in one place: driver errors become StoreError with what to do next.

No message holds values of rows or a connection string.
"""

import psycopg
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from housecall.errors import StoreError

KEPT = "What was accepted before is kept"
_MEANINGS: tuple[tuple[type[psycopg.Error], str], ...] = (
    (pg.DiskFull, "its disk is full; free some space on it and repeat the request"),
    (pg.OutOfMemory, "it is out of memory; give it more, or lower what else runs there, and repeat the request"),
    (pg.TooManyConnections, "it has no connection left; raise its max_connections or run fewer processes"),
    (pg.ReadOnlySqlTransaction, "it is read-only (a replica?); point HOUSECALL_DATABASE_URL at the primary"),
    (pg.InsufficientPrivilege, "its user may not do this; grant it the rights on the schemas housecall and dbos"),
    (pg.InvalidPassword, "it refuses the password of HOUSECALL_DATABASE_URL"),
    (pg.InvalidAuthorizationSpecification, "it refuses the user of HOUSECALL_DATABASE_URL"),
    (pg.InvalidCatalogName, "the database that HOUSECALL_DATABASE_URL names does not exist; create it"),
    (pg.QueryCanceled, "it took too long; see what it is busy with and repeat the request"),
    (pg.LockNotAvailable, "it waited too long for a lock; see who holds it and repeat the request"),
    (pg.IoError, "it cannot read or write its disk; look at its log"),
)
_LOST = "the connection is lost; see that PostgreSQL runs, then repeat the request"


def driver_error(error: BaseException) -> psycopg.Error | None:
    """The driver's own error inside SQLAlchemy's."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.Error):
        return error.orig
    return error if isinstance(error, psycopg.Error) else None


def is_connection_lost(error: BaseException) -> bool:
    """Whether the session is gone, so that another try on a new one makes sense."""
    cause = driver_error(error)
    if isinstance(cause, (pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.IdleSessionTimeout)):
        return True
    return isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError)) and cause.sqlstate is None


def store_error(error: BaseException, attempted: str) -> StoreError:
    """The error for a caller. `attempted` says what we were doing, such as "storing the question"."""
    return StoreError(f"Housecall's database failed while {attempted}: {_meaning(error)}. {KEPT}.")


def _meaning(error: BaseException) -> str:
    cause = driver_error(error)
    for kind, meaning in _MEANINGS:
        if isinstance(cause, kind):
            return meaning
    if is_connection_lost(error):
        return _LOST
    if isinstance(error, PoolTimeout):
        return "every connection to it is busy; repeat the request in a moment"
    if cause is not None:
        return f"it answered {cause.diag.message_primary or type(cause).__name__!r} (SQLSTATE {cause.sqlstate or '?'})"
    return f"{type(error).__name__}"


FAILURES = (SQLAlchemyError, psycopg.Error)
