"""The statements of the event log. One statement is one transaction: events, the runs that end with them, and the word
to other processes are stored together or not at all."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from housecall.chat.session import EVENTS
from housecall.events import Event, RunStatus


@dataclass(frozen=True, slots=True)
class ClosedRun:
    """The last state of a run. `transcript` is a storable JSON value, or None."""

    run_id: str
    message_id: str
    conversation_id: str
    status: RunStatus
    answer: str
    transcript: Any
    input_tokens: int = 0
    output_tokens: int = 0


_STORED = """
stored AS (
    INSERT INTO housecall.run_events (run_id, number, name, answer, fields, step, at)
    SELECT run_id, number, name, answer, fields, step, at
    FROM json_to_recordset(%(events)s::json)
        AS row (run_id uuid, number int, name text, answer text, fields jsonb, step int, at timestamptz)
    RETURNING run_id
),
told AS (
    SELECT pg_notify(%(channel)s, %(followed)s)
    WHERE %(followed)s <> '' AND EXISTS (SELECT FROM stored)
)"""

_CLOSED = """
closed AS (
    SELECT *
    FROM json_to_recordset(%(closed)s::json) AS row (
        run_id uuid, message_id uuid, conversation_id uuid, status text, answer text, transcript jsonb,
        input_tokens bigint, output_tokens bigint
    )
),
ended AS (
    UPDATE housecall.runs
    SET status = closed.status,
        finished_at = now(),
        input_tokens = closed.input_tokens,
        output_tokens = closed.output_tokens
    FROM closed
    WHERE runs.id = closed.run_id
),
answered AS (
    UPDATE housecall.messages
    SET status = closed.status,
        answer = closed.answer,
        transcript = closed.transcript,
        finished_at = now()
    FROM closed
    WHERE messages.id = closed.message_id
),
touched AS (
    UPDATE housecall.conversations
    SET updated_at = now()
    WHERE id IN (SELECT conversation_id FROM closed)
)"""

_WRITE = f"WITH {_STORED} SELECT (SELECT count(*) FROM stored), (SELECT count(*) FROM told)"
_WRITE_AND_CLOSE = f"WITH {_STORED}, {_CLOSED} SELECT (SELECT count(*) FROM stored), (SELECT count(*) FROM told)"


async def write_batch(
    connection: psycopg.AsyncConnection,
    events: Sequence[tuple[Event, int | None]],
    closed: Sequence[ClosedRun],
    *,
    followed: Collection[str],
) -> None:
    """Store events with the durable step each came from, close runs, and tell other processes of those they follow.

    Raises psycopg.Error; then nothing is stored.
    """
    parameters: dict[str, Any] = {
        "events": json.dumps([_event_row(event, step) for event, step in events]),
        "channel": EVENTS,
        "followed": ",".join(followed),
    }
    statement = _WRITE
    if closed:
        statement = _WRITE_AND_CLOSE
        parameters["closed"] = json.dumps([_closed_row(run) for run in closed])
    await connection.execute(statement, parameters, prepare=True)


def _event_row(event: Event, step: int | None) -> dict[str, Any]:
    happening = event.happening
    return {
        "run_id": event.run_id,
        "number": event.number,
        "name": happening.name,
        "answer": happening.answer,
        "fields": happening.fields,
        "step": step,
        "at": event.at.isoformat(),
    }


def _closed_row(run: ClosedRun) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "message_id": run.message_id,
        "conversation_id": run.conversation_id,
        "status": run.status,
        "answer": run.answer,
        "transcript": run.transcript,
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
    }


async def written_numbers(connection: psycopg.AsyncConnection, run_ids: Collection[str]) -> dict[str, int]:
    """The number of the last stored event of each run."""
    cursor = await connection.execute(
        "SELECT run_id::text, max(number) FROM housecall.run_events WHERE run_id = ANY(%s::uuid[]) GROUP BY run_id",
        (list(run_ids),),
    )
    return dict(await cursor.fetchall())
