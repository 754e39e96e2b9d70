-- asks: what may everybody do that only few should, and which row-level security does not work?
-- privilege: none
-- versions: 13-
-- cost: one pass over schemas, functions and tables of the catalogue; at most 60 come back
SELECT found.kind::text AS kind, found.name::text AS name, found.detail::text AS detail, found.total::int8 AS total
FROM (
    SELECT 'create_for_all' AS kind, n.nspname AS name, NULL AS detail, count(*) OVER () AS total
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
        AND EXISTS (
            SELECT
            FROM pg_catalog.aclexplode(n.nspacl) AS acl
            WHERE acl.grantee = 0 AND acl.privilege_type = 'CREATE'
        )
    UNION ALL
    (
        SELECT 'definer_function', pg_catalog.format('%I.%I', n.nspname, p.proname),
            pg_catalog.pg_get_function_identity_arguments(p.oid), count(*) OVER ()
        FROM pg_catalog.pg_proc AS p
        JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.prosecdef AND p.oid >= 16384
            AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS c(item) WHERE c.item LIKE 'search\_path=%')
            AND NOT EXISTS (
                SELECT
                FROM pg_catalog.pg_depend AS d
                WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            )
        ORDER BY p.oid
        LIMIT 20
    )
    UNION ALL
    (
        SELECT CASE WHEN c.relrowsecurity THEN 'no_policy' ELSE 'policy_without_effect' END,
            pg_catalog.format('%I.%I', n.nspname, c.relname), NULL, count(*) OVER ()
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384
            AND c.relrowsecurity IS DISTINCT FROM EXISTS (
                SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid
            )
        ORDER BY c.oid
        LIMIT 20
    )
) AS found
ORDER BY found.kind, found.name
LIMIT 60
