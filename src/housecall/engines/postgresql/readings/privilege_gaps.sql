-- asks: which tables can an application's role not read, though it can read most others of the same schema?
-- privilege: none
-- versions: 13-
-- cost: one privilege check for each of at most 6 roles and 1,000 tables
WITH roles AS MATERIALIZED (
    SELECT r.oid, r.rolname
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> current_user AND r.rolname NOT LIKE 'pg\_%'
        AND (
            EXISTS (
                SELECT
                FROM pg_catalog.pg_stat_activity AS a
                WHERE a.usesysid = r.oid AND a.datname = current_database()
            )
            OR EXISTS (
                SELECT
                FROM pg_catalog.pg_class AS c
                WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p') AND c.oid >= 16384
            )
        )
    ORDER BY r.oid
    LIMIT 6
), tables AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace, c.relowner
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.oid >= 16384 AND NOT c.relispartition
        AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_depend AS d
            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        )
    ORDER BY c.relpages DESC, c.oid
    LIMIT 1000
), judged AS MATERIALIZED (
    SELECT
        roles.rolname,
        tables.*,
        pg_catalog.has_schema_privilege(roles.oid, tables.relnamespace, 'USAGE')
            AND pg_catalog.has_any_column_privilege(roles.oid, tables.oid, 'SELECT') AS may
    FROM roles
    CROSS JOIN tables
), counted AS (
    SELECT
        judged.*,
        count(*) FILTER (WHERE may) OVER (PARTITION BY rolname, relnamespace) AS readable,
        count(*) FILTER (WHERE NOT may) OVER (PARTITION BY rolname, relnamespace) AS unreadable
    FROM judged
)
SELECT
    c.rolname::text AS role_name,
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    pg_catalog.pg_get_userbyid(c.relowner)::text AS owner_name,
    c.readable::int8 AS readable_tables,
    c.unreadable::int8 AS unreadable_tables,
    (pg_catalog.pg_stat_get_numscans(c.oid) + COALESCE((
        SELECT sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = c.oid
    ), 0))::int8 AS scans
FROM counted AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT c.may AND c.readable >= c.unreadable
ORDER BY c.unreadable, scans DESC, c.oid
LIMIT 20
