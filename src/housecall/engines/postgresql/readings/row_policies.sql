-- asks: which conditions do row policies add to every statement on the most read tables
-- privilege: none
-- versions: 13-
-- cost: a look for policies of tables that have row security on; at most 40 come back
WITH locked AS MATERIALIZED (
    -- the server locks a table to write out an expression of it, so one that is being altered is left alone
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
)
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    p.polname::text AS policy_name,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid)::text AS condition
FROM pg_catalog.pg_policy AS p
JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid AND c.relrowsecurity
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE p.polqual IS NOT NULL AND c.oid NOT IN (SELECT relation FROM locked)
ORDER BY
    pg_catalog.pg_stat_get_tuples_returned(c.oid) DESC,
    p.oid
LIMIT 40
