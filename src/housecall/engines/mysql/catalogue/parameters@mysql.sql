-- Settings by name or part of a name; without both, those that are not at their compiled value. The session that asks
-- has bounds of its own, which the server lists as set.
SELECT
    v.VARIABLE_NAME AS name,
    LEFT(v.VARIABLE_VALUE, 300) AS value,
    NULL AS unit,
    NULL AS built_in_value,
    LOWER(i.VARIABLE_SOURCE) AS source,
    NULL AS context,
    COALESCE(p.VARIABLE_VALUE <> v.VARIABLE_VALUE, FALSE) AS pending_restart,
    '' AS description,
    COUNT(*) OVER () AS total
FROM performance_schema.global_variables AS v
LEFT JOIN performance_schema.variables_info AS i ON i.VARIABLE_NAME = v.VARIABLE_NAME
LEFT JOIN performance_schema.persisted_variables AS p ON p.VARIABLE_NAME = v.VARIABLE_NAME
WHERE v.VARIABLE_NAME NOT LIKE '%%ssl_key%%'
    AND CASE
        WHEN %s IS NOT NULL THEN FIND_IN_SET(v.VARIABLE_NAME, %s) > 0
        WHEN %s IS NOT NULL THEN v.VARIABLE_NAME LIKE CONCAT('%%', %s, '%%')
        ELSE i.VARIABLE_SOURCE <> 'COMPILED' AND NOT (
            i.VARIABLE_SOURCE = 'DYNAMIC' AND i.SET_USER IS NULL OR i.VARIABLE_NAME IN (
                'sql_mode', 'lock_wait_timeout', 'innodb_lock_wait_timeout', 'group_concat_max_len', 'time_zone',
                'information_schema_stats_expiry', 'max_execution_time', 'explain_json_format_version',
                'transaction_read_only', 'sql_select_limit'
            ) AND i.SET_USER IS NOT NULL AND i.VARIABLE_SOURCE = 'DYNAMIC'
        )
    END
ORDER BY pending_restart DESC, v.VARIABLE_NAME
LIMIT 60
