-- asks: which settings are set for a database or a role
-- privilege: none
-- versions: 13-
-- cost: one pass over pg_db_role_setting, and for a role a look for a table of its own; at most 100 rows come back
SELECT
    d.datname::text AS database_name,
    r.rolname::text AS role_name,
    split_part(entry, '=', 1)::text AS name,
    substr(entry, strpos(entry, '=') + 1)::text AS value,
    d.datname IS NULL OR d.datname = current_database() AS is_here,
    EXISTS (
        SELECT FROM pg_catalog.pg_class AS c WHERE c.relowner = s.setrole AND c.relkind IN ('r', 'p') AND c.oid >= 16384
    ) AS owns_tables
FROM pg_catalog.pg_db_role_setting AS s
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
CROSS JOIN LATERAL unnest(s.setconfig) AS entry
ORDER BY is_here DESC, name, database_name, role_name
LIMIT 100
