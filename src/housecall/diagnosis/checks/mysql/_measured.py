"""What the checks on MySQL and MariaDB share: names as a person writes them, and measured values as evidence."""

from housecall.diagnosis.finding import Evidence
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Row
from housecall.engines.mysql.quoting import qualified, quote_identifier
from housecall.engines.mysql.rows.server import StatusCounter, Variable
from housecall.wording import Value


def table_name(schema: str, table: str) -> str:
    return qualified(schema, table)


def index_name(schema: str, table: str, index: str) -> str:
    """`shop.orders.by_customer`: an index has its name only within its table."""
    return f"{qualified(schema, table)}.{quote_identifier(index)}"


def measured(reading: type[Row], **values: tuple[Value, str]) -> tuple[Evidence, ...]:
    return tuple(Evidence(name, value, unit, reading.reading) for name, (value, unit) in values.items())


def counter(now: Snapshot, name: str) -> float | None:
    """A global status counter, or None when this server has none of that name."""
    return next((row.value for row in now.rows(StatusCounter) if row.name.lower() == name.lower()), None)


def variable(now: Snapshot, name: str) -> str | None:
    """A global setting as text, or None when this server has none of that name."""
    return next((row.value for row in now.rows(Variable) if row.name.lower() == name.lower()), None)


def uptime_seconds(now: Snapshot) -> float:
    """Since when the counters count: the server's start, or FLUSH STATUS where it says when that was."""
    return counter(now, "Uptime_since_flush_status") or counter(now, "Uptime") or now.facts.uptime_seconds


def in_window(now: Snapshot, earlier: Snapshot | None, name: str) -> float | None:
    """How much a status counter grew between the two looks; None with one look, or when the server has no such."""
    if earlier is None:
        return None
    before, after = counter(earlier, name), counter(now, name)
    return None if before is None or after is None else max(0.0, after - before)


def number(now: Snapshot, name: str) -> float | None:
    """A global setting that is a number, or None when this server has none of that name."""
    text = variable(now, name)
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def is_on(now: Snapshot, name: str) -> bool:
    """Whether a switch is there and on."""
    return (variable(now, name) or "").upper() in ("ON", "1", "YES")
