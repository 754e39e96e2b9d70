"""Streams as the edge tells them: at once, kept alive, resumable, and cut when the server stops."""

import json
import socket
import threading
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from housecall.errors import SetupError
from housecall.events import Happening


def ask(question: str, **more: str) -> str:
    return "/?" + "&".join(f"{name}={quote(value)}" for name, value in {"Query": question, **more}.items())


class TestStreams:
    def test_the_first_event_comes_before_the_answer_is_known(self, edge, hold) -> None:
        with edge.stream("ChatMessages", ask(edge.script(hold, "done"))) as frames:
            first = frames.next()
            assert first["Event"] == "workflow_started"
            assert first["TaskId"]
            hold.let_go()
            assert [frame["Event"] for frame in frames.rest()] == ["message", "message_end", "workflow_finished"]

    def test_headers_forbid_caching_and_compression(self, edge) -> None:
        headers = edge.headers("ChatMessages", ask("hello"), headers={"accept-encoding": "gzip"})
        with httpx.stream("POST", edge.url + ask("hello"), headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert "no-cache" in response.headers["cache-control"]
            assert "content-encoding" not in response.headers
            assert response.headers["x-acs-request-id"]
            response.read()

    def test_ids_are_the_numbers_of_the_events(self, edge) -> None:
        with edge.stream("ChatMessages", ask(edge.script("a", "b"))) as frames:
            assert [frame["id"] for frame in frames.rest()] == ["1", "2", "3", "4", "5"]

    def test_a_silent_run_is_kept_alive_by_comments(self, edge, hold) -> None:
        with edge.stream("ChatMessages", ask(edge.script(hold))) as frames:
            frames.next()
            threading.Timer(2.5, hold.let_go).start()
            frames.rest()
            assert frames.comments >= 1

    def test_a_client_that_goes_away_does_not_stop_the_run(self, edge, hold) -> None:
        with edge.stream("ChatMessages", ask(edge.script("half ", hold, "and half"))) as frames:
            message_id = frames.next()["MessageId"]
            hold.reached.wait(10)
        hold.let_go()
        with edge.stream("SubscribeMessage", f"/v1/messages/{message_id}/events", "GET") as frames:
            told = frames.rest()
        assert "".join(frame["Answer"] for frame in told if frame["Event"] == "message") == "half and half"

    def test_a_stream_that_breaks_says_so_and_where_to_go_on(self, edge) -> None:
        with edge.stream("ChatMessages", ask(edge.script("a", "break the stream"))) as frames:
            last = frames.rest()[-1]
        assert (last["Event"], last["Code"], last["id"]) == ("error", "InternalError", None)
        assert "after event 2" in last["Answer"]
        assert "hunter2" not in json.dumps(last)


@pytest.fixture(scope="module")
def told(edge) -> list[dict[str, Any]]:
    """Every frame of a run whose second message is so long that it comes in parts."""
    with edge.stream("ChatMessages", ask(edge.script("a", "慢" * 30_000, "c"))) as frames:
        return frames.rest()


class TestResuming:
    @pytest.mark.parametrize("place", range(8))
    def test_after_any_event_gives_exactly_the_rest(self, edge, told, place: int) -> None:
        target = f"/v1/messages/{told[0]['MessageId']}/events"
        after = {"last-event-id": told[place]["id"]}
        with edge.stream("SubscribeMessage", target, "GET", headers=after) as frames:
            again = frames.rest()
        assert [frame["id"] for frame in again] == [frame["id"] for frame in told[place + 1 :]]
        assert [frame["Answer"] for frame in again] == [frame["Answer"] for frame in told[place + 1 :]]

    def test_by_parameter_through_the_rpc_door(self, edge, told) -> None:
        target = f"/?MessageId={told[0]['MessageId']}&LastEventId={told[-2]['id']}"
        with edge.stream("SubscribeMessage", target) as frames:
            assert [frame["Event"] for frame in frames.rest()] == ["workflow_finished"]

    def test_from_a_place_that_is_none_is_refused(self, edge, told) -> None:
        target = f"/v1/messages/{told[0]['MessageId']}/events"
        answer = edge.send("SubscribeMessage", target, "GET", headers={"last-event-id": "yesterday"})
        assert (answer.status_code, answer.json()["Code"]) == (400, "InvalidParameter")

    def test_of_a_message_that_is_not_there(self, edge) -> None:
        answer = edge.send("SubscribeMessage", "/v1/messages/nothing/events", "GET")
        assert (answer.status_code, answer.json()["Code"]) == (404, "MessageNotFound")


class TestStopping:
    def test_cuts_a_stream_so_that_half_an_answer_is_not_taken_for_a_whole(self, own_edge, hold) -> None:
        with own_edge.stream("ChatMessages", ask(own_edge.script("half", hold))) as frames:
            frames.next()
            own_edge.loop.call_soon_threadsafe(own_edge.task.cancel)
            with pytest.raises(httpx.RemoteProtocolError):
                frames.rest()

    def test_tells_who_waits_for_one_object_where_the_answer_will_be(self, own_edge, hold) -> None:
        question = own_edge.script(hold)
        stopping = threading.Thread(
            target=lambda: (hold.reached.wait(10), own_edge.loop.call_soon_threadsafe(own_edge.task.cancel))
        )
        stopping.start()
        answer = own_edge.send("ChatMessages", ask(question, ResponseMode="blocking"))
        stopping.join()
        assert (answer.status_code, answer.json()["Code"]) == (503, "ServiceUnavailable")
        assert "ConversationId conv-1" in answer.json()["Message"]


class TestBlocking:
    NINE = frozenset(
        {"RequestId", "Answer", "ConversationId", "CreatedAt", "MessageId", "Mode", "Event", "Id", "TaskId"}
    )

    def test_the_rest_door_answers_one_object_with_the_nine_fields(self, edge) -> None:
        body = json.dumps({"Query": edge.script("a", "b")}).encode()
        answer = edge.send("ChatMessages", "/v1/chat-messages", body=body, headers={"content-type": "application/json"})
        assert set(answer.json()) == self.NINE
        assert (answer.json()["Answer"], answer.json()["Event"], answer.json()["Mode"]) == ("ab", "message", "chat")
        assert isinstance(answer.json()["CreatedAt"], int)

    def test_the_rest_door_streams_when_accept_says_so(self, edge) -> None:
        headers = {"accept": "text/event-stream"}
        with edge.stream("ChatMessages", "/v1/chat-messages" + ask("x")[1:], headers=headers) as frames:
            assert frames.next()["Event"] == "workflow_started"
            frames.rest()

    def test_the_rest_door_takes_a_form(self, edge) -> None:
        body = f"Query={edge.script('a')}&Inputs.RegionId=local".replace(" ", "+").encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        assert edge.send("ChatMessages", "/v1/chat-messages", body=body, headers=headers).json()["Answer"] == "a"

    @pytest.mark.parametrize("path", ["/", "/v1/chat-messages"])
    def test_response_mode_overrides_the_door(self, edge, path: str) -> None:
        target = path + ask(edge.script("a"))[1:]
        assert edge.send("ChatMessages", target + "&ResponseMode=blocking").json()["Answer"] == "a"
        with edge.stream("ChatMessages", target + "&ResponseMode=streaming") as frames:
            assert frames.next()["Event"] == "workflow_started"
            frames.rest()

    def test_a_run_that_failed_is_an_error_that_says_where_the_question_is(self, edge) -> None:
        question = edge.script("half", Happening("error", "The model is silent.", {"code": "ModelError"}))
        answer = edge.send("ChatMessages", ask(question, ResponseMode="blocking"))
        assert (answer.status_code, answer.json()["Code"]) == (502, "ModelError")
        assert answer.json()["Message"].startswith("The model is silent. The question is kept: ConversationId conv-")

    def test_a_caller_that_leaves_does_not_hold_a_subscription(self, edge, hold) -> None:
        question = edge.script(hold, "a")
        target = ask(question, ResponseMode="blocking")
        with httpx.Client(timeout=0.3) as client, pytest.raises(httpx.ReadTimeout):
            client.post(edge.url + target, headers=edge.headers("ChatMessages", target))
        edge.wait_until(lambda: edge.app.runs.subscribers == 0)
        hold.let_go()


def test_a_port_in_use_is_told_with_what_to_do(edge) -> None:
    from housecall.api.listening import listen

    port = int(edge.endpoint.rpartition(":")[2])
    with pytest.raises(SetupError, match=f"Port {port} on 127.0.0.1 is in use.*--port"):
        listen("127.0.0.1", port)


def test_a_port_that_a_predecessor_lets_go_of_is_waited_for() -> None:
    import socket
    import threading

    from housecall.api.listening import listen

    predecessor = socket.create_server(("127.0.0.1", 0))
    port = predecessor.getsockname()[1]
    leaving = threading.Timer(0.3, predecessor.close)
    leaving.start()
    try:
        with listen("127.0.0.1", port) as listener:
            assert listener.getsockname()[1] == port
    finally:
        leaving.join()


def test_small_answers_do_not_wait_for_acknowledgements() -> None:
    from housecall.api.listening import listen

    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_of_another_machine_is_told() -> None:
    from housecall.api.listening import listen

    with pytest.raises(SetupError, match=r"Cannot listen on 192\.0\.2\.1 port 0"):
        listen("192.0.2.1", 0)
