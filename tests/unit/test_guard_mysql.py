"""The guard for MySQL and MariaDB: what must be refused and why, and the harmless statements that look alike and
pass."""

import pytest

from housecall.engines.guard import guard

REFUSED = {
    # comments that run
    "SELECT 1 /*!50000 , SLEEP(10) */": "version_comment",
    "SELECT /*!SLEEP(10)*/": "version_comment",
    "SELECT 1 /*M!100100 , SLEEP(10) */": "version_comment",
    "/*!DROP TABLE t*/": "version_comment",
    "SELECT /*+ MAX_EXECUTION_TIME(0) */ 1": "version_comment",
    "SELECT /*+ SET_VAR(sql_select_limit = 1000000) */ * FROM t": "version_comment",
    # files and variables
    "SELECT * FROM t INTO OUTFILE '/tmp/x'": "writes_data",
    "SELECT a INTO DUMPFILE '/tmp/x' FROM t": "writes_data",
    "SELECT a INTO @a FROM t": "select_into",
    "SELECT LOAD_FILE('/etc/passwd')": "function_reads_files",
    "SELECT `load_file`('/etc/passwd')": "function_reads_files",
    "SELECT @a := 1": "changes_session",
    "SELECT @a:=a FROM t": "changes_session",
    # waiting and locking
    "SELECT SLEEP(10)": "function_sleeps",
    "SELECT sleep /* now */ (10)": "function_sleeps",
    "SELECT `sleep`(10)": "function_sleeps",
    "SELECT * FROM t WHERE a = 1 AND SLEEP(1)": "function_sleeps",
    "SELECT * FROM t ORDER BY (SELECT SLEEP(1))": "function_sleeps",
    "SHOW TABLES WHERE SLEEP(1)": "function_sleeps",
    "EXPLAIN SELECT SLEEP(1)": "function_sleeps",
    "SELECT BENCHMARK(1000000, MD5('a'))": "function_sleeps",
    "SELECT MASTER_POS_WAIT('a', 1)": "function_sleeps",
    "SELECT WAIT_FOR_EXECUTED_GTID_SET('a')": "function_sleeps",
    "SELECT GET_LOCK('a', 1)": "function_locks",
    "SELECT RELEASE_LOCK('a')": "function_locks",
    "SELECT RELEASE_ALL_LOCKS()": "function_locks",
    "SELECT * FROM t FOR UPDATE": "locks_rows",
    "SELECT * FROM t FOR SHARE": "locks_rows",
    "SELECT * FROM t LOCK IN SHARE MODE": "locks_rows",
    "SELECT * FROM (SELECT * FROM t FOR UPDATE) x": "locks_rows",
    # code that cannot be examined
    "CALL p()": "not_read_only",
    "DO SLEEP(1)": "not_read_only",
    "HANDLER t OPEN": "function_locks",
    "LOCK TABLES t READ": "function_locks",
    "SET GLOBAL read_only = 0": "changes_session",
    "SET @a = 1": "changes_session",
    "PREPARE s FROM 'DROP TABLE t'": "changes_session",
    "EXECUTE s": "changes_session",
    "USE mysql": "changes_session",
    "SELECT my_function(1)": "function_not_known",
    "SELECT shop.total(1)": "function_not_known",
    "SELECT `shop`.`lower`('a')": "function_not_known",
    "SELECT sys.ps_thread_account(1)": "function_not_known",
    "SELECT sys_exec('id')": "function_runs_sql",
    "EXPLAIN SELECT * FROM t WHERE a = my_function(1)": "function_not_known",
    "SELECT * FROM t PROCEDURE ANALYSE()": "not_read_only",
    "SELECT NEXT VALUE FOR s": "function_changes_sequence",
    "SELECT NEXTVAL(s)": "function_changes_sequence",
    "SELECT LAST_INSERT_ID(5)": "function_changes_session",
    "KILL 5": "function_signals",
    "FLUSH TABLES WITH READ LOCK": "function_signals",
    "ANALYZE TABLE t": "changes_structure",
    "OPTIMIZE TABLE t": "changes_structure",
    # several statements
    "SELECT 1; DROP TABLE t": "several_statements",
    "SELECT 1;;DELETE FROM t": "several_statements",
    "DELIMITER //": "several_statements",
    # texts that depend on sql_mode or character set
    "SELECT 'a\\' OR SLEEP(1) -- '": "unreadable",
    "SELECT 'a\\'b'": "unreadable",
    'SELECT "a\\" OR 1=1 -- "': "unreadable",
    "SELECT a || b FROM t": "unreadable",
    'SELECT "sleep"(1)': "unreadable",
    'SELECT * FROM "mysql".user': "unreadable",
    "SELECT _gbk'\xbf'": "unreadable",
    "SELECT _sjis 'a'": "unreadable",
    "SELECT _big5 X'A5'": "unreadable",
    "SELECT {fn SLEEP(1)}": "unreadable",
    "SELECT 'a": "unreadable",
    "SELECT 1 /* not closed": "unreadable",
    "SELECT 1e": "unreadable",
    # writes, however they are wrapped
    "INSERT INTO t VALUES (1)": "writes_data",
    "REPLACE INTO t VALUES (1)": "writes_data",
    "WITH x AS (SELECT 1) DELETE FROM t": "not_read_only",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE t": "writes_data",
    "EXPLAIN ANALYZE DELETE FROM t": "explain_runs_a_write",
    "ANALYZE FORMAT=JSON UPDATE t SET a = 1": "explain_runs_a_write",
    "ANALYZE UPDATE t SET a = 1": "explain_runs_a_write",
    "EXPLAIN FOR CONNECTION 5": "not_read_only",
    "EXPLAIN FORMAT=JSON FOR CONNECTION 5": "not_read_only",
    "EXPLAIN FORMAT=JSON INTO @plan SELECT 1": "not_read_only",
    # secrets
    "SELECT * FROM mysql.user": "secret_relation",
    "SELECT * FROM `mysql` . `user`": "secret_relation",
    "SELECT * FROM MYSQL.USER": "secret_relation",
    "TABLE mysql.user": "secret_relation",
    "SELECT Priv FROM mysql.global_priv": "secret_relation",
    "SELECT authentication_string FROM user": "secret_relation",
    "SELECT * FROM mysql.slave_master_info": "secret_relation",
    "SELECT * FROM performance_schema.user_variables_by_thread": "secret_relation",
    "SHOW CREATE USER root": "secret_relation",
    "SHOW GRANTS FOR root": "secret_relation",
    "DESCRIBE mysql.user": "secret_relation",
    "SHOW BINLOG EVENTS": "not_read_only",
    # what resets or runs away
    "SELECT * FROM information_schema.INNODB_CMP_RESET": "function_resets_statistics",
    "SELECT COUNT(*) FROM information_schema.INNODB_BUFFER_PAGE": "too_many_rows",
    "SELECT COUNT(*) FROM seq_1_to_100000000": "too_many_rows",
    "SELECT * FROM a, b, c": "too_many_rows",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r": "endless_recursion",
    "SELECT REPEAT('a', 1000000000)": "too_much_memory",
    "": "empty",
    "-- nothing": "empty",
}
ALLOWED = [
    "SELECT 1",
    "SELECT * FROM t WHERE action = 'DELETE'",
    'SELECT * FROM t WHERE action = "DELETE FROM t; SLEEP(1)"',
    "SELECT * FROM t WHERE note = 'INTO OUTFILE /*! SLEEP(1) */'",
    "SELECT * FROM t WHERE path = 'C:\\\\temp\\\\new'",
    "SELECT 'it''s'",
    "SELECT _utf8mb4'a', N'b', X'41', 0x41, b'01', 1.5e3, DATE '2024-01-01'",
    "SELECT `sleep`, `into` FROM `for update`",
    "SELECT t.sleep FROM t",
    "SELECT sleep FROM t",
    "SELECT COUNT(*), MAX(a) FROM t WHERE b IN (1, 2, 3) GROUP BY c HAVING COUNT(*) > 1 ORDER BY 2 DESC LIMIT 5, 10",
    "SELECT a.id FROM a LEFT JOIN b USING (id) WHERE EXISTS (SELECT 1 FROM c WHERE c.id = a.id)",
    "SELECT * FROM t USE INDEX (i) WHERE a BETWEEN 1 AND 2",
    "SELECT CAST(a AS CHAR(10)), CONVERT(b, DECIMAL(10, 2)) FROM t",
    "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t",
    "SELECT SUM(a) OVER w FROM t WINDOW w AS (PARTITION BY b)",
    "SELECT GROUP_CONCAT(DISTINCT a ORDER BY a SEPARATOR ', ') FROM t",
    "SELECT IF(a, b, c), COALESCE(a, 0), a DIV 2, a <=> b, NOT (a) FROM t",
    "SELECT SUBSTRING('abc' FROM 1 FOR 2), TRIM(BOTH 'x' FROM a), EXTRACT(YEAR FROM d) FROM t",
    "SELECT d + INTERVAL 1 DAY, DATE_ADD(d, INTERVAL 2 HOUR), TIMESTAMPDIFF(DAY, d, NOW()) FROM t",
    "SELECT JSON_EXTRACT(a, '$.b'), a->'$.b', a->>'$.c' FROM t",
    "SELECT * FROM JSON_TABLE(@@version, '$[*]' COLUMNS (a VARCHAR(10) PATH '$.a', b INT PATH '$.b')) AS j",
    "WITH x (a, b) AS (SELECT 1, 2), y AS (SELECT 3) SELECT * FROM x JOIN y",
    "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT * FROM r",
    "SELECT @@version, @@global.read_only",
    "SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'",
    "SELECT * FROM performance_schema.data_lock_waits",
    "SELECT * FROM sys.innodb_lock_waits",
    "SELECT * FROM `user`",
    "SELECT COUNT(*) FROM seq_1_to_1000",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "VALUES ROW(1, 2), ROW(3, 4)",
    "TABLE t",
    "SELECT 1 # comment\n",
    "SELECT 1 -- comment",
    "SELECT /* comment */ 1;",
    "SELECT MATCH (a) AGAINST ('word' IN BOOLEAN MODE) FROM t",
    "SHOW ENGINE INNODB STATUS",
    "SHOW FULL PROCESSLIST",
    "SHOW CREATE TABLE t",
    "SHOW GLOBAL STATUS LIKE 'Threads%'",
    "SHOW VARIABLES WHERE Variable_name IN ('a', 'b')",
    "SHOW REPLICA STATUS",
    "SHOW PROCEDURE STATUS",
    "SHOW CREATE PROCEDURE p",
    "DESCRIBE t",
    "DESC shop.t",
    "EXPLAIN SELECT * FROM t",
    "EXPLAIN FORMAT=JSON SELECT * FROM t WHERE a = 1",
    "EXPLAIN ANALYZE SELECT * FROM t",
    "ANALYZE FORMAT=JSON SELECT * FROM t",
    "EXPLAIN UPDATE t SET a = 1 WHERE b = 2",
    "EXPLAIN INSERT INTO t (a, b) VALUES (1, 2)",
    "EXPLAIN DELETE FROM t WHERE a = 1",
    "EXPLAIN SELECT * FROM t FOR UPDATE",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_does_more_than_read_is_refused_with_its_reason(sql: str) -> None:
    verdict = guard(sql, "mysql")
    assert not verdict.allowed
    assert verdict.code == REFUSED[sql], verdict
    assert verdict.reason.endswith((".", ")")) or ":" in verdict.reason


@pytest.mark.parametrize("sql", ALLOWED)
def test_what_only_looks_alike_is_allowed(sql: str) -> None:
    verdict = guard(sql, "mysql")
    assert verdict.allowed, verdict


def test_a_stored_function_with_the_name_of_a_built_in_of_the_other_flavour_is_refused() -> None:
    assert guard("SELECT REGEXP_LIKE('a', 'b')", "mysql").allowed
    assert (
        guard("SELECT REGEXP_LIKE('a', 'b')", "mysql", known_volatile=frozenset({"regexp_like"})).code
        == "function_not_known"
    )


def test_tables_and_functions_are_named() -> None:
    verdict = guard("SELECT LOWER(a) FROM shop.orders JOIN customers USING (id)", "mysql")
    assert verdict.tables == ("customers", "shop.orders")
    assert verdict.functions == ("lower",)
