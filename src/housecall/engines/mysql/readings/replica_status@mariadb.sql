-- asks: Whether this server follows a source, and how it is doing.
-- privilege: REPLICA MONITOR ON *.*
-- flavours: mariadb 10.6-
-- cost: one row a channel
SHOW ALL REPLICAS STATUS
