"""What people ask, and what the diagnostician takes it for."""

import pytest

from housecall.agent.builtin.extract import extract
from housecall.agent.builtin.intents import understand


@pytest.mark.parametrize(
    "question",
    [
        "why is the db so slow today",
        "Why is the shop slow?",
        "whats wrong with my database",
        "checkout is timing out, what's going on?",
        "Should I restart the database?",
        "The server is slow, do we need a faster disk?",
        "数据库 CPU 很高，是不是要加内存？",
        "high CPU all day, shall we buy more RAM?",
        "要不要重启数据库？",
        "give me a health check",
        "Is my server healthy?",
        "somthing is wrogn, can you check prod?",
        "数据库为什么这么慢",
        "帮我看看数据库有什么问题",
        "系统好卡啊",
        "给实例 rm-abc123 做一次体检",
    ],
)
def test_trouble_of_any_kind_is_a_diagnosis(question: str) -> None:
    assert understand(question).kind == "diagnose"


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("any locks?", "locks"),
        ("who is blocking whom", "locks"),
        ("who is holding everybody up?", "locks"),
        ("how long has the oldest transaction been open?", "locks"),
        ("are there long running transactions", "locks"),
        ("谁阻塞了谁", "locks"),
        ("my queries are waiting forever", "locks"),
        ("are my statistics stale?", "vacuum"),
        ("n+1 queries?", "statements"),
        ("which queries take the most time", "statements"),
        ("wich qurey is slwo", "statements"),
        ("what's running right now", "statements"),
        ("哪些SQL最慢", "statements"),
        ("how many connections do I have", "connections"),
        ("[FIRING:1] HighConnections instance=shop summary: 95% of connections used", "connections"),
        ("连接数是不是满了", "connections"),
        ("we are running out of disk", "disk"),
        ("磁盘快满了怎么办", "disk"),
        ("is autovacuum keeping up", "vacuum"),
        ("哪些表膨胀了", "vacuum"),
        ("how close are we to wraparound", "wraparound"),
        ("事务号回卷风险", "wraparound"),
        ("how are the indexes?", "indexes"),
        ("do I have unused indexes?", "unused_indexes"),
        ("有没有没用的索引？", "unused_indexes"),
        ("哪些索引没有被使用？", "unused_indexes"),
        ("duplicate indexes?", "duplicate_indexes"),
        ("有重复索引吗？", "duplicate_indexes"),
        ("Which foreign keys have no index?", "foreign_keys"),
        ("哪些外键没有索引？", "foreign_keys"),
        ("Which indexes are missing, unused or duplicate?", "indexes"),
        ("缺哪些索引？哪些没用或重复？", "indexes"),
        ("why is there a deadlock on foreign keys?", "locks"),
        ("Which tables are the biggest?", "disk"),
        ("最大的表有哪些？", "disk"),
        ("哪张表最大？", "disk"),
        ("缺少哪些索引", "indexes"),
        ("check my configuration", "configuration"),
        ("参数配置合理吗", "configuration"),
        ("is replication healthy", "replication"),
        ("主从延迟很大", "replication"),
        ("are sequences about to run out?", "keys"),
        ("will any id column overflow soon?", "keys"),
        ("cache hit ratio?", "memory"),
    ],
)
def test_topics_are_recognised(question: str, topic: str) -> None:
    intent = understand(question)

    assert (intent.kind, intent.topic) == ("topic", topic)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("what can you do", "capabilities"),
        ("你能做什么", "capabilities"),
        ("thanks a lot!", "thanks"),
        ("谢谢", "thanks"),
        ("好的", "thanks"),
        ("hi", "greeting"),
        ("你好", "greeting"),
        ("what's the weather in Paris?", "outside"),
        ("write a python script that sorts a list", "outside"),
        ("今天天气怎么样", "outside"),
        ("list my instances", "instances"),
        ("列出所有实例", "instances"),
        ("what time is it", "time"),
        ("what version are you running?", "attributes"),
        ("版本是多少", "attributes"),
        ("is work_mem set right", "settings"),
        ("shared_buffers 是多少", "settings"),
        ("is fsync right", "settings"),
        ("show create table orders", "definition"),
        ("what about the orders table?", "table"),
        ("orders 表怎么样", "table"),
        ("explain this: ```sql\nselect * from orders\n```", "explain"),
        ("解释一下 select * from orders where id=1", "explain"),
        ("SELECT pg_sleep(10)", "explain"),
        ("run select count(*) from orders", "query"),
        ("why is this slow: update orders set total = 0 where id = 1", "explain"),
        ("update orders set total = 0", "change"),
        ("kill 4711", "change"),
        ("杀掉 4711", "change"),
        ("please drop index orders_status_2", "change"),
        ("vacuum orders now", "change"),
        ("restart the server", "change"),
        ("帮我建一个索引", "change"),
    ],
)
def test_other_wishes_are_recognised(question: str, kind: str) -> None:
    assert understand(question).kind == kind


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("and the second one?", "ordinal"),
        ("#3", "ordinal"),
        ("第二个呢", "ordinal"),
        ("show me the SQL", "sql"),
        ("how do I fix the second one?", "sql"),
        ("给我SQL", "sql"),
        ("怎么解决", "sql"),
        ("why?", "why"),
        ("are you sure?", "why"),
        ("为什么?", "why"),
        ("依据是什么", "why"),
        ("is it fixed now?", "fixed"),
        ("still slow", "fixed"),
        ("check again", "fixed"),
        ("好了吗", "fixed"),
        ("再检查一下", "fixed"),
        ("what else?", "rest"),
        ("还有别的吗", "rest"),
        ("drop that index", "change"),
        ("fix it", "change"),
        ("what about orders?", "table"),
        ("and customers?", "table"),
        ("show me the slow queries", "topic"),
    ],
)
def test_follow_ups_mean_what_was_shown(question: str, kind: str) -> None:
    assert understand(question, follows=True).kind == kind


def test_how_to_fix_without_a_diagnosis_asks_for_one() -> None:
    assert understand("how do I fix this?").kind == "diagnose"


def test_should_i_is_a_question_not_an_order() -> None:
    assert understand("should I vacuum orders?").kind == "table"


def test_suspicions_in_an_alert_are_hypotheses() -> None:
    intent = understand("ALERT: replication lag 45s on shop - is the network bad?")

    assert intent.topic == "replication"
    assert "network" in intent.suspects


def test_a_fenced_statement_is_taken_whole() -> None:
    found = extract("why slow?\n```sql\nSELECT 1;\n```\nthanks")

    assert found.sql == "SELECT 1"
    assert "select" not in found.text


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ('tell me about "public"."order_items"', ('"public"."order_items"',)),
        ("how big is shop.orders?", ("shop.orders",)),
        ("`Order Lines` 这个表", ("Order Lines",)),
        ("orders表呢", ("orders",)),
        ("mail me at dba@example.com", ()),
    ],
)
def test_names_of_tables_are_found(question: str, names: tuple[str, ...]) -> None:
    assert extract(question).names == names


@pytest.mark.parametrize(
    ("question", "ordinal"), [("the second one", 2), ("3rd", 3), ("第三个", 3), ("the last one", -1), ("the next", 0)]
)
def test_ordinals_are_found(question: str, ordinal: int) -> None:
    assert extract(question).ordinal == ordinal


def test_a_question_of_a_megabyte_is_read_in_bounded_time() -> None:
    assert understand("slow " * 200_000).kind == "diagnose"


def test_full_width_letters_are_letters() -> None:
    assert understand("ａｎｙ ｌｏｃｋｓ？").topic == "locks"


def test_a_literal_at_the_end_of_a_statement_keeps_its_quote() -> None:
    assert extract("优化 select * from orders where status='x'").sql == "select * from orders where status='x'"


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        (
            "The statement UPDATE bins SET n = 7 WHERE id = 5 is slow. Do we need an index?",
            "UPDATE bins SET n = 7 WHERE id = 5",
        ),
        ("select * from orders where id = 1 takes 10 seconds, why?", "select * from orders where id = 1"),
        ("UPDATE bins SET n = 7 WHERE id = 5 很慢，需要加索引吗？", "UPDATE bins SET n = 7 WHERE id = 5"),
        ("why does delete from bins where id = 3 never finish?", "delete from bins where id = 3"),
        ("explain select * from t where note = 'it is slow'", "explain select * from t where note = 'it is slow'"),
        ("explain select * from t where paid is null", "explain select * from t where paid is null"),
    ],
)
def test_a_statement_ends_where_the_words_about_it_begin(question: str, statement: str) -> None:
    assert extract(question).sql == statement


@pytest.mark.parametrize(
    ("question", "suspects"),
    [
        ("The server is slow, do we need a faster disk?", ("disk",)),
        ("数据库 CPU 很高，是不是要加内存？", ("cpu", "memory")),
        ("要不要加内存？查询很慢", ("memory",)),
    ],
)
def test_what_somebody_would_buy_is_a_suspicion(question: str, suspects: tuple[str, ...]) -> None:
    assert understand(question).suspects == suspects
