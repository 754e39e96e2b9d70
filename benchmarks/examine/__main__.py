"""Examine servers of growing size: wall time, time on the server, statements, and how much text comes back.

`make bench-examine`, or `make bench-examine ARGS="--tables 10,1500"`. A PostgreSQL 15 is used when it is installed,
since its pg_stat_statements measures the time on the server; on the embedded 18 that column stays empty.
"""

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

import bpe_openai
import psycopg

from benchmarks.report import publish
from housecall.agent.tools.examination import summarised
from housecall.diagnosis.check import checks_of
from housecall.diagnosis.examine import Diagnosis, examine
from housecall.engines.engine import ProbeLimits
from housecall.engines.postgresql import ENGINE
from housecall.testing import POSTGRESQL, POSTGRESQL_18, PrivateDatabase, server_farm

ROUNDS = 5
TABLES_PER_TRANSACTION = 250
MAKE_TABLES = """
DO $$
BEGIN
    FOR n IN {first}..{last} LOOP
        EXECUTE format('CREATE TABLE t_%s (id bigint PRIMARY KEY, owner_id bigint, created timestamptz, note text)', n);
        EXECUTE format('CREATE INDEX t_%s_owner ON t_%s (owner_id)', n, n);
        EXECUTE format('CREATE INDEX t_%s_created ON t_%s (created)', n, n);
        EXECUTE format('INSERT INTO t_%s SELECT i, i %% 7, now(), ''note'' FROM generate_series(1, 20) AS i', n);
    END LOOP;
END $$
"""


def build(database: PrivateDatabase, tables: int) -> None:
    with database.connect() as connection:
        for first in range(1, tables + 1, TABLES_PER_TRANSACTION):
            last = min(tables, first + TABLES_PER_TRANSACTION - 1)
            connection.execute(MAKE_TABLES.format(first=first, last=last).encode())
        connection.execute("ANALYZE")


def server_milliseconds(database: PrivateDatabase, role: str) -> float | None:
    """What pg_stat_statements counted for this role since its reset, or None without the extension."""
    try:
        found = database.value(
            "SELECT sum(total_exec_time + total_plan_time) FROM pg_stat_statements AS s"
            " JOIN pg_roles AS r ON r.oid = s.userid WHERE r.rolname = %s",
            (role,),
        )
    except psycopg.errors.UndefinedTable:
        return None
    return float(found or 0.0)


async def measure(database: PrivateDatabase, tables: int, role: str) -> dict[str, Any]:
    walls: list[float] = []
    verdict: Diagnosis | None = None
    for number in range(ROUNDS + 1):
        if number == 1 and server_milliseconds(database, role) is not None:
            database.execute("SELECT pg_stat_statements_reset()")
        started = time.perf_counter()
        async with ENGINE.open_probe(database.target(role=role), ProbeLimits(), instance_id="bench") as probe:
            verdict = await examine(probe, "bench", ENGINE)
        if number:  # the first round warms the server's catalogue caches
            walls.append(time.perf_counter() - started)
    assert verdict is not None
    whole = json.dumps(verdict.to_json())
    summary = summarised(verdict.to_json(), "en", len(checks_of("postgresql")), None)
    tool_result = summary.model_dump_json(exclude_none=True)
    on_server = server_milliseconds(database, role)
    return {
        "tables": tables,
        "indexes": tables * 3,
        "wall_seconds": statistics.median(walls),
        "worst_seconds": max(walls),
        "server_seconds": on_server / 1000 / ROUNDS if on_server is not None else "not measured",
        "statements": verdict.statements,
        "whole_characters": len(whole),
        "tool_characters": len(tool_result),
        "tool_tokens": len(bpe_openai.get_encoding("o200k_base").encode(tool_result)),
        "not_evaluated": len(verdict.not_evaluated),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", default="10,1500,10000", help="comma-separated sizes")
    sizes = [int(size) for size in parser.parse_args().tables.split(",")]
    kind = POSTGRESQL if POSTGRESQL.is_complete() else POSTGRESQL_18
    rows = []
    for tables in sizes:
        with server_farm(kind) as farm, farm.server({"max_locks_per_transaction": "2048"}) as server:
            database = server.create_database()
            role = database.create_reader()
            print(f"{kind.name}: making {tables} tables with 3 indexes each ...", flush=True)
            build(database, tables)
            rows.append(asyncio.run(measure(database, tables, role)))
    notes = [
        f"Server: {kind.name}, role with pg_monitor only, {ROUNDS} rounds after one to warm up, connecting included.",
        "Measured elsewhere: postgres-mcp 0.3.0's health check at 1,500 tables took 0.6 s and gave 290,880 characters.",
    ]
    publish("examine", "Examine an instance", rows, notes)


if __name__ == "__main__":
    main()
