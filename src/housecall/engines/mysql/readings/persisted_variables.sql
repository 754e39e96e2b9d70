-- asks: Settings that SET PERSIST keeps for the next start, with the value that holds now.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-
-- cost: a handful of rows
SELECT
    p.VARIABLE_NAME AS name,
    LEFT(p.VARIABLE_VALUE, 300) AS persisted_value,
    LEFT(v.VARIABLE_VALUE, 300) AS current_value
FROM performance_schema.persisted_variables AS p
JOIN performance_schema.global_variables AS v ON v.VARIABLE_NAME = p.VARIABLE_NAME
WHERE p.VARIABLE_NAME NOT LIKE '%ssl_key%'
ORDER BY p.VARIABLE_NAME
LIMIT 200
