"""XA transactions that are prepared, with the name that XA COMMIT takes, and how long they have been open."""

from dataclasses import dataclass
from typing import Any

from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.quoting import quote_literal
from housecall.engines.mysql.rows.sessions import DetachedTransaction, PreparedTransaction


@dataclass(frozen=True, slots=True)
class XaTransaction:
    """One of them. `seconds` is the age of the oldest transaction without a session that could be it, or None: the
    servers do not say which of them has which name."""

    name: str
    xid: str
    """As XA COMMIT and XA ROLLBACK take it."""
    seconds: float | None
    rows_locked: int

    def details(self) -> dict[str, Any]:
        return {"name": self.name, "xid": self.xid, "seconds": self.seconds, "rows_locked": self.rows_locked}


def transactions(now: Snapshot) -> tuple[XaTransaction, ...]:
    """Prepared ones, in the order of XA RECOVER. Raises ReadingUnavailable when the server does not show them."""
    detached = now.get(DetachedTransaction)
    known = () if isinstance(detached, Unavailable) else detached
    oldest = max((row.transaction_seconds for row in known), default=None)
    locked = sum(row.rows_locked for row in known)
    return tuple(
        XaTransaction(_text(row.data[: row.gtrid_length]), xid_of(row), oldest, locked)
        for row in now.rows(PreparedTransaction)
    )


def xid_of(row: PreparedTransaction) -> str:
    gtrid, bqual = row.data[: row.gtrid_length], row.data[row.gtrid_length :]
    parts = [_literal(gtrid)]
    if bqual or row.formatid != 1:
        parts.append(_literal(bqual))
    if row.formatid != 1:
        parts.append(str(row.formatid))
    return ", ".join(parts)


def _text(name: str) -> str:
    return name if name.isprintable() else f"0x{name.encode().hex()}"


def _literal(name: str) -> str:
    return quote_literal(name) if name.isprintable() and "\\" not in name else f"X'{name.encode().hex()}'"
