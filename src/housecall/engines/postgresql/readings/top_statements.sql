-- asks: which statements of this database cost most in time, calls, blocks and temporary files since the last reset
-- privilege: the extension (shared_preload_libraries = 'pg_stat_statements', then CREATE EXTENSION pg_stat_statements), and pg_read_all_stats for the statements of others
-- versions: 13-
-- cost: one pass over pg_stat_statements (at most pg_stat_statements.max entries); at most 45 rows come back
-- kind: counters
WITH own AS MATERIALIZED (
    SELECT s.*
    FROM pg_stat_statements AS s
    JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid AND d.datname = current_database()
), grouped AS MATERIALIZED (
    SELECT
        own.queryid,
        min(own.query) AS query,
        sum(own.calls) AS calls,
        sum(own.total_exec_time) AS total_ms,
        max(own.max_exec_time) AS max_ms,
        sum(own.rows) AS rows,
        sum(own.shared_blks_hit) AS hit,
        sum(own.shared_blks_read) AS read,
        sum(own.temp_blks_written) AS temp_written,
        sum(own.wal_bytes) AS wal_bytes
    FROM own
    GROUP BY own.queryid
), ranked AS (
    SELECT
        grouped.*,
        row_number() OVER (ORDER BY total_ms DESC, queryid) AS by_time,
        row_number() OVER (ORDER BY calls DESC, queryid) AS by_calls,
        row_number() OVER (ORDER BY hit + read DESC, queryid) AS by_blocks,
        row_number() OVER (ORDER BY temp_written DESC, queryid) AS by_temp
    FROM grouped
    WHERE query !~* '^\s*(begin|start|commit|rollback|end|savepoint|release|set|reset|show|discard|deallocate|fetch|close|vacuum|analyze|create|alter|drop|checkpoint|copy|explain|truncate|reindex|comment|grant|revoke|cluster|lock|listen|notify|unlisten|declare|do|call)\M'
        AND query !~* '\m(pg_catalog\.|pg_stat_|pg_statio_|pg_class\M|pg_locks\M|pg_settings\M|information_schema\.)'
), totals AS (
    SELECT sum(total_ms) AS total_ms, sum(calls) AS calls, count(*) AS statements FROM grouped
)
SELECT
    COALESCE(ranked.queryid, 0)::text AS statement_id,
    -- a statement that was prepared by SQL keeps its PREPARE here, and its own words behind it
    left(regexp_replace(ranked.query, '^\s*PREPARE\s+("[^"]+"|\w+)\s*(\([^)]*\))?\s+AS\s+', '', 'i'), 4000)::text AS query,
    ranked.calls::int8 AS calls,
    (ranked.total_ms / 1000)::float8 AS total_seconds,
    (ranked.max_ms / 1000)::float8 AS max_seconds,
    ranked.rows::int8 AS rows,
    ranked.hit::int8 AS blocks_hit,
    ranked.read::int8 AS blocks_read,
    (ranked.temp_written * current_setting('block_size')::int8)::int8 AS temp_bytes,
    ranked.wal_bytes::int8 AS wal_bytes,
    (COALESCE(jit.ms, 0) / 1000)::float8 AS jit_seconds,
    (totals.total_ms / 1000)::float8 AS all_seconds,
    totals.calls::int8 AS all_calls,
    totals.statements::int8 AS statements
FROM ranked
CROSS JOIN totals
LEFT JOIN LATERAL (
    SELECT
        sum(COALESCE((j ->> 'jit_generation_time')::float8, 0) + COALESCE((j ->> 'jit_inlining_time')::float8, 0)
            + COALESCE((j ->> 'jit_optimization_time')::float8, 0) + COALESCE((j ->> 'jit_emission_time')::float8, 0)) AS ms
    FROM own
    CROSS JOIN LATERAL (SELECT to_jsonb(own) - 'query' AS j) AS entry
    WHERE own.queryid = ranked.queryid
) AS jit ON true
WHERE by_time <= 20 OR by_calls <= 8 OR by_blocks <= 10 OR (by_temp <= 7 AND temp_written > 0)
ORDER BY ranked.total_ms DESC
LIMIT 45
