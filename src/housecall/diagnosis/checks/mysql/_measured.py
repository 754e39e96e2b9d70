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
