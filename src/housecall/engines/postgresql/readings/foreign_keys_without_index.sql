-- asks: which foreign keys have no index on the referencing side that a delete in the parent could use
-- privilege: none
-- versions: 13-
-- cost: an anti-join of pg_constraint and pg_index; counters for at most 30 keys, and for one index of each
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), bare AS MATERIALIZED (
    SELECT con.oid, con.conname, con.conrelid, con.confrelid, con.conkey, con.confkey, con.confdeltype, con.confupdtype,
        con.conpfeqop,
        c.relpages, c.reltuples, count(*) OVER () AS keys
    FROM pg_catalog.pg_constraint AS con
    JOIN pg_catalog.pg_class AS c ON c.oid = con.conrelid
    WHERE con.contype = 'f' AND con.conparentid = 0 AND con.conrelid >= 16384
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_am AS am ON am.oid = x.relam AND am.amname IN ('btree', 'hash')
            WHERE i.indrelid = con.conrelid AND i.indisvalid
                -- the server locks a table to write out a condition, so one that is being altered is given the benefit
                AND (
                    i.indpred IS NULL
                    OR CASE
                        WHEN i.indrelid NOT IN (SELECT relation FROM locked)
                            THEN pg_catalog.pg_get_expr(i.indpred, i.indrelid) ~ '^\([^()]+ IS NOT NULL\)$'
                        ELSE true
                    END
                )
                AND i.indnkeyatts >= cardinality(con.conkey)
                AND (i.indkey::int2[])[0:cardinality(con.conkey) - 1] @> con.conkey
                -- a delete compares by the key's own type, which an index on another type may not know
                AND NOT EXISTS (
                    SELECT
                    FROM unnest(con.conkey, con.conpfeqop) AS k(attnum, operator)
                    JOIN generate_series(0, i.indnkeyatts - 1) AS g(place) ON i.indkey[g.place] = k.attnum
                    JOIN pg_catalog.pg_opclass AS oc ON oc.oid = i.indclass[g.place]
                    WHERE NOT EXISTS (
                        SELECT FROM pg_catalog.pg_amop AS ao WHERE ao.amopfamily = oc.opcfamily AND ao.amopopr = k.operator
                    )
                )
        )
    ORDER BY
        GREATEST(c.reltuples, pg_catalog.pg_stat_get_live_tuples(con.conrelid)) DESC, con.oid
    LIMIT 30
)
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    bare.conname::text AS constraint_name,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(bare.conkey) WITH ORDINALITY AS k(attnum, position)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = bare.conrelid AND a.attnum = k.attnum
        ORDER BY k.position
    ) AS columns,
    ARRAY(
        SELECT pg_catalog.format_type(a.atttypid, NULL)::text
        FROM unnest(bare.conkey) WITH ORDINALITY AS k(attnum, position)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = bare.conrelid AND a.attnum = k.attnum
        ORDER BY k.position
    ) AS column_types,
    -- what a delete compares the columns as: the type that the key's own operator takes
    ARRAY(
        SELECT pg_catalog.format_type(op.oprright, NULL)::text
        FROM unnest(bare.conpfeqop) WITH ORDINALITY AS k(operator, position)
        JOIN pg_catalog.pg_operator AS op ON op.oid = k.operator
        ORDER BY k.position
    ) AS compared_types,
    (
        SELECT x.relname::text
        FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
        JOIN pg_catalog.pg_am AS am ON am.oid = x.relam AND am.amname IN ('btree', 'hash')
        WHERE i.indrelid = bare.conrelid AND i.indisvalid AND i.indpred IS NULL
            AND (i.indkey::int2[])[0:cardinality(bare.conkey) - 1] @> bare.conkey
        ORDER BY i.indexrelid
        LIMIT 1
    ) AS other_index,
    part.name AS part_index,
    COALESCE(part.scans, 0)::int8 AS part_scans,
    COALESCE(part.rows_read, 0)::int8 AS part_rows,
    pn.nspname::text AS parent_schema,
    p.relname::text AS parent_table,
    bare.confdeltype::text AS on_delete,
    GREATEST(pg_catalog.pg_stat_get_live_tuples(t.oid)::float8, t.reltuples, 0)::float8 AS live_rows,
    GREATEST(pg_catalog.pg_stat_get_live_tuples(p.oid)::float8, p.reltuples, 0)::float8 AS parent_rows,
    COALESCE(CASE WHEN t.oid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(t.oid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = t.oid)
            * current_setting('block_size')::int8)::int8 AS size_bytes,
    t.relkind = 'p' AS is_partitioned,
    pg_catalog.pg_stat_get_tuples_deleted(p.oid)::int8 AS parent_deleted,
    pg_catalog.pg_stat_get_tuples_updated(p.oid)::int8 AS parent_updated,
    pg_catalog.pg_stat_get_numscans(t.oid)::int8 AS sequential_scans,
    pg_catalog.pg_stat_get_tuples_returned(t.oid)::int8 AS sequential_rows,
    bare.keys::int8 AS keys
FROM bare
JOIN pg_catalog.pg_class AS t ON t.oid = bare.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class AS p ON p.oid = bare.confrelid
JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
-- an index that begins with one column of a key of several: a delete reads all of its entries with that value
LEFT JOIN LATERAL (
    SELECT x.relname::text AS name, pg_catalog.pg_stat_get_numscans(x.oid) AS scans,
        pg_catalog.pg_stat_get_tuples_returned(x.oid) AS rows_read
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am AS am ON am.oid = x.relam AND am.amname = 'btree'
    WHERE i.indrelid = bare.conrelid AND i.indisvalid AND i.indpred IS NULL AND cardinality(bare.conkey) > 1
        AND i.indkey[0] = ANY (bare.conkey)
    ORDER BY scans DESC, i.indexrelid
    LIMIT 1
) AS part ON true
ORDER BY live_rows DESC, bare.oid
