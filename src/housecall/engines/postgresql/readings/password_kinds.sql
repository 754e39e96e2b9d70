-- asks: how are the passwords of login roles kept, which roles have none, which have their own name as password, which expire?
-- privilege: superuser (the password itself never leaves the server)
-- versions: 13-
-- cost: one pass over the roles; at most 60 come back
SELECT
    a.rolname::text AS role_name,
    CASE
        WHEN a.rolpassword IS NULL THEN 'none'
        WHEN a.rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
        WHEN a.rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'md5'
        ELSE 'plain'
    END AS kind,
    COALESCE(a.rolpassword IN ('md5' || md5(a.rolname || a.rolname), a.rolname), false) AS is_own_name,
    a.rolsuper AS is_superuser,
    CASE WHEN isfinite(a.rolvaliduntil) THEN EXTRACT(epoch FROM a.rolvaliduntil - clock_timestamp()) END::float8
        AS valid_seconds,
    (count(*) OVER ())::int8 AS roles
FROM pg_catalog.pg_authid AS a
WHERE a.rolcanlogin
    AND (a.rolpassword IS NULL OR a.rolpassword NOT LIKE 'SCRAM-SHA-256$%' OR isfinite(a.rolvaliduntil))
ORDER BY (a.rolpassword IS NULL), a.rolname
LIMIT 60
