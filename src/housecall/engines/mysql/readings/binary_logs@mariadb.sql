-- asks: How many binary logs there are and how large they are.
-- privilege: BINLOG MONITOR ON *.*
-- flavours: mariadb 10.6-
-- cost: one row a file, summed up here
SHOW BINARY LOGS
