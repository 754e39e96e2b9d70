-- asks: which roles that log in may do everything, or pass row-level security, and do applications use them?
-- privilege: pg_read_all_stats (in pg_monitor) to see which applications they run
-- versions: 13-
-- cost: one pass over the roles and the session list; at most 30 come back
SELECT
    r.rolname::text AS role_name,
    r.rolsuper AS is_superuser,
    r.rolbypassrls AS bypasses_row_security,
    r.oid = 10 AS is_first,
    (count(a.pid))::int8 AS sessions,
    (count(a.pid) FILTER (WHERE a.client_addr IS NOT NULL))::int8 AS remote_sessions,
    max(a.application_name)::text AS application
FROM pg_catalog.pg_roles AS r
LEFT JOIN pg_catalog.pg_stat_activity AS a
    ON a.usesysid = r.oid AND a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.application_name NOT IN ('housecall', 'psql', 'pg_dump', 'pg_basebackup', 'pgAdmin 4')
WHERE r.rolcanlogin AND (r.rolsuper OR r.rolbypassrls) AND r.rolname <> current_user
GROUP BY r.oid, r.rolname, r.rolsuper, r.rolbypassrls
ORDER BY count(a.pid) DESC, r.rolname
LIMIT 30
