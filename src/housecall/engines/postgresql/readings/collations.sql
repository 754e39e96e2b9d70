-- asks: whether the collations of this database's indexes still sort as they did when the indexes were built
-- privilege: none
-- versions: 13-14
-- cost: one pass over pg_index
SELECT
    false AS is_database_default,
    c.collname::text AS name,
    c.collversion::text AS recorded_version,
    pg_catalog.pg_collation_actual_version(c.oid)::text AS actual_version,
    used.indexes::int8 AS indexes
FROM (
    SELECT u.collation_oid, count(DISTINCT i.indexrelid) AS indexes
    FROM pg_catalog.pg_index AS i
    CROSS JOIN LATERAL unnest(i.indcollation::oid[]) AS u(collation_oid)
    WHERE i.indexrelid >= 16384 AND u.collation_oid NOT IN (0, 100, 950)
    GROUP BY u.collation_oid
) AS used
JOIN pg_catalog.pg_collation AS c ON c.oid = used.collation_oid
WHERE c.collversion IS NOT NULL
ORDER BY c.collname
LIMIT 20
