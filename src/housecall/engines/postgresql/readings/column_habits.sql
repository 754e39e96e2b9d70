-- asks: how many columns have types that the manual advises against, with an example of each?
-- privilege: none
-- versions: 13-
-- cost: one pass over the columns of the catalogue; at most 8 rows come back
WITH locked AS MATERIALIZED (
    -- the server locks a table to write out an expression of it, so one that is being altered is left alone
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), columns AS MATERIALIZED (
    SELECT c.oid AS table_id, n.nspname, c.relname, a.attname, a.attnum, a.atttypid, a.attidentity,
        EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey::int2[])
        ) AS is_key,
        COALESCE(
            CASE WHEN d.adrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END LIKE 'nextval(%',
            false
        ) AS is_serial
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND NOT c.relispartition AND c.relpersistence <> 't'
        AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
), judged AS (
    SELECT columns.*, habit.kind
    FROM columns
    CROSS JOIN LATERAL (
        SELECT CASE columns.atttypid
            WHEN 'pg_catalog.bpchar'::regtype THEN 'char'
            WHEN 'pg_catalog.money'::regtype THEN 'money'
            WHEN 'pg_catalog.json'::regtype THEN 'json'
            WHEN 'pg_catalog.timestamp'::regtype THEN 'timestamp'
            WHEN 'pg_catalog.timetz'::regtype THEN 'timetz'
        END
        UNION ALL
        SELECT 'serial' WHERE columns.is_serial AND columns.attidentity = ''
        UNION ALL
        SELECT 'text_key' WHERE columns.is_key
            AND columns.atttypid IN ('pg_catalog.varchar'::regtype, 'pg_catalog.text'::regtype)
        UNION ALL
        SELECT 'text_uuid' WHERE columns.attname ~* '(^|_)(uuid|guid)$'
            AND columns.atttypid IN ('pg_catalog.varchar'::regtype, 'pg_catalog.text'::regtype, 'pg_catalog.bpchar'::regtype)
    ) AS habit(kind)
    WHERE habit.kind IS NOT NULL
)
SELECT
    judged.kind::text AS kind,
    count(*)::int8 AS columns,
    (array_agg(
        pg_catalog.format('%I.%I(%I)', judged.nspname, judged.relname, judged.attname)
        ORDER BY judged.nspname, judged.relname, judged.attnum
    ))[1:3]::text[] AS examples
FROM judged
GROUP BY judged.kind
ORDER BY judged.kind
