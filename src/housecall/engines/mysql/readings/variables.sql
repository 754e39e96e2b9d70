-- asks: The server's settings.
-- privilege: none
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the settings
SHOW GLOBAL VARIABLES
WHERE Variable_name NOT LIKE 'performance_schema\_%' AND Variable_name NOT LIKE '%ssl_key%'
    AND Variable_name NOT LIKE 'wsrep_sst_auth'
