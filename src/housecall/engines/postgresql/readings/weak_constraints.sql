-- asks: which constraints were never validated, and which foreign keys join different types or exist twice?
-- privilege: none
-- versions: 13-
-- cost: one pass over pg_constraint; at most 40 come back
WITH keys AS MATERIALIZED (
    SELECT con.oid, con.conname, con.conrelid, con.confrelid, con.contype, con.convalidated, con.conkey, con.confkey,
        (
            SELECT string_agg(
                pg_catalog.format('%s %s / %s %s', a.attname, pg_catalog.format_type(a.atttypid, NULL), r.attname,
                    pg_catalog.format_type(r.atttypid, NULL)), ', '
            )
            FROM unnest(con.conkey, con.confkey) AS k(attnum, refnum)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = k.attnum
            JOIN pg_catalog.pg_attribute AS r ON r.attrelid = con.confrelid AND r.attnum = k.refnum
            WHERE con.contype = 'f' AND a.atttypid <> r.atttypid
        ) AS mismatch,
        (
            SELECT min(twin.conname::text)
            FROM pg_catalog.pg_constraint AS twin
            WHERE con.contype = 'f' AND twin.contype = 'f' AND twin.conrelid = con.conrelid
                AND twin.confrelid = con.confrelid AND twin.conkey = con.conkey AND twin.confkey = con.confkey
                AND twin.oid < con.oid
        ) AS twin
    FROM pg_catalog.pg_constraint AS con
    WHERE con.conrelid >= 16384 AND con.contype IN ('f', 'c') AND con.conparentid = 0
)
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    keys.conname::text AS constraint_name,
    keys.contype::text AS kind,
    keys.convalidated AS is_validated,
    keys.mismatch::text AS mismatch,
    keys.twin::text AS twin,
    (count(*) OVER ())::int8 AS constraints
FROM keys
JOIN pg_catalog.pg_class AS c ON c.oid = keys.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT keys.convalidated OR keys.mismatch IS NOT NULL OR keys.twin IS NOT NULL
ORDER BY n.nspname, c.relname, keys.conname
LIMIT 40
