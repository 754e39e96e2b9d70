-- asks: How the number keys near their end are declared, and the columns that refer to them by foreign keys.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: nothing until a key is near its end; then some passes over the foreign keys and one over the columns
SELECT
    NULL AS key_schema,
    NULL AS key_table,
    NULL AS key_column,
    NULL AS schema_name,
    NULL AS table_name,
    NULL AS column_name,
    NULL AS column_type,
    NULL AS is_nullable,
    NULL AS column_default,
    NULL AS comment,
    NULL AS extra,
    NULL AS constraint_name,
    NULL AS columns,
    NULL AS referenced_schema,
    NULL AS referenced_table,
    NULL AS referenced_columns,
    NULL AS update_rule,
    NULL AS delete_rule
FROM information_schema.SCHEMATA AS s
WHERE FALSE
LIMIT 1
