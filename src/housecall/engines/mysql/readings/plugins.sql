-- asks: Which loadable plugins are active.
-- privilege: none
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: a handful of rows
SELECT PLUGIN_NAME AS name, PLUGIN_TYPE AS type, PLUGIN_STATUS AS status
FROM information_schema.PLUGINS
WHERE PLUGIN_LIBRARY IS NOT NULL
ORDER BY PLUGIN_NAME
LIMIT 200
