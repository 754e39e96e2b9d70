"""Stored conversations by the million, made inside the database: what a company has after a year.

Each account has one user with 1,000 messages in 50 conversations of 20; each message has one run of four events. So a
page holds the same whatever the number of accounts, and only the size of the tables grows.
"""

import time

import psycopg

MESSAGES_PER_ACCOUNT = 1_000
MESSAGES_PER_CONVERSATION = 20
ANSWER_REPEATS = 12
"""Times a sentence of 50 characters stands in an answer."""

_ACCOUNTS = """
INSERT INTO housecall.accounts (id, name)
SELECT 'bench-' || a, 'bench ' || a FROM generate_series(%(first)s::int, %(last)s::int) AS a
"""
_USERS = """
INSERT INTO housecall.users (id, account_id, name, is_root)
SELECT 'bench-user-' || a, 'bench-' || a, 'somebody', true FROM generate_series(%(first)s::int, %(last)s::int) AS a
"""
_CONVERSATIONS = """
INSERT INTO housecall.conversations (id, account_id, user_id, name, introduction, approval_mode, created_at, updated_at)
SELECT md5('conversation ' || a || ' ' || c)::uuid, 'bench-' || a, 'bench-user-' || a, 'Why is the shop slow? ' || c,
       'What was asked first, as it is shown in a list', 'manual', at, at
FROM generate_series(1, %(conversations)s::int) AS c,
     generate_series(%(first)s::int, %(last)s::int) AS a,
     LATERAL (SELECT now() - make_interval(mins => c * 7 + a) AS at) AS moment
"""
_MESSAGES = """
INSERT INTO housecall.messages
    (id, conversation_id, account_id, user_id, query, answer, status, created_at, started_at, finished_at)
SELECT md5('message ' || a || ' ' || c || ' ' || m)::uuid, md5('conversation ' || a || ' ' || c)::uuid,
       'bench-' || a, 'bench-user-' || a, 'Question ' || m || ' about the orders of today',
       repeat('The statement reads every row of a large table.   ', %(repeats)s::int), 'succeeded', at, at, at
FROM generate_series(1, %(messages)s::int) AS m,
     generate_series(1, %(conversations)s::int) AS c,
     generate_series(%(first)s::int, %(last)s::int) AS a,
     LATERAL (SELECT now() - make_interval(mins => c * 7 + a) AS at) AS moment
"""
_RUNS = """
INSERT INTO housecall.runs
    (id, message_id, conversation_id, account_id, user_id, status, turn, created_at, started_at, finished_at)
SELECT md5('run ' || id)::uuid, id, conversation_id, account_id, user_id, status, '{}',
       created_at, created_at, created_at
FROM housecall.messages
WHERE account_id = ANY (SELECT 'bench-' || a FROM generate_series(%(first)s::int, %(last)s::int) AS a)
"""
_EVENTS = """
INSERT INTO housecall.run_events (run_id, number, name, answer, fields, at)
SELECT md5('run ' || id)::uuid, n, (ARRAY['workflow_started', 'message', 'message_end', 'workflow_finished'])[n],
       CASE n WHEN 2 THEN answer ELSE '' END,
       CASE n WHEN 4 THEN '{"status":"succeeded"}'::jsonb ELSE '{}'::jsonb END, created_at
FROM housecall.messages, generate_series(1, 4) AS n
WHERE account_id = ANY (SELECT 'bench-' || a FROM generate_series(%(first)s::int, %(last)s::int) AS a)
"""
_BATCH = 100


def grow(dsn: str, accounts_before: int, accounts: int) -> float:
    """Add accounts with what they asked, up to `accounts`. Returns the seconds it took."""
    started = time.perf_counter()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for first in range(accounts_before + 1, accounts + 1, _BATCH):
            place = {
                "first": first,
                "last": min(first + _BATCH - 1, accounts),
                "conversations": MESSAGES_PER_ACCOUNT // MESSAGES_PER_CONVERSATION,
                "messages": MESSAGES_PER_CONVERSATION,
                "repeats": ANSWER_REPEATS,
            }
            with connection.transaction():
                for statement in (_ACCOUNTS, _USERS, _CONVERSATIONS, _MESSAGES, _RUNS, _EVENTS):
                    connection.execute(statement, place)
        connection.execute(
            "VACUUM (ANALYZE) housecall.conversations, housecall.messages, housecall.runs, housecall.run_events"
        )
        connection.execute("CHECKPOINT")
    return time.perf_counter() - started


def conversations_of(dsn: str, account: int) -> list[str]:
    """Ids of an account's conversations."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT id::text FROM housecall.conversations WHERE account_id = %s", (f"bench-{account}",)
        )
        return [row[0] for row in rows]
