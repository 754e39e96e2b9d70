-- Columns of one table in their order.
SELECT
    a.attname::text AS name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS not_null,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default_value,
    a.attidentity::text AS identity,
    a.attgenerated::text AS generated,
    count(*) OVER () AS total
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s::int8::oid
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY a.attnum
LIMIT 200
