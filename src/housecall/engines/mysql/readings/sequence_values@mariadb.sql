-- asks: How far each sequence has come, and which columns take their values from it.
-- privilege: SELECT ON the sequences
-- flavours: mariadb 10.6-
-- cost: nothing until there are sequences; then one row of each of at most 100, and one pass over the columns
SELECT
    NULL AS schema_name,
    NULL AS sequence_name,
    0 AS next_value,
    0 AS min_value,
    0 AS max_value,
    0 AS increment,
    0 AS cache_size,
    0 AS cycles,
    NULL AS table_schema,
    NULL AS table_name,
    NULL AS column_name,
    NULL AS column_type,
    NULL AS is_nullable
FROM information_schema.SCHEMATA AS s
WHERE FALSE
LIMIT 1
