-- Constraints of one table, and the foreign keys that point at it. NOT NULL constraints stand with the columns.
SELECT
    o.conname::text AS name,
    CASE WHEN o.conrelid = %s::int8::oid THEN 'own' ELSE 'referencing' END AS side,
    o.conrelid::regclass::text AS table_name,
    o.contype::text AS type,
    o.convalidated AS validated,
    pg_catalog.pg_get_constraintdef(o.oid, true) AS definition,
    count(*) OVER () AS total
FROM pg_catalog.pg_constraint AS o
WHERE (o.conrelid = %s::int8::oid OR o.confrelid = %s::int8::oid)
    AND o.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY 2, position(o.contype::text IN 'pufcx'), 1
LIMIT 100
