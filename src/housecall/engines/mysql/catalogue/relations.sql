-- Tables, views and indexes by name: exact first, then by lower case. Needs no right to read their rows.
SELECT r.oid, r.schema_name, r.name, r.kind, r.name = BINARY r.wanted AS exact,
    r.schema_name = COALESCE(DATABASE(), r.schema_name) AS visible, r.table_name
FROM (
    SELECT 0 AS oid, t.TABLE_SCHEMA AS schema_name, t.TABLE_NAME AS name, w.wanted,
        IF(t.TABLE_TYPE LIKE '%%VIEW', 'v', IF(t.CREATE_OPTIONS LIKE '%%partitioned%%', 'p', 'r')) AS kind,
        NULL AS table_name
    FROM (SELECT %s AS wanted) AS w
    JOIN information_schema.TABLES AS t ON LOWER(t.TABLE_NAME) = LOWER(w.wanted)
    UNION ALL
    SELECT DISTINCT 0, i.TABLE_SCHEMA, i.INDEX_NAME, w.wanted, 'i', i.TABLE_NAME
    FROM (SELECT %s AS wanted) AS w
    JOIN information_schema.STATISTICS AS i ON LOWER(i.INDEX_NAME) = LOWER(w.wanted)
    WHERE i.INDEX_NAME <> 'PRIMARY'
) AS r
WHERE (%s IS NULL OR LOWER(r.schema_name) = LOWER(%s))
    AND (r.schema_name NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') OR %s IS NOT NULL)
ORDER BY exact DESC, visible DESC, r.kind = 'i', r.schema_name, r.name, r.table_name
LIMIT 20
