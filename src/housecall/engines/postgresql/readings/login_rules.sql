-- asks: by which rules of pg_hba.conf may clients log in, and how must they prove who they are?
-- privilege: SELECT on pg_hba_file_rules and EXECUTE on pg_hba_file_rules()
-- versions: 13-
-- cost: the server reads its pg_hba.conf; at most 60 rules come back
SELECT
    h.line_number::int8 AS line_number,
    h.type::text AS type,
    h.database::text[] AS databases,
    h.user_name::text[] AS users,
    h.address::text AS address,
    h.netmask::text AS netmask,
    h.auth_method::text AS method,
    h.error::text AS error,
    (count(*) OVER ())::int8 AS rules
FROM pg_catalog.pg_hba_file_rules AS h
ORDER BY h.line_number
LIMIT 60
