-- Settings by name or part of a name; without both, those that are not at their compiled value.
SELECT
    LOWER(v.VARIABLE_NAME) AS name,
    LEFT(v.GLOBAL_VALUE, 300) AS value,
    NULL AS unit,
    LEFT(v.DEFAULT_VALUE, 100) AS built_in_value,
    LOWER(v.GLOBAL_VALUE_ORIGIN) AS source,
    IF(v.READ_ONLY = 'YES', 'postmaster', 'global') AS context,
    FALSE AS pending_restart,
    COALESCE(v.VARIABLE_COMMENT, '') AS description,
    COUNT(*) OVER () AS total
FROM information_schema.SYSTEM_VARIABLES AS v
WHERE v.GLOBAL_VALUE IS NOT NULL
    AND v.VARIABLE_NAME NOT IN ('WSREP_SST_AUTH', 'SSL_KEY')
    AND CASE
        WHEN %s IS NOT NULL THEN FIND_IN_SET(LOWER(v.VARIABLE_NAME), %s) > 0
        WHEN %s IS NOT NULL THEN v.VARIABLE_NAME LIKE CONCAT('%%', %s, '%%')
        ELSE v.GLOBAL_VALUE_ORIGIN NOT IN ('COMPILE-TIME', 'AUTO')
    END
ORDER BY v.VARIABLE_NAME
LIMIT 60
