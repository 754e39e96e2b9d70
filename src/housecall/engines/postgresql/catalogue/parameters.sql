-- Settings by name or part of a name; without both, those that differ from their built-in value.
SELECT
    s.name,
    s.setting AS value,
    s.unit,
    s.boot_val AS built_in_value,
    s.source,
    s.context,
    s.pending_restart,
    s.short_desc AS description,
    count(*) OVER () AS total
FROM pg_catalog.pg_settings AS s
WHERE CASE
    WHEN %s::text[] IS NOT NULL THEN s.name = ANY (%s::text[])
    WHEN %s::text IS NOT NULL THEN s.name ILIKE '%%' || %s::text || '%%'
    ELSE s.setting IS DISTINCT FROM s.boot_val AND s.source NOT IN ('default', 'client', 'session', 'override')
END
ORDER BY s.pending_restart DESC, s.name
LIMIT 60
