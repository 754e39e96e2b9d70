-- asks: How much of a processor a calculation of ours gets, by the clock of the server and by that of its processor.
-- privilege: none
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: nothing until sessions are seen at work; then a calculation of some 15 ms on one processor
SELECT
    0.0 AS seconds,
    0.0 AS processor_seconds,
    0 AS preempted
FROM information_schema.SCHEMATA AS s
WHERE FALSE
LIMIT 1
