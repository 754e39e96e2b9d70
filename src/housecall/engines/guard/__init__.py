"""The guard: decides from the text alone whether SQL that a person or a model wrote may go to a monitored instance.

It lets through one statement that only reads and answers everything else with a reason. It is an allowlist at every
step: kinds of statement, built-in functions, types, operators. Pure: no connection, no catalogue, never an exception.

What text cannot show stays with the server, behind the guard: what a view, a row-security policy or an operator of the
user's own runs; a user's function that overloads a built-in for its own type (`known_volatile` closes that for the
names which the caller read from the catalogue); and how much a statement over real tables costs. There the probe's
read-only transaction, time and row limits and the grants of the role hold.
"""

from housecall.engines.engine import EngineName
from housecall.engines.guard.mysql import examine_mysql
from housecall.engines.guard.postgresql import examine_postgresql
from housecall.engines.guard.verdict import GuardVerdict, Refusal, RuleCode

__all__ = ["MAX_STATEMENT_CHARACTERS", "GuardVerdict", "RuleCode", "guard"]

MAX_STATEMENT_CHARACTERS = 100_000


def guard(sql: str, engine: EngineName, *, known_volatile: frozenset[str] = frozenset()) -> GuardVerdict:
    """The verdict for one text.

    `known_volatile` are bare names of volatile functions that exist on the server outside of pg_catalog; a call of one
    is refused even when a built-in has the same name, and so is `value.name`, which PostgreSQL runs as `name(value)`.
    Without them an attribute that names a user's function cannot be told from a column. For MySQL and MariaDB they are
    the names of stored and loaded functions.
    """
    try:
        if len(sql) > MAX_STATEMENT_CHARACTERS:
            raise Refusal(
                "too_long",
                f"The statement has {len(sql):,} characters; Housecall reads at most {MAX_STATEMENT_CHARACTERS:,}. "
                "Replace long lists by a join or a subquery.",
            )
        if engine == "postgresql":
            return examine_postgresql(sql, known_volatile)
        return examine_mysql(sql, known_volatile)
    except Refusal as refusal:
        return GuardVerdict(False, refusal.code, refusal.reason, refusal.statement)
