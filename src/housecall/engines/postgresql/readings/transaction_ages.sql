-- asks: How many transactions and multixacts old is the oldest unfrozen row of each database, and of the worst tables here?
-- privilege: none
-- versions: 13-
-- cost: one pass over pg_class; at most 15 databases and 10 tables come back
(
    SELECT
        'database'::text AS scope,
        d.datname::text AS name,
        NULL::text AS schema_name,
        NULL::text AS table_name,
        pg_catalog.age(d.datfrozenxid)::int8 AS xid_age,
        pg_catalog.mxid_age(d.datminmxid)::int8 AS multixact_age,
        NULL::int8 AS size_bytes,
        d.datallowconn::bool AS connectable
    FROM pg_catalog.pg_database AS d
    ORDER BY GREATEST(pg_catalog.age(d.datfrozenxid), pg_catalog.mxid_age(d.datminmxid)) DESC, d.datname
    LIMIT 15
)
UNION ALL
(
    SELECT
        'table'::text,
        pg_catalog.format('%I.%I', n.nspname, COALESCE(owner.relname, c.relname)),
        n.nspname::text,
        COALESCE(owner.relname, c.relname)::text,
        pg_catalog.age(c.relfrozenxid)::int8,
        pg_catalog.mxid_age(c.relminmxid)::int8,
        (c.relpages::int8 * current_setting('block_size')::int8)::int8,
        true
    FROM (
        SELECT k.oid, k.relname, k.relnamespace, k.relkind, k.relpages, k.relfrozenxid, k.relminmxid
        FROM pg_catalog.pg_class AS k
        WHERE k.relkind IN ('r', 'm', 't')
            AND k.relpersistence <> 't'
        ORDER BY
            GREATEST(pg_catalog.age(k.relfrozenxid), pg_catalog.mxid_age(k.relminmxid)) DESC, k.relpages DESC, k.oid
        LIMIT 10
    ) AS c
    LEFT JOIN pg_catalog.pg_class AS owner ON c.relkind = 't' AND owner.reltoastrelid = c.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = COALESCE(owner.relnamespace, c.relnamespace)
)
