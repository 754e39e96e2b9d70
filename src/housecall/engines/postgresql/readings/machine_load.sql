-- asks: how busy are the processors of the server's machine, and how much of that is this server's own work?
-- privilege: pg_read_server_files, and EXECUTE on pg_read_file(text, bigint, bigint, boolean) (Linux only)
-- versions: 13-
-- cost: two small files of /proc, and one for each of at most 300 processes of the server
-- kind: counters
WITH machine AS MATERIALIZED (
    SELECT
        string_to_array(
            regexp_replace(split_part(pg_catalog.pg_read_file('/proc/stat', 0, 16384, true), E'\n', 1), '^cpu\s+', ''), ' '
        )::float8[] AS ticks,
        (
            SELECT count(*)
            FROM regexp_matches(pg_catalog.pg_read_file('/proc/stat', 0, 16384, true), '\ncpu\d+ ', 'g')
        ) AS processors,
        string_to_array(pg_catalog.pg_read_file('/proc/loadavg', 0, 200, true), ' ') AS load
), own AS MATERIALIZED (
    SELECT
        a.pid,
        a.state,
        a.wait_event_type,
        string_to_array(
            regexp_replace(pg_catalog.pg_read_file(pg_catalog.format('/proc/%s/stat', a.pid), 0, 600, true), '^.*\) ', ''), ' '
        ) AS fields
    FROM (
        SELECT s.pid, s.state, s.wait_event_type
        FROM pg_catalog.pg_stat_activity AS s
        ORDER BY (s.state = 'active') DESC NULLS LAST, s.pid
        LIMIT 300
    ) AS a
)
SELECT
    machine.processors::int8 AS processors,
    (SELECT sum(t) FROM unnest(machine.ticks[1:8]) AS t)::float8 AS all_ticks,
    (machine.ticks[4] + machine.ticks[5])::float8 AS idle_ticks,
    COALESCE(machine.ticks[8], 0)::float8 AS stolen_ticks,
    (SELECT sum(own.fields[12]::float8 + own.fields[13]::float8) FROM own WHERE cardinality(own.fields) > 13)::float8
        AS own_ticks,
    machine.load[1]::float8 AS load_1_minute,
    split_part(machine.load[4], '/', 1)::int8 AS running,
    (
        SELECT count(*) FROM own WHERE own.state = 'active' AND own.wait_event_type IS NULL AND own.pid <> pg_catalog.pg_backend_pid()
    )::int8 AS own_working,
    (
        SELECT count(*) FROM own WHERE cardinality(own.fields) > 13 AND own.fields[1] = 'R' AND own.pid <> pg_catalog.pg_backend_pid()
    )::int8 AS own_running
FROM machine
WHERE machine.ticks IS NOT NULL
