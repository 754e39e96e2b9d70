-- asks: whether the collations of this database's indexes still sort as they did when the indexes were built
-- privilege: none
-- versions: 15-
-- cost: one pass over pg_index
WITH used AS MATERIALIZED (
    SELECT u.collation_oid, count(DISTINCT i.indexrelid) AS indexes
    FROM pg_catalog.pg_index AS i
    CROSS JOIN LATERAL unnest(i.indcollation::oid[]) AS u(collation_oid)
    WHERE i.indexrelid >= 16384 AND u.collation_oid NOT IN (0, 950)
    GROUP BY u.collation_oid
)
SELECT
    c.collname = 'default' AS is_database_default,
    CASE WHEN c.collname = 'default' THEN d.datcollate ELSE c.collname END::text AS name,
    CASE WHEN c.collname = 'default' THEN d.datcollversion ELSE c.collversion END::text AS recorded_version,
    CASE WHEN c.collname = 'default' THEN pg_catalog.pg_database_collation_actual_version(d.oid)
        ELSE pg_catalog.pg_collation_actual_version(c.oid) END::text AS actual_version,
    used.indexes::int8 AS indexes
FROM used
JOIN pg_catalog.pg_collation AS c ON c.oid = used.collation_oid
JOIN pg_catalog.pg_database AS d ON d.datname = current_database()
WHERE CASE WHEN c.collname = 'default' THEN d.datcollversion ELSE c.collversion END IS NOT NULL
ORDER BY c.collname
LIMIT 20
