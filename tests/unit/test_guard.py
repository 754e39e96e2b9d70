"""The guard: what must be refused and why, and the harmless statements that look alike and must pass."""

import pytest

from housecall.engines.guard import MAX_STATEMENT_CHARACTERS, guard

REFUSED = {
    # calls, however they are written; on PostgreSQL 15 and 18 a READ ONLY transaction let all of these run
    "SELECT pg_sleep(10)": "function_sleeps",
    'SELECT "pg_sleep"(10)': "function_sleeps",
    "SELECT pg_catalog . pg_sleep /* now */ (10)": "function_sleeps",
    "SELECT * FROM pg_sleep(1) pg_sleep(x)": "function_sleeps",
    "SELECT DISTINCT ON (a) pg_sleep(1) FROM t": "function_sleeps",
    "SELECT 1 OPERATOR(pg_catalog.+) pg_sleep(1)": "function_sleeps",
    "SELECT * FROM t FETCH FIRST pg_sleep(1) ROWS ONLY": "function_sleeps",
    "SELECT a IS DISTINCT FROM b, pg_sleep(1) FROM t": "function_sleeps",
    "SELECT xmlelement(NAME foo, pg_sleep(1))": "function_sleeps",
    "VALUES (pg_sleep(1))": "function_sleeps",
    "EXPLAIN ANALYZE SELECT pg_sleep(1)": "function_sleeps",
    "EXPLAIN SELECT pg_sleep(1)": "function_sleeps",
    "EXPLAIN ANALYZE SELECT my_function(1)": "function_not_known",
    "EXPLAIN (ANALYZE) SELECT 'a'::mood": "user_defined_type",
    "EXPLAIN (ANALYZE off, ANALYZE) SELECT shop.total(1)": "function_not_known",
    "SELECT SLEEP(10)": "function_sleeps",
    "SELECT BENCHMARK(1, 1)": "function_sleeps",
    "SELECT (1).pg_sleep": "attribute_call",
    "SELECT (4711).pg_terminate_backend": "attribute_call",
    "SELECT ('i'::regclass).gin_clean_pending_list": "attribute_call",
    "SELECT x.pg_sleep FROM generate_series(1, 1) x": "attribute_call",
    'SELECT x."pg_sleep" FROM generate_series(1, 1) x': "attribute_call",
    "SELECT * FROM pg_read_file('/etc/passwd')": "function_reads_files",
    "SELECT pg_ls_dir('.')": "function_reads_files",
    "SELECT LOAD_FILE('/etc/passwd')": "function_reads_files",
    "SELECT lo_import('/etc/passwd')": "large_object",
    "SELECT lo_get(1)": "large_object",
    "SELECT query_to_xml('DELETE FROM t', true, true, '')": "function_runs_sql",
    "SELECT ts_stat('SELECT f()')": "function_runs_sql",
    "SELECT ts_rewrite('a'::tsquery, 'SELECT f()')": "function_runs_sql",
    "SELECT * FROM dblink('host=x', 'DROP TABLE t') AS t(a int)": "function_runs_sql",
    "SELECT pg_terminate_backend(4711)": "function_signals",
    "SELECT pg_reload_conf()": "function_signals",
    "SELECT pg_notify('a', 'b')": "function_signals",
    "SELECT pg_advisory_lock(1)": "function_locks",
    "SELECT pg_try_advisory_xact_lock(1)": "function_locks",
    "SELECT GET_LOCK('a', 1)": "function_locks",
    "SELECT pg_stat_reset()": "function_resets_statistics",
    "SELECT pg_stat_reset_shared('bgwriter')": "function_resets_statistics",
    "SELECT pg_stat_statements_reset()": "function_resets_statistics",
    "SELECT nextval('s')": "function_changes_sequence",
    "SELECT setval('s', 1)": "function_changes_sequence",
    "SELECT pg_logical_emit_message(true, 'a', 'b')": "function_changes_replication",
    "SELECT pg_drop_replication_slot('s')": "function_changes_replication",
    "SELECT pg_replication_slot_advance('s', '0/0')": "function_changes_replication",
    "SELECT pg_switch_wal()": "function_changes_replication",
    "SELECT set_config('role', 'postgres', false)": "function_changes_session",
    "SELECT txid_current()": "function_has_effect",
    "SELECT pg_export_snapshot()": "function_has_effect",
    "SELECT brin_summarize_new_values('i')": "function_has_effect",
    "SELECT my_function(1)": "function_not_known",
    "SELECT public.lower('x')": "function_not_known",
    "SELECT other.pg_catalog.lower('x')": "function_not_known",
    "SELECT * FROM ROWS FROM (my_function(1)) AS t(a)": "function_not_known",
    "SELECT * FROM t, LATERAL my_function(t.a)": "function_not_known",
    "SELECT * FROM a JOIN b ON a.x OPERATOR(pg_catalog.=) my_function(1)": "function_not_known",
    "SELECT * FROM t TABLESAMPLE my_method(1)": "function_not_known",
    "SELECT my_aggregate(a) WITHIN GROUP (ORDER BY a) FROM t": "function_not_known",
    "SELECT sum(a) OVER (PARTITION BY my_function(a)) FROM t": "function_not_known",
    "SELECT filter(1)": "function_not_known",
    "SELECT ilike(1)": "function_not_known",
    "SELECT 'a'::mood": "user_defined_type",
    "SELECT CAST('a' AS public.positive)": "user_defined_type",
    "SELECT CAST(a IS DISTINCT FROM b AS positive) FROM t": "user_defined_type",
    "SELECT public.positive '1'": "user_defined_type",
    "SELECT * FROM json_to_record('{}') AS t(a int, b positive)": "user_defined_type",
    "SELECT * FROM xmltable('/x' PASSING y COLUMNS a positive PATH 'a')": "user_defined_type",
    "SELECT * FROM json_table('{}', '$' COLUMNS (a positive PATH '$.a'))": "user_defined_type",
    "SELECT json_value('1', '$' RETURNING positive)": "user_defined_type",
    "SELECT 1 OPERATOR(public.+) 2": "user_defined_operator",
    # writes
    "INSERT INTO t VALUES (1)": "writes_data",
    "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d": "writes_data",
    "WITH d AS NOT MATERIALIZED (UPDATE t SET a = 1 RETURNING *) SELECT 1": "writes_data",
    "WITH d(x) AS (INSERT INTO t VALUES (1) RETURNING *) SELECT 1": "writes_data",
    "WITH d AS (WITH e AS (SELECT 1) DELETE FROM t RETURNING *) SELECT 1": "writes_data",
    "WITH x AS (SELECT 1) DELETE FROM t": "writes_data",
    "WITH RECURSIVE a AS (SELECT 1) SEARCH DEPTH FIRST BY x SET y DELETE FROM t": "writes_data",
    "EXPLAIN ANALYZE WITH d AS (DELETE FROM t RETURNING *) SELECT 1": "writes_data",
    "EXPLAIN (FORMAT JSON, ANALYZE) WITH x AS (SELECT 1) UPDATE t SET a = 1": "writes_data",
    "EXPLAIN (ANALYZE off, ANALYZE) WITH d AS (UPDATE t SET a = 1 RETURNING *) SELECT 1": "writes_data",
    "EXPLAIN VERBOSE ANALYZE WITH d AS (INSERT INTO t VALUES (1) RETURNING *) TABLE d": "writes_data",
    'EXPLAIN ("analyze" true) WITH x AS (SELECT 1) DELETE FROM t USING x': "writes_data",
    "EXPLAIN WITH d AS (DELETE FROM t RETURNING *) SELECT pg_sleep(1) FROM d": "function_sleeps",
    "EXPLAIN WITH d AS (DELETE FROM t WHERE a = (SELECT pg_read_file('x'))) SELECT 1": "function_reads_files",
    "EXPLAIN WITH d AS (DELETE FROM t RETURNING *) SELECT (1).pg_sleep FROM d": "attribute_call",
    "EXPLAIN WITH d AS (DELETE FROM t RETURNING *) SELECT * INTO x FROM d": "select_into",
    "EXPLAIN WITH d AS (SELECT 1) SELECT insert INTO x FROM t": "unparsable",
    "EXPLAIN WITH d AS (DELETE FROM t RETURNING *) SELECT 1; DELETE FROM t": "several_statements",
    "EXPLAIN WITH d AS (DELETE FROM t RETURNING *) CREATE TABLE x AS TABLE d": "not_read_only",
    "EXPLAIN WITH d AS (TRUNCATE t) SELECT 1": "unparsable",
    "EXPLAIN EXPLAIN WITH d AS (DELETE FROM t RETURNING *) SELECT 1": "not_read_only",
    "TRUNCATE t": "writes_data",
    "COPY t TO PROGRAM 'id'": "writes_data",
    "COPY t TO STDOUT": "writes_data",
    "EXPLAIN ANALYZE DELETE FROM t": "explain_runs_a_write",
    "EXPLAIN (ANALYZE) UPDATE t SET a = 1": "explain_runs_a_write",
    'EXPLAIN ("analyze") UPDATE t SET a = 1': "explain_runs_a_write",
    "EXPLAIN (ANALYZE off, ANALYZE on, BUFFERS) INSERT INTO t VALUES (1)": "explain_runs_a_write",
    "EXPLAIN (VERBOSE, ANALYSE 'true') DELETE FROM t": "explain_runs_a_write",
    "EXPLAIN ANALYZE VERBOSE MERGE INTO t USING s ON a = b WHEN MATCHED THEN DELETE": "explain_runs_a_write",
    "EXPLAIN ANALYZE EXECUTE p": "changes_session",
    "EXPLAIN CREATE TABLE x AS SELECT 1": "changes_structure",
    "SELECT * INTO x FROM t": "select_into",
    "SELECT * FROM t INTO OUTFILE '/tmp/x'": "select_into",
    "SELECT * FROM t INTO DUMPFILE '/tmp/x'": "select_into",
    "SELECT * FROM t FOR UPDATE": "locks_rows",
    "EXPLAIN ANALYZE SELECT * FROM t FOR UPDATE": "locks_rows",
    "SELECT * FROM t FOR NO KEY UPDATE": "locks_rows",
    "SELECT * FROM t FOR SHARE OF t NOWAIT": "locks_rows",
    "SELECT * FROM (SELECT * FROM t FOR KEY SHARE) x": "locks_rows",
    "LOCK TABLE t": "function_locks",
    "CALL p()": "not_read_only",
    "DO $$ BEGIN END $$": "not_read_only",
    "SET ROLE postgres": "changes_session",
    "RESET ALL": "changes_session",
    "LISTEN a": "changes_session",
    "PREPARE a AS SELECT 1": "changes_session",
    "EXECUTE a": "changes_session",
    "DECLARE c CURSOR FOR SELECT 1": "changes_session",
    "BEGIN": "changes_session",
    "ALTER SYSTEM SET fsync = off": "changes_structure",
    "GRANT ALL ON t TO u": "changes_structure",
    "VACUUM": "changes_structure",
    # several statements, and text that two readers can take differently
    "SELECT 1; DROP TABLE t": "several_statements",
    "SELECT 1;; SELECT 2": "several_statements",
    "SELECT $a$x$a$; DROP TABLE t": "several_statements",
    r"SELECT E'\''; DROP TABLE t; --'": "several_statements",
    r"SELECT '\'; DROP TABLE t; --'": "several_statements",
    r"SELECT '\'' , pg_sleep(1), '\'' ": "unreadable",
    r"SELECT '\'' || pg_sleep(1) -- '": "function_sleeps",  # with standard_conforming_strings off
    "SELECT E'a'\n'\\'' || pg_sleep(1) --'": "unreadable",
    "SELECT /* /* */ */ pg_sleep(1)": "function_sleeps",
    "SELECT 1 -- \r, pg_sleep(1)": "function_sleeps",
    'SELECT U&"pg\\005fsleep"(1)': "unreadable",
    "SELECT U&'a'": "unreadable",
    "SELECT\u00a0pg_sleep(1)": "unreadable",
    "SELECT 1\0": "unreadable",
    "SELECT 'open": "unreadable",
    "SELECT /* open": "unreadable",
    "SELECT 1 \\g /tmp/x": "unreadable",
    "/*!50000 SELECT */ 1": "version_comment",
    "SELECT 1 /*M!100100 + SLEEP(1) */": "version_comment",
    # what would run away
    "SELECT * FROM generate_series(1, 1000000000)": "too_many_rows",
    'SELECT * FROM pg_catalog."generate_series"(1, 10 ^ 9)': "too_many_rows",
    "SELECT * FROM generate_series(1, (SELECT 1000000000))": "too_many_rows",
    "SELECT generate_series(1, 2000), generate_series(1, 2000)": "too_many_rows",
    "SELECT * FROM generate_series(1, 2000) a, generate_series(1, 2000) b": "too_many_rows",
    "SELECT * FROM generate_series('2000-01-01'::timestamp, '2030-01-01', '1 second')": "too_many_rows",
    "WITH a AS (SELECT * FROM generate_series(1, 2000)) SELECT count(*) FROM a x, a y": "too_many_rows",
    "SELECT count(*) FROM pg_class a, pg_class b, pg_class c": "too_many_rows",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9999999) TABLE t": "too_many_rows",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t LIMIT 1": "endless_recursion",
    "SELECT repeat('a', 1000000000)": "too_much_memory",
    "SELECT pg_catalog.repeat(repeat('a', 100000), 100000)": "too_much_memory",
    "SELECT lpad('a', 1000000000)": "too_much_memory",
    "SELECT string_agg(repeat('a', 1000), '') FROM generate_series(1, 100000)": "too_much_memory",
    "SELECT format('%1000000000s', 'x')": "too_much_memory",
    # secrets
    "SELECT rolpassword FROM pg_authid": "secret_relation",
    'TABLE pg_catalog."pg_shadow"': "secret_relation",
    # nothing at all
    "": "empty",
    " ; ": "empty",
    "SELECT (1": "unparsable",
    "SELECT 1)": "unparsable",
    "SELEC 1": "not_read_only",
    "SELECT FROM WHERE": "unparsable",
}

ALLOWED = [
    "SELECT 1",
    "SELECT 1;",
    "((SELECT 1) UNION (SELECT 2))",
    "VALUES (1), (2)",
    "TABLE orders",
    "SHOW ALL",
    "SHOW work_mem",
    "EXPLAIN SELECT * FROM t",
    "EXPLAIN (FORMAT JSON) SELECT * FROM t",
    "EXPLAIN (ANALYZE, BUFFERS) SELECT count(*) FROM t",
    "EXPLAIN UPDATE t SET a = 1 WHERE b = 2",
    "EXPLAIN (ANALYZE off) DELETE FROM t",
    "EXPLAIN WITH d AS (DELETE FROM t RETURNING *) SELECT 1",
    "EXPLAIN (FORMAT JSON) WITH d AS (DELETE FROM t WHERE a = $1 RETURNING *) INSERT INTO u SELECT * FROM d",
    "EXPLAIN WITH x AS (SELECT id FROM q LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE q SET a = 1 FROM x WHERE q.id = x.id",
    "EXPLAIN (ANALYZE off) WITH d(a) AS (INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING RETURNING a) TABLE d",
    "EXPLAIN WITH x AS (SELECT 1) MERGE INTO t USING x ON t.a = x.a WHEN MATCHED THEN DELETE",
    "EXPLAIN SELECT * FROM t WHERE id = $1 FOR UPDATE SKIP LOCKED",
    "EXPLAIN SELECT shop.total(o) FROM orders o WHERE status = $1::shop.order_status",
    "EXPLAIN INSERT INTO t (a, b) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
    # words that only look like danger
    "SELECT * FROM t WHERE action = 'DELETE'",
    "SELECT 'pg_sleep(10); DROP TABLE t'",
    "SELECT a ILIKE ('x') AND b NOT ILIKE ('y') FROM t",
    "SELECT /* DELETE FROM t; */ 1 -- DROP TABLE t",
    'SELECT "delete", "select" FROM "table"',
    'SELECT * FROM "for" WHERE "into" = 1',
    "SELECT sleep, update, delete FROM t",
    "SELECT t.sleep, t.benchmark, t.delete, lo_price, t.lo_price FROM t",
    "SELECT (r).name FROM (SELECT ROW(1) r) s",
    "SELECT '/*! a comment of MySQL */'",
    r"SELECT * FROM t WHERE a LIKE 'x\_%' ESCAPE '\'",
    r"SELECT E'a\'b', $$it's$$, $x$select$x$",
    "SELECT json_build_object('delete', 1)",
    "SELECT * FROM pg_catalog.pg_file_settings",
    # syntax with a parenthesis after a word that is no function
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t",
    "SELECT count(*) FILTER (WHERE a) OVER (ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
    "SELECT grouping(a) FROM t GROUP BY ROLLUP (a), CUBE (b), GROUPING SETS ((a), ())",
    "SELECT * FROM generate_series(1, 100) g(x)",
    "SELECT * FROM unnest(ARRAY[1, 2]) WITH ORDINALITY t(a, b)",
    "SELECT * FROM (VALUES (1, 2)) v(a, b)",
    "WITH x(a, b) AS MATERIALIZED (SELECT 1, 2), y(c) AS (SELECT 3) SELECT * FROM x, y WHERE a = c",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT * FROM t",
    "SELECT * FROM t TABLESAMPLE system(1) REPEATABLE (1)",
    "SELECT * FROM json_to_record('{\"a\": 1}') AS t(a int, b text)",
    "SELECT * FROM json_table('{}'::jsonb, '$' COLUMNS (a int PATH '$.a'))",
    "SELECT extract(epoch FROM now()), substring(a FROM 1 FOR 2), overlay(a PLACING b FROM 1 FOR 2) FROM t",
    "SELECT x::numeric(10, 2), x::varchar(5), x::timestamp(3) with time zone, x::int[], x::\"char\" FROM t",
    "SELECT 'a'::character varying(10), date '2020-01-01', interval '1 day', timestamp with time zone '2020-01-01'",
    "SELECT data ->> 'a', data @> '{}', data ? 'k', a #>> '{b,c}', -a, @a, a ^ 2 FROM t",
    "SELECT a[1], a[1:2], array(SELECT 1), a = any(ARRAY[1, 2]), a IN (1, 2), exists(SELECT 1) FROM t",
    "SELECT coalesce(a, b), greatest(1, 2), nullif(a, b), left(a, 3), right(b, 2), xmlelement(NAME c) FROM t",
    # what a DBA asks
    "SELECT pg_size_pretty(pg_total_relation_size('public.orders'::regclass))",
    "SELECT pid, pg_blocking_pids(pid) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0",
    "SELECT * FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 5",
    "SELECT pg_get_indexdef(indexrelid) FROM pg_index",
    "SELECT * FROM a JOIN b ON a.id = b.id LEFT JOIN LATERAL (SELECT * FROM v WHERE v.x = a.x) c ON true",
    "SELECT generate_series('2024-01-01'::date, '2024-12-31', '1 day')",
    "SELECT md5(random()::text), clock_timestamp(), gen_random_uuid()",
    "SELECT has_table_privilege('t', 'select'), current_setting('work_mem'), to_regclass('x')",
    "SELECT repeat('-', 40), rpad('x', 10), format('%I.%I', 'a', 'b')",
    'SELECT "订单"."金额" AS 金额 FROM "订单"',
    "SELECT a FROM t WHERE id = $1",
    "SELECT count(*) FROM a, b",
]  # fmt: skip


@pytest.mark.parametrize("sql", REFUSED)
def test_a_trap_is_refused_by_its_own_rule(sql):
    verdict = guard(sql, "postgresql")
    assert (verdict.allowed, verdict.code) == (False, REFUSED[sql]), verdict.reason


@pytest.mark.parametrize("sql", REFUSED)
def test_a_refusal_says_in_a_sentence_what_is_wrong(sql):
    reason = guard(sql, "postgresql").reason
    assert len(reason) > 30
    assert reason.endswith(".")


@pytest.mark.parametrize("sql", ALLOWED)
def test_a_harmless_twin_is_allowed(sql):
    verdict = guard(sql, "postgresql")
    assert verdict.allowed, verdict.reason


def test_verdict_names_kind_tables_and_functions():
    verdict = guard("WITH x AS (SELECT 1) SELECT lower(a), (SELECT max(b) FROM s.u) FROM x, t", "postgresql")
    assert verdict.statement == "select"
    assert verdict.tables == ("s.u", "t")
    assert verdict.functions == ("lower", "max")


def test_series_at_the_limit_passes_and_one_more_row_does_not():
    assert guard("SELECT * FROM generate_series(1, 1000000)", "postgresql").allowed
    assert not guard("SELECT * FROM generate_series(1, 1000001)", "postgresql").allowed


def test_statement_at_the_length_limit_passes_and_a_longer_one_does_not():
    room = MAX_STATEMENT_CHARACTERS - len("SELECT ''")
    assert guard(f"SELECT '{'x' * room}'", "postgresql").allowed
    assert guard(f"SELECT '{'x' * (room + 1)}'", "postgresql").code == "too_long"


def test_deeply_nested_text_is_refused_without_exhausting_the_stack():
    assert not guard("SELECT " + "(" * 40_000 + "1" + ")" * 40_000, "postgresql").allowed
    assert not guard("SELECT " + "NOT " * 20_000 + "true", "postgresql").allowed
    assert not guard("SELECT " + "CASE WHEN true THEN " * 2_000 + "1" + " END" * 2_000, "postgresql").allowed


def test_builtin_shadowed_by_a_volatile_function_of_the_user_is_refused_unless_qualified():
    shadowing = frozenset({"lower"})
    assert not guard("SELECT lower('x')", "postgresql", known_volatile=shadowing).allowed
    assert guard("SELECT pg_catalog.lower('x')", "postgresql", known_volatile=shadowing).allowed


def test_word_that_newer_servers_keep_is_a_call_where_a_user_took_it():
    sql = "SELECT json_scalar(1)"
    assert guard(sql, "postgresql").allowed
    assert not guard(sql, "postgresql", known_volatile=frozenset({"json_scalar"})).allowed


def test_attribute_that_names_a_known_function_of_the_user_is_a_call():
    """PostgreSQL runs a user's f(t) for `t.f`."""
    assert guard("SELECT t.total FROM t", "postgresql").allowed
    assert guard("SELECT t.total FROM t", "postgresql", known_volatile=frozenset({"total"})).code == "attribute_call"
