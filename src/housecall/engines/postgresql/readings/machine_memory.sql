-- asks: how much memory the machine of the server has
-- privilege: pg_read_server_files (Linux only)
-- versions: 13-
-- cost: one small file of /proc
SELECT ((regexp_match(pg_catalog.pg_read_file('/proc/meminfo', 0, 4096), 'MemTotal:\s+(\d+) kB'))[1])::int8 * 1024 AS memory_bytes
