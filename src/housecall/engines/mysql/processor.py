"""The question that follows from sessions at work: does the server get a processor when it wants one?

Neither server tells through SQL how busy its machine is. What each can tell of a statement is how long it took and how
much processor time was spent meanwhile (SHOW PROFILE): a pure calculation that took much longer waited for a processor.
"""

from collections.abc import Mapping
from dataclasses import replace

from housecall.engines.engine import Reading, Rows, Unavailable
from housecall.engines.mysql.rows.sessions import Session

CALCULATION = "SELECT BENCHMARK(150000, SHA2('housecall', 256))"
"""Some 15 ms on a processor of 2020: several turns of a scheduler that gives each program 3 to 4 ms."""
LEAST_SIGHTINGS = 2
"""Of sessions at work over all looks. When nobody works, nobody suffers from a busy machine."""
_SQL = """SELECT
    COALESCE(SUM(p.DURATION), 0) AS seconds,
    COALESCE(SUM(p.CPU_USER + p.CPU_SYSTEM), 0) AS processor_seconds,
    COALESCE(SUM(p.CONTEXT_INVOLUNTARY), 0) AS preempted
FROM information_schema.PROFILING AS p
WHERE p.QUERY_ID = (SELECT MAX(q.QUERY_ID) FROM information_schema.PROFILING AS q)"""


def processor_reading(asked: Reading, readings: Mapping[str, Rows | Unavailable]) -> Reading | None:
    """The reading `processor_share` with a calculation to measure; None when no session is at work."""
    found = readings.get(Session.reading, ())
    sessions = [] if isinstance(found, Unavailable) else [each for each in found if isinstance(each, Session)]
    if sum(each.is_working for each in sessions) < LEAST_SIGHTINGS:
        return None
    return replace(asked, session="profiling = 1", first=CALCULATION, sql=_SQL)
