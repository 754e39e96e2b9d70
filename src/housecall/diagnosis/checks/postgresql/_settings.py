"""Looking up settings in a snapshot."""

from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting

_STORED_SOURCES = ("database", "user", "database user")
"""As pg_settings names a value that a session has from ALTER DATABASE or ALTER ROLE."""


def setting(now: Snapshot, name: str) -> ServerSetting | None:
    """A setting of the server, or None when it does not exist there or may not be seen."""
    rows = now.get(ServerSetting)
    if isinstance(rows, Unavailable):
        return None
    return next((row for row in rows if row.name == name), None)


def setting_number(now: Snapshot, name: str) -> float | None:
    """The value of a setting in bytes, seconds or as it stands; None when there is none."""
    found = setting(now, name)
    return None if found is None else found.number


def stored_for_roles(now: Snapshot) -> tuple[RoleSetting, ...]:
    """Settings that databases or roles override and that can apply to this database."""
    rows = now.get(RoleSetting)
    return () if isinstance(rows, Unavailable) else tuple(row for row in rows if row.is_here)


def less_memory(name: str, now: Snapshot, than: float) -> list[RoleSetting]:
    """Where databases or roles have less of a memory setting than this many bytes. Who has more lacks nothing.

    Where the probe's own session has its value from such a place, the server's own is not seen, and as much is less.
    """
    stored = [each for each in stored_for_roles(now) if each.name == name]
    own = setting(now, name)
    most = than if own is not None and own.source in _STORED_SOURCES else than - 1
    return [each for each in stored if (each.memory_bytes() or than + 1) <= most]


def is_off(value: str | None) -> bool:
    """Whether a stored value of a boolean setting means off."""
    return (value or "").lower() in ("off", "false", "no", "0", "f", "n", "of", "fal", "fals", "fa")
