-- How big this database is and how it is set up to answer.
SELECT
    pg_catalog.pg_database_size(current_database()) AS database_bytes,
    current_setting('max_connections')::int AS max_connections,
    current_setting('shared_buffers') AS shared_buffers,
    current_setting('TimeZone') AS server_time_zone,
    (SELECT count(*) FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384) AS tables
