-- asks: Whether this server follows a source, and how it is doing.
-- privilege: REPLICATION CLIENT ON *.*
-- flavours: mysql 8.0.22-
-- cost: one row a channel
SHOW REPLICA STATUS
