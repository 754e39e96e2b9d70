-- asks: which tables are partitioned, by what, into which partitions, and does the default one take rows?
-- privilege: none
-- versions: 13-
-- cost: walks the inheritance catalogue of at most 20 partitioned tables, without locking their partitions
WITH RECURSIVE locked AS MATERIALIZED (
    -- the server locks a table to write out an expression of it, so one that is being altered is left alone
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), roots AS MATERIALIZED (
    SELECT p.partrelid, p.partstrat, p.partattrs, p.partdefid, c.relname, c.relnamespace
    FROM pg_catalog.pg_partitioned_table AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.partrelid AND NOT c.relispartition
    ORDER BY p.partrelid
    LIMIT 20
), tree AS (
    SELECT roots.partrelid AS root, i.inhrelid AS member
    FROM roots
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = roots.partrelid
    UNION ALL
    SELECT tree.root, i.inhrelid
    FROM tree
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.member
), leaves AS MATERIALIZED (
    SELECT tree.root, c.oid, c.relname, c.relpages,
        GREATEST(pg_catalog.pg_stat_get_live_tuples(c.oid)::float8, c.reltuples, 0) AS live_rows
    FROM tree
    JOIN pg_catalog.pg_class AS c ON c.oid = tree.member AND c.relkind IN ('r', 'f')
)
SELECT
    n.nspname::text AS schema_name,
    roots.relname::text AS table_name,
    COALESCE(
        CASE WHEN roots.partrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_get_partkeydef(roots.partrelid) END,
        CASE roots.partstrat WHEN 'r' THEN 'RANGE' WHEN 'l' THEN 'LIST' ELSE 'HASH' END || ' (' || (
            SELECT string_agg(COALESCE(a.attname::text, '...'), ', ' ORDER BY k.position)
            FROM unnest(roots.partattrs::int2[]) WITH ORDINALITY AS k(attnum, position)
            LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = roots.partrelid AND a.attnum = k.attnum
        ) || ')'
    )::text AS partition_key,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(roots.partattrs::int2[]) AS k(attnum)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = roots.partrelid AND a.attnum = k.attnum
        ORDER BY a.attnum
    ) AS key_columns,
    ARRAY(
        SELECT pg_catalog.format_type(a.atttypid, NULL)::text
        FROM unnest(roots.partattrs::int2[]) AS k(attnum)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = roots.partrelid AND a.attnum = k.attnum
        ORDER BY a.attnum
    ) AS key_types,
    (SELECT count(*) FROM leaves WHERE leaves.root = roots.partrelid)::int8 AS partitions,
    ARRAY(
        SELECT leaves.relname::text
        FROM leaves
        WHERE leaves.root = roots.partrelid
        ORDER BY leaves.oid
        LIMIT 400
    ) AS names,
    COALESCE((SELECT sum(leaves.live_rows) FROM leaves WHERE leaves.root = roots.partrelid), 0)::float8 AS live_rows,
    (
        COALESCE((SELECT sum(leaves.relpages::int8) FROM leaves WHERE leaves.root = roots.partrelid), 0)
        * current_setting('block_size')::int8
    )::int8 AS size_bytes,
    (SELECT d.relname::text FROM pg_catalog.pg_class AS d WHERE d.oid = roots.partdefid) AS default_name,
    (
        SELECT GREATEST(pg_catalog.pg_stat_get_live_tuples(d.oid)::float8, d.reltuples, 0)
        FROM pg_catalog.pg_class AS d
        WHERE d.oid = roots.partdefid
    )::float8 AS default_rows
FROM roots
JOIN pg_catalog.pg_namespace AS n ON n.oid = roots.relnamespace
ORDER BY size_bytes DESC, roots.partrelid
