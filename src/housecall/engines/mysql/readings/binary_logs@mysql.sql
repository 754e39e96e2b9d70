-- asks: How many binary logs there are and how large they are.
-- privilege: REPLICATION CLIENT ON *.*
-- flavours: mysql 8.0-
-- cost: one row a file, summed up here
SHOW BINARY LOGS
