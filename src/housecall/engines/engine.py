"""The seam between Housecall and the servers it watches: engines, targets, readings, rows and probes.

An engine knows how to reach its servers and what can be asked of them; everything above this package speaks only
the types of this file. To add an engine: a package with a `Probe`, a folder of readings, and an `Engine` value
that `app.py` registers.

What a probe promises, on every engine:
* it can only read: the session is read-only on the server, not by our good will;
* every statement is bounded by a statement time limit, a lock wait limit, and for free SQL a row and a byte limit;
* a reading that fails is an `Unavailable` value, never an exception, unless the connection itself is gone;
* `cancel` ends what is running on the server, not only our waiting for it;
* whoever opens it closes it (`async with`).
"""

import importlib
import importlib.resources
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args

from pydantic import SecretStr, TypeAdapter

from housecall.errors import InstanceTooOld, InstanceUnreachable

EngineName = Literal["postgresql", "mysql"]
Flavour = Literal["postgresql", "mysql", "mariadb"]
UnavailableKind = Literal["privilege", "extension", "version", "setting", "timeout", "not_applicable", "error"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is and who asks. The password never shows in a repr; `address` is safe to print."""

    engine: EngineName
    host: str
    port: int
    user: str
    database: str
    password: SecretStr | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"


def not_a_host_name(instance_id: str, target: Target) -> InstanceUnreachable:
    """The error for a host whose name cannot even be looked up: an empty part, one of more than 63 characters, or a
    character that no name has. Python's resolver raises UnicodeError for them, whatever the driver."""
    return InstanceUnreachable(
        f"Instance '{instance_id}' at {target.address} cannot be reached: that is not the name of a host; check address"
    )


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """Bounds of one probe. Bytes count the text of the values that came back."""

    connect_timeout_seconds: float = 5.0
    statement_timeout_seconds: float = 10.0
    lock_timeout_seconds: float = 0.5
    max_rows: int = 200
    max_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """A server's version. `number` compares within a flavour: 150018 is PostgreSQL 15.18, 101100 MariaDB 10.11.0."""

    flavour: Flavour
    number: int
    text: str

    @property
    def major(self) -> int:
        return self.number // 10000


OLDEST_READ: Mapping[Flavour, tuple[int, str]] = {
    "postgresql": (130_000, "PostgreSQL 13"),
    "mysql": (80_000, "MySQL 8.0"),
    "mariadb": (100_600, "MariaDB 10.6"),
}
"""The oldest versions that there are readings for."""


def demand_readable(version: Version, instance_id: str, target: Target) -> None:
    """An older server would answer next to nothing, which must not look like health. Raises InstanceTooOld."""
    number, name = OLDEST_READ[version.flavour]
    if version.number < number:
        raise InstanceTooOld(
            f"Instance '{instance_id}' at {target.address} runs {version.text}; Housecall examines {name} and newer,"
            " and on an older server nearly every look would fail. Upgrade the server"
        )


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A reading that could not be had, and why. `remedy` is what a person can do about it, or None."""

    reading: str
    kind: UnavailableKind
    reason: str
    remedy: str | None = None


class Row:
    """Base of the typed rows. A subclass is a frozen dataclass that names its reading:

        @dataclass(frozen=True, slots=True)
        class Blocking(Row, reading="blocking"): ...

    Fields are the columns of the `.sql` file, by name: str, int, float, bool, None and lists of those, so that a
    snapshot is JSON without conversions. Moments are seconds (ages, durations), never timestamps.
    """

    reading: ClassVar[str]
    __slots__ = ()

    def __init_subclass__(cls, reading: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if reading is not None:
            cls.reading = reading


RowT = TypeVar("RowT", bound=Row)
Rows = tuple[Row, ...]


_ADAPTERS: dict[type[Row], TypeAdapter[tuple[Any, ...]]] = {}


def rows_from_json(row_type: type[Row], rows: Any) -> Rows:
    """Rows of a bundle, validated. Raises ValueError when they have another shape."""
    if row_type not in _ADAPTERS:
        _ADAPTERS[row_type] = TypeAdapter(tuple[row_type, ...])  # type: ignore[valid-type]
    return _ADAPTERS[row_type].validate_python(tuple(rows))


@dataclass(frozen=True, slots=True)
class FlavourSpan:
    """Versions of one flavour, by `Version.number`: `since` included, `before` not."""

    flavour: Flavour
    since: int
    before: int

    def holds(self, version: Version) -> bool:
        return version.flavour == self.flavour and self.since <= version.number < self.before


@dataclass(frozen=True, slots=True)
class Reading:
    """One named question to a server: the SQL for the versions `since <= major < before` and what its header says.

    `flavours` is for engines with more than one flavour, and then it alone says which servers the SQL is for. `needs`
    names what must be there beyond the version (a member of `ServerFacts.extensions`), or is empty. On MySQL and
    MariaDB `session` is a setting that holds for this reading alone (`profiling = 1`), and `first` a statement to run
    under it before the SQL; both are empty for nearly all.
    """

    name: str
    row: type[Row]
    sql: str
    asks: str
    privilege: str
    cost: str
    since: int
    before: int
    per_sample: bool
    counters: bool
    flavours: tuple[FlavourSpan, ...] = ()
    needs: str = ""
    session: str = ""
    first: str = ""

    def serves(self, version: Version) -> bool:
        if self.flavours:
            return any(span.holds(version) for span in self.flavours)
        return self.since <= version.major < self.before


_HEADER_LINE = re.compile(r"^--\s*(asks|privilege|versions|flavours|cost|kind|needs):\s*(.+)$")
_NO_END = 1_000


def parse_reading(name: str, text: str, row: type[Row]) -> Reading:
    """A reading from its file. The header is comment lines `asks:`, `privilege:`, `versions:` (`13-`, `13-16`),
    `cost:`, and optionally `kind:` (`counters`: read again at the end of a window for rates; `sample`: read often).
    An engine with flavours writes `flavours:` (`mysql 8.0.22-, mariadb 10.6-10.11`) in place of `versions:`, and may
    write `needs:` with what must be there besides.

    Raises ValueError when a header line is missing, since an undocumented reading must not ship.
    """
    header = {match[1]: match[2].strip() for line in text.splitlines() if (match := _HEADER_LINE.match(line))}
    flavours = tuple(_flavour_span(part) for part in header.get("flavours", "").split(",") if part.strip())
    if flavours:
        header.setdefault("versions", f"{min(span.since for span in flavours) // 10_000}-")
    missing = {"asks", "privilege", "versions", "cost"} - header.keys()
    if missing:
        raise ValueError(f"reading {name}: header lacks {', '.join(sorted(missing))}")
    since, _, last = header["versions"].partition("-")
    return Reading(
        name=name,
        row=row,
        sql="\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).strip().rstrip(";"),
        asks=header["asks"],
        privilege=header["privilege"],
        cost=header["cost"],
        since=int(since),
        before=int(last) + 1 if last.strip() else _NO_END,
        per_sample=header.get("kind") == "sample",
        counters=header.get("kind") == "counters",
        flavours=flavours,
        needs=header.get("needs", ""),
    )


def _flavour_span(text: str) -> FlavourSpan:
    """`mariadb 10.6-10.11` holds for every 10.6.x up to the last 10.11.x. Raises ValueError for another form."""
    name, _, versions = text.strip().partition(" ")
    since, _, last = versions.partition("-")
    flavour = next((each for each in get_args(Flavour) if each == name), None)
    if flavour is None:
        raise ValueError(f"a flavour is mysql or mariadb, not {name!r}")
    return FlavourSpan(flavour, version_number(since), _next_number(last) if last.strip() else _NO_END * 10_000)


def version_number(text: str) -> int:
    """A dotted version as `Version.number`: 8.0.22 is 80022, and 10.11 is 101100."""
    major, minor, patch = (*(int(part) for part in text.strip().split(".")), 0, 0)[:3]
    return major * 10_000 + minor * 100 + min(patch, 99)


def _next_number(text: str) -> int:
    parts = text.strip().split(".")
    return version_number(text) + (10_000, 100, 1)[len(parts) - 1]


def row_types_below(path: Iterable[str], package: str) -> tuple[type[Row], ...]:
    """Every row class in the modules of a package, by reading."""
    found: dict[str, type[Row]] = {}
    for module_info in pkgutil.iter_modules(path, package + "."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Row) and value is not Row:
                found[value.reading] = value
    return tuple(found[name] for name in sorted(found))


def load_readings(package: str, row_types: Sequence[type[Row]]) -> tuple[Reading, ...]:
    """All readings of an engine: `readings/<name>.sql`, or `readings/<name>@<variant>.sql` by version or flavour."""
    by_name = {row.reading: row for row in row_types}
    folder = importlib.resources.files(package) / "readings"
    readings = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql").partition("@")[0]
            readings.append(parse_reading(name, file.read_text(encoding="utf-8"), by_name[name]))
    return tuple(readings)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows of free SQL, cut at the probe's limits. `truncated` says that the server had more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    elapsed_seconds: float


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a probe learns when it connects.

    `let_in_unasked`: the server asked neither for a password nor for a certificate or ticket, and did not know the
    caller from the operating system; None when that cannot be told.
    """

    version: Version
    database: str
    user: str
    is_superuser: bool
    has_monitor_role: bool
    in_recovery: bool
    uptime_seconds: float
    extensions: tuple[str, ...]
    let_in_unasked: bool | None = None


class Probe(Protocol):
    """An open read-only connection. Not safe for concurrent use: one statement at a time, except `cancel`."""

    facts: ServerFacts
    statements_run: int

    async def read(self, reading: Reading) -> Rows | Unavailable:
        """The rows of one reading in its own short read-only transaction.

        Raises InstanceUnreachable when the connection is lost, InstanceTimeout when it hangs.
        """

    async def query(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:
        """Free SQL that passed the guard, in a read-only transaction that is always rolled back.

        Raises StatementRefused (guard), StatementFailed (server), InstanceTimeout, InstanceUnreachable.
        """

    async def query_trusted(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:
        """As `query`, for statements of our own that the guard need not judge; just as read-only and bounded."""

    async def explain(self, sql: str) -> Any:
        """The plan of one statement as the engine's JSON, without running it. Parameters may be `$1` or `?`.

        Raises as `query`.
        """

    async def cancel(self) -> None:
        """Ask the server to end the running statement, over a connection of its own. Does nothing when idle."""


class Engine(Protocol):
    """One kind of server."""

    @property
    def name(self) -> EngineName: ...

    @property
    def readings(self) -> tuple[Reading, ...]: ...

    def statements_to_explain(self, readings: Mapping[str, "Rows | Unavailable"]) -> tuple[str, ...]:
        """The few statements whose plans a snapshot should hold, costliest first, chosen from its readings. Pure."""

    def parse_dsn(self, dsn: str) -> Target:
        """Raises RequestError with the part that is wrong; the message never holds the password."""

    def open_probe(
        self, target: Target, limits: ProbeLimits, *, instance_id: str
    ) -> AbstractAsyncContextManager[Probe]:
        """Connect, make the session read-only and bounded, learn the facts.

        Raises InstanceUnreachable, InstanceRefused, InstanceTooOld, InstanceTimeout or InstanceBusy, each naming
        instance and address.
        """
