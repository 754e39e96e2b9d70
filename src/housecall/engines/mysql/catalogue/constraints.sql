-- The foreign keys of one table, and those that point at it. Keys stand with the indexes.
SELECT
    k.CONSTRAINT_NAME AS name,
    IF(k.TABLE_SCHEMA = %s AND k.TABLE_NAME = %s, 'own', 'referencing') AS side,
    CONCAT(k.TABLE_SCHEMA, '.', k.TABLE_NAME) AS table_name,
    'f' AS type,
    TRUE AS validated,
    CONCAT(
        'FOREIGN KEY (', GROUP_CONCAT(k.COLUMN_NAME ORDER BY k.ORDINAL_POSITION SEPARATOR ', '), ') REFERENCES ',
        MAX(k.REFERENCED_TABLE_SCHEMA), '.', MAX(k.REFERENCED_TABLE_NAME), ' (',
        GROUP_CONCAT(k.REFERENCED_COLUMN_NAME ORDER BY k.ORDINAL_POSITION SEPARATOR ', '), ')'
    ) AS definition,
    COUNT(*) OVER () AS total
FROM information_schema.KEY_COLUMN_USAGE AS k
WHERE k.REFERENCED_TABLE_NAME IS NOT NULL
    AND (k.TABLE_SCHEMA = %s AND k.TABLE_NAME = %s OR k.REFERENCED_TABLE_SCHEMA = %s AND k.REFERENCED_TABLE_NAME = %s)
GROUP BY k.CONSTRAINT_SCHEMA, k.CONSTRAINT_NAME, k.TABLE_SCHEMA, k.TABLE_NAME
ORDER BY side, name
LIMIT 100
