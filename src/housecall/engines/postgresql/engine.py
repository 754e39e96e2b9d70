"""The PostgreSQL engine: DSNs, readings and probes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import Any, ClassVar

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from housecall.engines.engine import EngineName, Probe, ProbeLimits, Reading, Rows, Target, Unavailable, load_readings
from housecall.engines.postgresql.dependence import dependence_reading
from housecall.engines.postgresql.explainable import statements_to_explain
from housecall.engines.postgresql.probe import open_probe
from housecall.engines.postgresql.rows import row_types
from housecall.engines.postgresql.rows.statistics import ColumnDependence
from housecall.errors import RequestError

_OWN_PARTS = {"host", "port", "user", "password", "dbname"}
_ALLOWED_OPTIONS = {
    "sslmode", "sslrootcert", "sslcert", "sslkey", "hostaddr", "channel_binding", "target_session_attrs",
}  # fmt: skip


class PostgreSQL:
    """Implements the seam `Engine`."""

    name: ClassVar[EngineName] = "postgresql"

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        return load_readings(__package__, row_types())

    def statements_to_explain(self, readings: Mapping[str, Rows | Unavailable]) -> tuple[str, ...]:
        return statements_to_explain(readings)

    def readings_after(self, readings: Mapping[str, Rows | Unavailable], plans: Sequence[Any]) -> tuple[Reading, ...]:
        """Readings whose SQL follows from what was read and from the plans (those that could be had). Pure."""
        asked = next(each for each in self.readings if each.name == ColumnDependence.reading)
        found = dependence_reading(asked, readings, plans)
        return (found,) if found else ()

    def parse_dsn(self, dsn: str) -> Target:
        try:
            parts = conninfo_to_dict(dsn)
        except ProgrammingError as error:
            # libpq repeats the DSN, and so the password, in some of its messages: only their first words are safe.
            raise RequestError(f"The DSN cannot be read: {str(error).partition(':')[0]}") from None
        unknown = parts.keys() - _OWN_PARTS - _ALLOWED_OPTIONS - {"application_name", "connect_timeout"}
        if unknown:
            raise RequestError(f"The DSN has options that Housecall does not pass on: {', '.join(sorted(unknown))}")
        password = parts.get("password")
        user = str(parts.get("user") or "postgres")
        return Target(
            engine="postgresql",
            host=str(parts.get("host") or parts.get("hostaddr") or "localhost"),
            port=_port(parts.get("port")),
            user=user,
            database=str(parts.get("dbname") or user),
            password=SecretStr(str(password)) if password else None,
            options={name: str(parts[name]) for name in sorted(_ALLOWED_OPTIONS & parts.keys())},
        )

    def open_probe(
        self, target: Target, limits: ProbeLimits, *, instance_id: str
    ) -> AbstractAsyncContextManager[Probe]:
        return open_probe(target, limits, instance_id)


def _port(text: object) -> int:
    if text is None or text == "":
        return 5432
    if str(text).isdigit() and 0 < int(str(text)) < 65536:
        return int(str(text))
    raise RequestError(f"The DSN's port {str(text)[:20]!r} is not a number from 1 to 65535")


ENGINE = PostgreSQL()
