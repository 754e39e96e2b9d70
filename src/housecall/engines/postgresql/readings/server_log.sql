-- asks: which errors, warnings and accidents the end of the server's own log tells, counted by message
-- privilege: pg_read_server_files, and EXECUTE on pg_current_logfile(), pg_stat_file(text, boolean) and pg_read_binary_file(text, bigint, bigint)
-- versions: 13-
-- cost: reads the last 256 kB of one file, some tens of milliseconds; at most 60 messages come back
WITH place AS MATERIALIZED (
    -- without the collector the log is whatever the server's stderr goes to; only a file is read, never a pipe
    SELECT way.path, s.size
    FROM (
        VALUES (1, pg_catalog.pg_current_logfile()::text), (2, '/proc/self/fd/2')
    ) AS way(preference, path)
    CROSS JOIN LATERAL pg_catalog.pg_stat_file(way.path, true) AS s
    WHERE way.path IS NOT NULL AND NOT s.isdir AND s.size > 0
    ORDER BY way.preference
    LIMIT 1
), lines AS MATERIALIZED (
    -- as ASCII with octal escapes, since a log holds texts of every encoding
    SELECT l.line, l.number
    FROM place
    CROSS JOIN LATERAL unnest(
        string_to_array(
            encode(
                pg_catalog.pg_read_binary_file(
                    place.path, GREATEST(place.size - 262144, 0), LEAST(place.size, 262144)
                ), 'escape'
            ), E'\n'
        )
    ) WITH ORDINALITY AS l(line, number)
), taken AS MATERIALIZED (
    SELECT
        lines.number,
        lines.line,
        CASE
            WHEN lines.line LIKE '{"timestamp":%' THEN 'json'
            WHEN lines.line ~ '^\d{4}-\d\d-\d\d [^,"]{8,40},("([^"]|"")*")?,("([^"]|"")*")?,\d+,' THEN 'csv'
            ELSE 'text'
        END AS format
    FROM lines
), entries AS MATERIALIZED (
    SELECT
        taken.number,
        taken.line,
        taken.format,
        CASE taken.format
            WHEN 'json' THEN ARRAY[
                substring(taken.line FROM '"error_severity":"([A-Z]+)"'),
                substring(taken.line FROM '"state_code":"([0-9A-Z]{5})"'),
                substring(taken.line FROM '"message":"((?:[^"\\]|\\.)*)"'),
                substring(taken.line FROM '"user":"((?:[^"\\]|\\.)*)"'),
                substring(taken.line FROM '"dbname":"((?:[^"\\]|\\.)*)"'),
                substring(taken.line FROM '"pid":(\d+)'),
                substring(taken.line FROM '"statement":"((?:[^"\\]|\\.)*)"')
            ]
            WHEN 'csv' THEN (
                SELECT ARRAY[
                    m[4], m[5], replace(m[6], '""', '"'), m[1], m[2], m[3],
                    substring(taken.line FROM ',"((?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|COPY|CALL|TRUNCATE)\M(?:[^"]|"")*)",\d*,')
                ]
                FROM regexp_matches(
                    taken.line,
                    '^[^,]+,(?:"((?:[^"]|"")*)")?,(?:"((?:[^"]|"")*)")?,(\d+),.*?,"?(ERROR|FATAL|PANIC|WARNING|LOG)"?,"?([0-9A-Z]{5})"?,"((?:[^"]|"")*)'
                ) AS m
            )
            ELSE (
                SELECT ARRAY[
                    m[2], substring(m[1] FROM '(?:^|[ :,])((?:2[258]|23|40|42|5[34578])[0-9A-Z]{3}|P000[0-4]|XX00[0-2])(?:[ :,]|$)'), m[3],
                    substring(m[1] FROM '(?:user=|\s)([^\s@=,]+)@[^\s,]+'),
                    substring(m[1] FROM '(?:db=|@)([^\s,]+)'),
                    COALESCE(substring(m[1] FROM '\[(\d+)(?:-\d+)?\]'), substring(m[1] FROM 'pid[=:] ?(\d+)')),
                    NULL
                ]
                FROM regexp_matches(
                    taken.line, '^([^\t].{0,200}?|)\m(ERROR|FATAL|PANIC|WARNING|LOG|STATEMENT|DETAIL|HINT|CONTEXT|QUERY):  (.*)$'
                ) AS m
            )
        END AS part
    FROM taken
), grouped AS (
    SELECT
        entries.*,
        entries.part[1] IN ('ERROR', 'FATAL', 'PANIC', 'WARNING', 'LOG') AS begins,
        count(*) FILTER (WHERE entries.part[1] IN ('ERROR', 'FATAL', 'PANIC', 'WARNING', 'LOG'))
            OVER (ORDER BY entries.number) AS entry
    FROM entries
    WHERE entries.part IS NOT NULL
), whole AS (
    SELECT
        max(part[1]) FILTER (WHERE begins) AS severity,
        max(part[2]) FILTER (WHERE begins) AS sqlstate,
        left(max(part[3]) FILTER (WHERE begins), 600) AS message,
        max(part[4]) FILTER (WHERE begins) AS user_name,
        max(part[5]) FILTER (WHERE begins) AS database,
        max(part[6]) FILTER (WHERE begins) AS pid,
        left(COALESCE(max(part[7]) FILTER (WHERE begins), max(part[3]) FILTER (WHERE part[1] = 'STATEMENT')), 400)
            AS statement,
        left(max(part[3]) FILTER (WHERE part[1] = 'DETAIL'), 400) AS detail,
        min(number) AS number,
        CASE WHEN max(line) FILTER (WHERE begins) ~ '\d{4}-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d' THEN
            EXTRACT(epoch FROM clock_timestamp() - (
                substring(
                    max(line) FILTER (WHERE begins) FROM '\d{4}-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d(?:\.\d+)?'
                )::timestamp AT TIME ZONE current_setting('log_timezone')
            ))
        END::float8 AS seconds_ago
    FROM grouped
    GROUP BY entry
), told AS (
    SELECT
        whole.*,
        regexp_replace(whole.message, '\d+', 'N', 'g') AS plain,
        max(whole.seconds_ago) OVER () AS span_seconds,
        count(*) OVER () AS entries
    FROM whole
    WHERE whole.severity IS NOT NULL
), of_interest AS (
    SELECT *
    FROM told
    -- what a role that watches the server may not read or explain is no trouble of the application
    WHERE message !~ 'permission denied for (function|table|view|relation) "?pg_'
        AND COALESCE(statement, '') !~ 'pg_catalog\.|housecall_plan|^EXPLAIN \((GENERIC_PLAN, )?FORMAT JSON\)'
        AND (severity <> 'LOG' OR message ~*
        'terminated by signal|exited with exit code|reinitializing|not properly shut down|crash|too frequently|archive command failed|archiving .* failed|still waiting for|No space left|out of memory|could not (write|fsync|extend|open|resize)|invalid page|checksum|corrupt|canceling autovacuum|password authentication|no pg_hba')
), ranked AS (
    SELECT
        (array_agg(o.severity ORDER BY o.number DESC))[1]::text AS severity,
        max(o.sqlstate)::text AS sqlstate,
        (array_agg(o.message ORDER BY o.number DESC))[1]::text AS message,
        (array_agg(o.statement ORDER BY o.statement IS NULL, o.number DESC))[1]::text AS statement,
        (array_agg(o.detail ORDER BY o.detail IS NULL, o.number DESC))[1]::text AS detail,
        COALESCE(
            (array_agg(o.user_name ORDER BY o.user_name IS NULL, o.number DESC))[1],
            (
                SELECT max(a.usename::text)
                FROM pg_catalog.pg_stat_activity AS a
                WHERE a.pid::text = ANY (array_agg(o.pid))
            )
        )::text AS user_name,
        (array_agg(o.database ORDER BY o.database IS NULL, o.number DESC))[1]::text AS database,
        count(*)::int8 AS occurrences,
        (count(*) FILTER (WHERE o.seconds_ago <= 900))::int8 AS recent,
        min(o.seconds_ago)::float8 AS last_seconds_ago,
        max(o.seconds_ago)::float8 AS first_seconds_ago,
        max(o.span_seconds)::float8 AS span_seconds,
        max(o.entries)::int8 AS entries
    FROM of_interest AS o
    GROUP BY o.severity, o.plain
    ORDER BY
        CASE o.severity WHEN 'PANIC' THEN 1 WHEN 'FATAL' THEN 2 WHEN 'LOG' THEN 2 WHEN 'ERROR' THEN 3 ELSE 4 END,
        count(*) DESC,
        o.plain
    LIMIT 60
)
SELECT * FROM ranked
UNION ALL
SELECT
    NULL, NULL, place.path, NULL, NULL, NULL, NULL, COALESCE(sums.entries, 0), 0, NULL, NULL, sums.span_seconds,
    COALESCE(sums.entries, 0)
FROM (SELECT max(told.span_seconds) AS span_seconds, count(*) AS entries FROM told) AS sums
LEFT JOIN place ON true
