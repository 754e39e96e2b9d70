-- asks: which extensions are installed, at which version, and whether pg_stat_statements and HypoPG could be had
-- privilege: none
-- versions: 13-
-- cost: the server reads its extension control files
SELECT
    a.name::text AS name,
    a.installed_version::text AS installed_version,
    a.default_version::text AS available_version,
    'pg_stat_statements' = ANY (string_to_array(replace(current_setting('shared_preload_libraries'), ' ', ''), ','))
        AS statements_preloaded
FROM pg_catalog.pg_available_extensions AS a
WHERE a.installed_version IS NOT NULL OR a.name IN ('pg_stat_statements', 'hypopg')
ORDER BY a.name
LIMIT 100
