-- asks: which sequences stand below the largest key of the column that they fill
-- privilege: SELECT on the tables (the largest key is read through the index) and on the sequences
-- versions: 13-
-- cost: a look at no more than 400 sequences of the largest tables; one index lookup for at most 10 of them
WITH filled AS (
    SELECT d.objid AS seqrelid, d.refobjid AS attrelid, d.refobjsubid AS attnum
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
        AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 AND d.objid >= 16384
    UNION
    -- a sequence that no column owns, named in a default
    SELECT d.refobjid, def.adrelid, def.adnum
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_attrdef AS def ON def.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
        AND d.refobjid IN (SELECT s.seqrelid FROM pg_catalog.pg_sequence AS s) AND d.refobjid >= 16384
), owned AS MATERIALIZED (
    SELECT filled.*, t.relname, t.relnamespace,
        GREATEST(pg_catalog.pg_stat_get_live_tuples(t.oid)::float8, t.reltuples, 0) AS table_rows,
        -- an ANALYZE right after a load leaves the counter of live rows at twice the truth for a while
        CASE
            WHEN t.reltuples >= 0 THEN LEAST(pg_catalog.pg_stat_get_live_tuples(t.oid)::float8, t.reltuples)
            ELSE pg_catalog.pg_stat_get_live_tuples(t.oid)::float8
        END AS fewest_rows
    FROM filled
    JOIN pg_catalog.pg_class AS t ON t.oid = filled.attrelid AND t.relkind = 'r' AND t.relpersistence <> 't'
    ORDER BY table_rows DESC, filled.seqrelid
    LIMIT 400
), looked AS MATERIALIZED (
    SELECT
        owned.*,
        s.seqincrement,
        s.seqstart,
        s.seqmax,
        a.attname,
        n.nspname,
        has_table_privilege(owned.attrelid, 'SELECT') OR has_column_privilege(owned.attrelid, a.attnum, 'SELECT') AS is_readable,
        CASE
            WHEN has_sequence_privilege(owned.seqrelid, 'SELECT,USAGE')
                THEN COALESCE(pg_catalog.pg_sequence_last_value(owned.seqrelid), s.seqstart - s.seqincrement)
        END AS last_value
    FROM owned
    JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = owned.seqrelid AND s.seqincrement > 0 AND NOT s.seqcycle
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = owned.attrelid AND a.attnum = owned.attnum
    JOIN pg_catalog.pg_namespace AS n ON n.oid = owned.relnamespace
    WHERE owned.table_rows >= 1
), suspects AS MATERIALIZED (
    SELECT
        looked.*,
        (stats.bounds)[cardinality(stats.bounds)]::numeric AS known_max
    FROM looked
    LEFT JOIN LATERAL (
        SELECT st.histogram_bounds::text::text[] AS bounds
        FROM pg_catalog.pg_stats AS st
        WHERE st.schemaname = looked.nspname AND st.tablename = looked.relname AND st.attname = looked.attname
            AND NOT st.inherited
        LIMIT 1
    ) AS stats ON true
    WHERE looked.last_value IS NOT NULL
        AND (
            (stats.bounds)[cardinality(stats.bounds)]::numeric > looked.last_value
            OR (looked.last_value - looked.seqstart) / looked.seqincrement + 1 < looked.table_rows * 0.9
        )
    ORDER BY looked.table_rows DESC, looked.seqrelid
    LIMIT 10
), checked AS MATERIALIZED (
    SELECT
        suspects.*,
        CASE
            WHEN suspects.is_readable AND EXISTS (
                SELECT
                FROM pg_catalog.pg_index AS i
                JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
                JOIN pg_catalog.pg_am AS am ON am.oid = x.relam AND am.amname = 'btree'
                WHERE i.indrelid = suspects.attrelid AND i.indkey[0] = suspects.attnum AND i.indisvalid AND i.indpred IS NULL
            ) THEN (
                -- the one function of the catalogue that runs a query given as text and needs no library
                SELECT NULLIF(seen.word, 'none')::numeric
                FROM pg_catalog.ts_stat(
                    format(
                        'SELECT pg_catalog.array_to_tsvector(ARRAY[COALESCE(max(%I)::text, ''none'')]) FROM ONLY %I.%I',
                        suspects.attname, suspects.nspname, suspects.relname
                    )
                ) AS seen
            )
        END AS read_max
    FROM suspects
)
SELECT
    sn.nspname::text AS schema_name,
    sc.relname::text AS sequence_name,
    checked.nspname::text AS table_schema,
    checked.relname::text AS table_name,
    checked.attname::text AS column_name,
    checked.last_value::int8 AS last_value,
    checked.last_value >= checked.seqstart AS was_used,
    checked.seqincrement::int8 AS increment,
    checked.table_rows::float8 AS table_rows,
    CASE WHEN checked.read_max IS NOT NULL THEN LEAST(checked.read_max, 9223372036854775807)::int8 END AS largest_key,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = checked.attrelid AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = checked.attnum
    ) AS is_unique
FROM checked
JOIN pg_catalog.pg_class AS sc ON sc.oid = checked.seqrelid
JOIN pg_catalog.pg_namespace AS sn ON sn.oid = sc.relnamespace
WHERE checked.read_max > checked.last_value
    OR checked.read_max IS NULL AND (
        checked.known_max > checked.last_value
        OR (checked.last_value - 0.0) / checked.seqincrement < checked.fewest_rows * 0.9
    )
ORDER BY checked.table_rows DESC, checked.seqrelid
LIMIT 10
