"""Settings of the server, of databases and of roles; extensions."""

import re
from dataclasses import dataclass

from housecall.engines.engine import Row

_UNIT_BYTES = {"B": 1, "kB": 1024, "8kB": 8192, "MB": 1024**2, "GB": 1024**3, "16MB": 16 * 1024**2}
_UNIT_SECONDS = {"us": 1e-6, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class ServerSetting(Row, reading="server_settings"):
    """A setting as a new session of the probe's role starts with it, in the server's `unit`."""

    name: str
    value: str | None
    unit: str | None
    default_value: str | None
    context: str
    value_type: str
    source: str
    pending_restart: bool

    @property
    def number(self) -> float:
        """The value as a number in bytes, seconds, or as it stands without a unit. -1 and 0 keep their meaning."""
        number = float(self.value or 0)
        if number <= 0 or self.unit is None:
            return number
        return number * _UNIT_BYTES.get(self.unit, _UNIT_SECONDS.get(self.unit, 1.0))

    @property
    def is_default(self) -> bool:
        return self.value == self.default_value


@dataclass(frozen=True, slots=True)
class RoleSetting(Row, reading="role_settings"):
    """A setting stored for a database, a role, or both. `is_here` says that it can apply to this database,
    `owns_tables` that the role has tables in it: a role that is made to look only has none."""

    database_name: str | None
    role_name: str | None
    name: str
    value: str
    is_here: bool
    owns_tables: bool

    def memory_bytes(self) -> float | None:
        """The value of a setting that counts in kB, as a person wrote it: `64kB`, `1 GB`, `65536`. None: not a size."""
        found = re.fullmatch(r"\s*([0-9.]+)\s*(B|kB|MB|GB|TB|)\s*", self.value)
        if found is None:
            return None
        return float(found[1]) * _UNIT_BYTES.get(found[2] or "kB", 1024**4)


@dataclass(frozen=True, slots=True)
class TablespaceSetting(Row, reading="tablespace_settings"):
    """A cost of the planner that a tablespace sets for what lies in it, over every other place where it is set.
    `is_here` says that something of this database lies there."""

    tablespace_name: str
    name: str
    value: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Extension(Row, reading="extensions"):
    """An extension: installed in this database when `installed_version` is not None."""

    name: str
    installed_version: str | None
    available_version: str | None
    statements_preloaded: bool
