-- asks: which costs of the planner are set for a tablespace
-- privilege: none
-- versions: 13-
-- cost: one pass over pg_tablespace, and for one with options a look for a table or index in it; at most 50 rows come back
SELECT
    t.spcname::text AS tablespace_name,
    split_part(entry, '=', 1)::text AS name,
    substr(entry, strpos(entry, '=') + 1)::text AS value,
    t.oid = (SELECT d.dattablespace FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
        OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.reltablespace = t.oid AND c.oid >= 16384) AS is_here
FROM pg_catalog.pg_tablespace AS t
CROSS JOIN LATERAL unnest(t.spcoptions) AS entry
ORDER BY tablespace_name, name
LIMIT 50
