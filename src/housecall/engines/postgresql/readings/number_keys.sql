-- asks: how much of its range has each sequence used, counting the column it fills, whichever is narrower
-- privilege: SELECT or USAGE on the sequences (GRANT pg_read_all_data, or GRANT SELECT ON ALL SEQUENCES IN SCHEMA)
-- versions: 13-
-- cost: a look at each sequence that is narrower than bigint, and at all of them while they are fewer than 2,000
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), sequences AS MATERIALIZED (
    SELECT s.seqrelid, s.seqmax, s.seqmin, s.seqincrement, s.seqcycle, count(*) OVER () AS all_sequences
    FROM pg_catalog.pg_sequence AS s
    WHERE s.seqrelid >= 16384
), filled AS MATERIALIZED (
    SELECT d.objid AS seqrelid, d.refobjid AS attrelid, d.refobjsubid AS attnum
    FROM pg_catalog.pg_depend AS d
    JOIN sequences ON sequences.seqrelid = d.objid
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
        AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    UNION
    SELECT d.refobjid, def.adrelid, def.adnum
    FROM pg_catalog.pg_depend AS d
    JOIN sequences ON sequences.seqrelid = d.refobjid
    JOIN pg_catalog.pg_attrdef AS def ON def.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
        -- a partition that takes its parent's numbers is widened with it
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_inherits AS h
            JOIN pg_catalog.pg_attrdef AS above ON above.adrelid = h.inhparent
            JOIN pg_catalog.pg_depend AS same ON same.objid = above.oid AND same.classid = d.classid
            WHERE h.inhrelid = def.adrelid AND same.refclassid = d.refclassid AND same.refobjid = d.refobjid
        )
), narrow AS MATERIALIZED (
    SELECT
        con.confrelid AS attrelid,
        con.confkey[1] AS attnum,
        array_agg(DISTINCT format('%I.%I.%I', n.nspname, r.relname, a.attname)) AS names
    FROM pg_catalog.pg_constraint AS con
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
    JOIN pg_catalog.pg_class AS r ON r.oid = con.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
    WHERE con.contype = 'f' AND cardinality(con.conkey) = 1
        AND a.atttypid IN ('pg_catalog.int2'::regtype, 'pg_catalog.int4'::regtype)
    GROUP BY con.confrelid, con.confkey[1]
), columns AS MATERIALIZED (
    SELECT
        sequences.*,
        narrow.names AS narrow_names,
        filled.attrelid,
        filled.attnum,
        a.attname,
        a.atttypid,
        a.attidentity,
        CASE a.atttypid
            WHEN 'pg_catalog.int2'::regtype THEN 32767
            WHEN 'pg_catalog.int4'::regtype THEN 2147483647
            ELSE 9223372036854775807
        END AS column_max,
        CASE WHEN narrow.names IS NOT NULL THEN 2147483647 END AS reference_max
    FROM sequences
    LEFT JOIN filled USING (seqrelid)
    LEFT JOIN narrow ON narrow.attrelid = filled.attrelid AND narrow.attnum = filled.attnum
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = filled.attrelid AND a.attnum = filled.attnum
), looked AS MATERIALIZED (
    SELECT
        columns.*,
        readable.yes AS is_readable,
        CASE
            WHEN readable.yes AND (columns.all_sequences < 2000 OR LEAST(seqmax, column_max, reference_max) <= 2147483647)
                THEN pg_catalog.pg_sequence_last_value(seqrelid)
        END AS last_value
    FROM columns
    CROSS JOIN LATERAL (
        SELECT pg_catalog.has_sequence_privilege(columns.seqrelid, 'SELECT,USAGE') AS yes
    ) AS readable
)
SELECT
    n.nspname::text AS schema_name,
    s.relname::text AS sequence_name,
    tn.nspname::text AS table_schema,
    t.relname::text AS table_name,
    looked.attname::text AS column_name,
    pg_catalog.format_type(looked.atttypid, NULL)::text AS column_type,
    looked.attidentity <> '' AS is_identity,
    COALESCE(looked.last_value, 0)::int8 AS last_value,
    looked.seqmax::int8 AS sequence_max,
    looked.column_max::int8 AS column_max,
    looked.seqincrement::int8 AS increment,
    looked.seqcycle AS cycles,
    GREATEST(pg_catalog.pg_stat_get_live_tuples(t.oid)::float8, t.reltuples, 0)::float8 AS table_rows,
    COALESCE(
        CASE
            WHEN t.relkind <> 'p' AND t.oid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(t.oid)
        END,
        (
            SELECT sum(k.relpages)
            FROM pg_catalog.pg_class AS k
            WHERE k.oid = t.oid OR (t.relkind = 'p' AND k.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(t.oid)))
        ) * current_setting('block_size')::int8
    )::int8 AS table_bytes,
    pg_catalog.pg_stat_get_tuples_inserted(t.oid)::int8 AS inserted,
    (SELECT count(*) FROM sequences)::int8 AS sequences,
    (SELECT count(*) FROM looked AS l WHERE NOT l.is_readable)::int8 AS unreadable,
    looked.narrow_names AS narrow_references,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = looked.attrelid AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = looked.attnum
    ) AS is_unique
FROM looked
JOIN pg_catalog.pg_class AS s ON s.oid = looked.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = looked.attrelid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE looked.seqincrement > 0 AND (looked.last_value IS NOT NULL OR NOT looked.is_readable)
ORDER BY looked.last_value::float8 / LEAST(looked.seqmax, looked.column_max, looked.reference_max) DESC NULLS LAST, looked.seqrelid
LIMIT 15
