-- Indexes of one table, or of all tables of people, the biggest first. {sizes} and {uses} are the pages of each index and
-- the rows read through it, or nothing where the account may not see them.
SELECT
    x.schema_name, x.name, x.table_name, x.is_primary, x.is_unique, TRUE AS is_valid, x.is_visible,
    x.is_primary OR x.is_unique AS backs_constraint,
    CONCAT(
        IF(x.is_primary, 'PRIMARY KEY', CONCAT(
            IF(x.is_unique, 'UNIQUE ', ''), IF(x.type IN ('FULLTEXT', 'SPATIAL'), CONCAT(x.type, ' '), ''), 'KEY ', x.name
        )), ' (', x.columns, ')'
    ) AS definition,
    COALESCE(s.pages, 0) * @@innodb_page_size AS size_bytes,
    s.pages IS NOT NULL AS size_is_known,
    NULL AS scans,
    u.rows_read,
    COUNT(*) OVER () AS total,
    SUM(COALESCE(s.pages, 0) * @@innodb_page_size) OVER () AS total_bytes
FROM (
    SELECT
        i.TABLE_SCHEMA AS schema_name,
        i.INDEX_NAME AS name,
        i.TABLE_NAME AS table_name,
        i.INDEX_NAME = 'PRIMARY' AS is_primary,
        MIN(i.NON_UNIQUE) = 0 AS is_unique,
        MIN(i.INDEX_TYPE) AS type,
        MIN(i.IGNORED = 'NO') AS is_visible,
        GROUP_CONCAT(
            CONCAT(i.COLUMN_NAME, IF(i.SUB_PART IS NULL, '', CONCAT('(', i.SUB_PART, ')')), IF(i.COLLATION = 'D', ' DESC', ''))
            ORDER BY i.SEQ_IN_INDEX SEPARATOR ', '
        ) AS columns
    FROM information_schema.STATISTICS AS i
    WHERE i.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
        AND (%s IS NULL OR i.TABLE_SCHEMA = %s AND i.TABLE_NAME = %s)
    GROUP BY i.TABLE_SCHEMA, i.TABLE_NAME, i.INDEX_NAME
) AS x
LEFT JOIN {sizes} AS s
    ON s.schema_name = x.schema_name AND s.table_name = x.table_name AND s.index_name = x.name
LEFT JOIN {uses} AS u
    ON u.schema_name = x.schema_name AND u.table_name = x.table_name AND u.index_name = x.name
ORDER BY size_bytes DESC, x.schema_name, x.table_name, x.name
LIMIT 60
