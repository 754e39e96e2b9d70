"""Looking up settings in a snapshot."""

from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting


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
    """Where databases or roles have less of a memory setting than this many bytes. Who has more lacks nothing."""
    stored = [each for each in stored_for_roles(now) if each.name == name]
    return [each for each in stored if (each.memory_bytes() or than) < than]


def is_off(value: str | None) -> bool:
    """Whether a stored value of a boolean setting means off."""
    return (value or "").lower() in ("off", "false", "no", "0", "f", "n", "of", "fal", "fals", "fa")
