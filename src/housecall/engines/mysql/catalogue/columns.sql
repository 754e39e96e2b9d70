-- Columns of one table in their order.
SELECT
    c.COLUMN_NAME AS name,
    c.COLUMN_TYPE AS type,
    c.IS_NULLABLE = 'NO' AS not_null,
    TRIM(CONCAT(COALESCE(c.COLUMN_DEFAULT, ''), ' ', c.EXTRA)) AS default_value,
    COUNT(*) OVER () AS total
FROM information_schema.COLUMNS AS c
WHERE c.TABLE_SCHEMA = %s AND c.TABLE_NAME = %s
ORDER BY c.ORDINAL_POSITION
LIMIT 200
