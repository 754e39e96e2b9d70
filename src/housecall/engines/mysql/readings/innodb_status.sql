-- asks: InnoDB's own report: history list, semaphores, latest deadlock and foreign key error.
-- privilege: PROCESS ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one report of at most 1 MB
-- kind: counters
SHOW ENGINE INNODB STATUS
