-- asks: Which settings are not at their compiled default, and who set them.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-
-- cost: one pass over the settings
SELECT
    i.VARIABLE_NAME AS name,
    LEFT(v.VARIABLE_VALUE, 300) AS value,
    i.VARIABLE_SOURCE AS source,
    TIMESTAMPDIFF(SECOND, i.SET_TIME, NOW()) AS set_seconds_ago,
    i.SET_USER AS set_by
FROM performance_schema.variables_info AS i
JOIN performance_schema.global_variables AS v ON v.VARIABLE_NAME = i.VARIABLE_NAME
WHERE i.VARIABLE_SOURCE <> 'COMPILED' AND i.VARIABLE_NAME NOT LIKE '%ssl_key%'
ORDER BY i.VARIABLE_NAME
LIMIT 500
