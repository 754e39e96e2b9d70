-- asks: Which settings are not at their compiled default, and who set them.
-- privilege: none
-- flavours: mariadb 10.6-
-- cost: one pass over the settings
SELECT
    LOWER(VARIABLE_NAME) AS name,
    LEFT(GLOBAL_VALUE, 300) AS value,
    GLOBAL_VALUE_ORIGIN AS source,
    NULL AS set_seconds_ago,
    NULL AS set_by
FROM information_schema.SYSTEM_VARIABLES
WHERE GLOBAL_VALUE_ORIGIN NOT IN ('COMPILE-TIME', 'AUTO') AND VARIABLE_NAME NOT IN ('WSREP_SST_AUTH', 'SSL_KEY')
ORDER BY VARIABLE_NAME
LIMIT 500
