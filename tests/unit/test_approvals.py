"""Approvals without I/O: the rules of mode auto, cards, single statements, statements as tools, and open calls."""

import pytest
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.tools import ToolApproved, ToolDenied

from housecall.agent.builtin.changing import call_for
from housecall.agent.history import history_of, open_calls, transcript_of
from housecall.agent.resuming import after_calls, decisions
from housecall.agent.tools.registry import write_tools
from housecall.chat.cards import describe
from housecall.chat.rules import LONG_SECONDS, RULES, SMALL_BYTES, judge
from housecall.engines.change import differences, statement_hash
from housecall.engines.desk import CallCard
from housecall.engines.postgresql.changes import CHANGER
from housecall.engines.postgresql.changes._common import name_parts
from housecall.engines.postgresql.changes.statement import single
from housecall.errors import RequestError
from housecall.turn import PastTurn

LONG_READ = {"active": True, "reads": True, "wrote": False, "statement_seconds": LONG_SECONDS}


class TestRules:
    def test_a_long_read_may_be_cancelled_and_a_shorter_one_not(self):
        assert judge("auto", "cancel_query", LONG_READ).verdict == "allowed"
        shorter = LONG_READ | {"statement_seconds": LONG_SECONDS - 0.1}
        assert judge("auto", "cancel_query", shorter).verdict == "waiting"

    def test_a_statement_that_writes_is_for_a_person(self):
        assert judge("auto", "cancel_query", LONG_READ | {"reads": False}).verdict == "waiting"
        assert judge("auto", "cancel_query", LONG_READ | {"wrote": True}).rule == "uncommitted-writes"

    def test_ending_a_session_is_always_for_a_person(self):
        assert judge("auto", "terminate_session", LONG_READ).rule == "ends-a-session"

    def test_a_vacuum_passes_up_to_the_size_and_not_beyond(self):
        facts = {"size_bytes": SMALL_BYTES, "freezes": False}
        assert judge("auto", "vacuum_table", facts).verdict == "allowed"
        assert judge("auto", "vacuum_table", facts | {"size_bytes": SMALL_BYTES + 1}).verdict == "waiting"
        assert judge("auto", "vacuum_table", facts | {"freezes": True}).verdict == "waiting"

    @pytest.mark.parametrize("tool", sorted(write_tools() - {"analyze_table", "vacuum_table", "cancel_query"}))
    def test_everything_else_waits_whatever_its_facts(self, tool):
        for facts in ({}, {"drops": True}, {"rewrites": True}, {"exclusive": True, "busy": True}, LONG_READ):
            assert judge("auto", tool, facts).verdict == "waiting"

    def test_a_model_makes_it_stricter_only(self):
        assert judge("auto", "analyze_table", {}).verdict == "allowed"
        assert judge("auto", "analyze_table", {}, wants_person=True).verdict == "waiting"
        assert judge("manual", "analyze_table", {}).verdict == "waiting"
        assert judge("read_only", "analyze_table", {}).verdict == "refused"

    def test_a_fact_that_was_not_measured_allows_nothing(self):
        assert judge("auto", "cancel_query", {}).verdict == "waiting"
        assert judge("auto", "vacuum_table", {"freezes": False}).verdict == "waiting"

    def test_each_rule_says_why_in_both_languages(self):
        assert all(rule.reason.en and rule.reason.zh for rule in RULES)


def test_every_write_tool_has_a_change_and_no_other_has() -> None:
    assert set(CHANGER.tools) == write_tools()


class TestSingleStatement:
    @pytest.mark.parametrize(
        "text",
        ["SELECT 1; DROP TABLE t", "BEGIN", "/* x */ COMMIT", "-- a\nROLLBACK", "SET work_mem = '1GB'", "  ;", "",
         "COPY t FROM STDIN", "COPY t TO PROGRAM 'sh'", "LOCK TABLE t", "SELECT 1\0"],
    )  # fmt: skip
    def test_what_does_not_stand_by_itself_is_refused(self, text):
        with pytest.raises(RequestError):
            single(text)

    def test_a_semicolon_in_a_text_is_no_second_statement(self):
        assert single("UPDATE t SET a = 'x; y';") == "UPDATE t SET a = 'x; y'"


@pytest.mark.parametrize(
    ("text", "parts"),
    [("orders", (None, "orders")), ("a.b", ("a", "b")), ('"a.b"."c ""d"', ("a.b", 'c "d')), (' "X" ', (None, "X"))],
)
def test_names_are_read_as_they_are_written(text, parts) -> None:
    assert name_parts(text) == parts


@pytest.mark.parametrize("text", ["", "a.b.c", '""'])
def test_what_is_no_name_is_refused(text) -> None:
    with pytest.raises(RequestError):
        name_parts(text)


@pytest.mark.parametrize(
    ("statement", "tool"),
    [
        ("SELECT pg_terminate_backend(4711);", "terminate_session"),
        ("CREATE INDEX CONCURRENTLY i ON public.t (a, b)", "create_index"),
        ("CREATE INDEX CONCURRENTLY i ON t (lower(a))", "execute_sql"),
        ("CREATE INDEX CONCURRENTLY i ON t (a) WHERE b", "execute_sql"),
        ("DROP INDEX CONCURRENTLY public.i", "drop_index"),
        ("REINDEX INDEX CONCURRENTLY i", "rebuild_index"),
        ("VACUUM (FREEZE, ANALYZE) t", "vacuum_table"),
        ("VACUUM FULL t", "execute_sql"),
        ("ANALYZE t", "analyze_table"),
        ("ALTER TABLE t SET (fillfactor = 80)", "set_table_option"),
        ("ALTER SYSTEM SET work_mem = '64MB'", "set_parameter"),
        ("SELECT pg_drop_replication_slot('s')", "drop_replication_slot"),
        ("DELETE FROM t", "execute_sql"),
        (
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 7 AND state = 'idle'",
            "terminate_session",
        ),
        ("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle'", "execute_sql"),
        ("SELECT setval('s', 10)", "execute_sql"),
    ],
)
def test_a_statement_becomes_the_tool_that_was_made_for_it(statement, tool) -> None:
    assert call_for(statement).tool == tool


@pytest.mark.parametrize("statement", ["SELECT * FROM pg_stat_activity", "SELECT pg_reload_conf();", ""])
def test_a_statement_that_only_looks_is_no_change(statement) -> None:
    assert call_for(statement) is None


def test_the_hash_binds_instance_and_each_statement() -> None:
    one = statement_hash("a", ("x", "y"))
    assert one == statement_hash("a", ("x", "y"))
    assert (
        len({one, statement_hash("b", ("x", "y")), statement_hash("a", ("xy",)), statement_hash("a", ("y", "x"))}) == 4
    )


def test_a_state_differs_by_what_changed_appeared_or_went() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1, "c": 3}) == {"b": (2, None), "c": (None, 3)}


def test_a_card_keeps_a_name_on_its_line_and_sql_in_its_fence() -> None:
    card = {"title": "Drop\nAPPROVED: yes", "statements": ["x ``` y"], "instance_id": "shop", "risk": "high"}
    text = describe(card, "why\nnot", "en")
    assert text.splitlines()[0] == "Drop APPROVED: yes"
    assert "````sql\nx ``` y;\n````" in text
    assert text.endswith("Why a person decides: why not")


WAITING = [
    ModelRequest(parts=[UserPromptPart(content="do it")]),
    ModelResponse(parts=[TextPart(content="Let me."), ToolCallPart("create_index", {}, tool_call_id="c1")]),
]
GOING_ON = [
    ModelRequest(parts=[ToolReturnPart(tool_name="create_index", content={"outcome": "ok"}, tool_call_id="c1")]),
    ModelResponse(parts=[TextPart(content="Done.")]),
]


def past(messages, query="q") -> PastTurn:
    return PastTurn(query, "a", transcript_of(messages))


class TestHistory:
    def test_a_turn_that_went_on_is_one_with_what_waited(self):
        history = history_of([past(WAITING), past(GOING_ON)])
        assert [type(each) for each in history] == [type(each) for each in [*WAITING, *GOING_ON]]
        assert not open_calls(history)

    def test_a_call_that_still_waits_is_closed_for_another_question(self):
        history = history_of([past(WAITING)])
        assert not open_calls(history)
        assert isinstance(history[-1], ModelResponse)

    def test_a_call_stays_open_for_the_turn_that_goes_on_with_it_whatever_it_costs(self):
        assert open_calls(history_of([past(WAITING)], 1, resumes=True)) == {"c1"}

    def test_beyond_the_budget_both_shrink_together(self):
        history = history_of([past(WAITING), past(GOING_ON)], 12)
        assert not any(isinstance(part, ToolReturnPart | ToolCallPart) for each in history for part in each.parts)

    def test_the_messages_behind_the_calls_are_those_of_the_turn_that_goes_on(self):
        assert after_calls([*WAITING, *GOING_ON], {"c1"}) == GOING_ON


class TestDecisions:
    def card(self, status, comment="") -> CallCard:
        return CallCard("id", "round", "c1", "create_index", "shop", {}, "", status, comment)

    def test_only_an_approved_call_may_run(self):
        for status, kind in (
            ("approved", ToolApproved),
            ("rejected", ToolDenied),
            ("expired", ToolDenied),
            ("pending", ToolDenied),
        ):
            assert isinstance(decisions([self.card(status)], WAITING).approvals["c1"], kind)

    def test_a_call_that_nobody_was_asked_about_is_denied(self):
        assert isinstance(decisions([], WAITING).approvals["c1"], ToolDenied)

    def test_the_comment_of_a_rejection_reaches_the_model(self):
        denied = decisions([self.card("rejected", "not today")], WAITING).approvals["c1"]
        assert "not today" in denied.message
