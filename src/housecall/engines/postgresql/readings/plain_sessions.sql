-- asks: which sessions come over the network without encryption?
-- privilege: pg_read_all_stats (in pg_monitor) to see the sessions of other roles
-- versions: 13-
-- cost: one pass over the session list; at most 20 groups come back
SELECT
    a.usename::text AS user_name,
    a.application_name::text AS application,
    pg_catalog.host(a.client_addr)::text AS client,
    count(*)::int8 AS sessions,
    (sum(count(*)) OVER ())::int8 AS session_total
FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_stat_ssl AS s ON s.pid = a.pid AND NOT s.ssl
LEFT JOIN pg_catalog.pg_stat_gssapi AS g ON g.pid = a.pid
WHERE a.client_addr IS NOT NULL
    AND NOT (a.client_addr <<= inet '127.0.0.0/8' OR a.client_addr = inet '::1')
    AND NOT COALESCE(g.encrypted, false)
GROUP BY a.usename, a.application_name, a.client_addr
ORDER BY count(*) DESC, 1, 2
LIMIT 20
