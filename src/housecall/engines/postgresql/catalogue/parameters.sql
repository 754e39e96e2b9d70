-- Settings by name or part of a name; without both, those that differ from their built-in value.
-- reset_val is what a new session of this role gets: the session that asks has bounds of its own.
SELECT
    s.name,
    s.reset_val AS value,
    s.unit,
    s.boot_val AS built_in_value,
    CASE
        WHEN s.source <> 'session' THEN s.source
        WHEN s.reset_val IS DISTINCT FROM s.boot_val THEN 'configuration'
        ELSE 'default'
    END AS source,
    s.context,
    s.pending_restart,
    s.short_desc AS description,
    count(*) OVER () AS total
FROM pg_catalog.pg_settings AS s
WHERE CASE
    WHEN %s::text[] IS NOT NULL THEN s.name = ANY (%s::text[])
    WHEN %s::text IS NOT NULL THEN s.name ILIKE '%%' || %s::text || '%%'
    ELSE s.reset_val IS DISTINCT FROM s.boot_val AND s.source NOT IN ('default', 'client', 'override')
END
ORDER BY s.pending_restart DESC, s.name
LIMIT 60
