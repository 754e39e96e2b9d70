-- asks: Which transactions were prepared for two-phase commit and never finished, and which tables do they lock?
-- privilege: none
-- versions: 13-
-- cost: reads the prepared transactions in memory and, for at most 20 of them, the lock table
SELECT
    p.gid::text AS gid,
    p.owner::text AS owner,
    p.database::text AS database,
    EXTRACT(epoch FROM clock_timestamp() - p.prepared)::float8 AS age_seconds,
    p.transaction::text::int8 AS xid,
    pg_catalog.age(p.transaction)::int8 AS xid_age,
    ARRAY(
        SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_locks AS own
        JOIN pg_catalog.pg_locks AS l ON l.virtualtransaction = own.virtualtransaction
        JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE l.pid IS NULL
            AND l.locktype = 'relation'
            AND own.pid IS NULL
            AND own.locktype = 'transactionid'
            AND own.transactionid = p.transaction
            AND c.relkind IN ('r', 'p', 'm')
            AND p.database = current_database()
        ORDER BY 1
        LIMIT 10
    )::text[] AS relations,
    EXTRACT(epoch FROM clock_timestamp())::float8 AS read_epoch,
    p.total::int8 AS prepared_total
FROM (
    SELECT x.*, count(*) OVER () AS total
    FROM pg_catalog.pg_prepared_xacts AS x
    ORDER BY x.prepared
    LIMIT 20
) AS p
ORDER BY p.prepared
